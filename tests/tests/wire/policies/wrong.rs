//! Wrong configurations: the testbed does not start, and says where what is wrong, and what is
//! allowed.

use std::{fs, process::Command};

use audit_tests::programs;

use crate::pair::Framework;

struct Wrong {
    file: &'static str,
    environment: &'static [(&'static str, &'static str)],
    /// Line by line; `FILE` is the file's name.
    said: &'static [&'static str],
}

/// A file that says so.
const fn file(file: &'static str, said: &'static [&'static str]) -> Wrong {
    Wrong { file, environment: &[], said }
}

const WRONG: &[Wrong] = &[
    file(
        "[auditor]\ncapture = \"bodies\"\n",
        &[
            "FILE:2:11: auditor.capture: `\"bodies\"` is not one of none, metadata, headers, request, full",
        ],
    ),
    file(
        "[auditor]\n\ncaptur = \"full\"\n",
        &["FILE:3:1: auditor.captur: there is no such key; did you mean `auditor.capture`?"],
    ),
    file(
        "[[rule]]\nname = \"orders\"\nstatus = [\"4xx\", \"6xy\"]\n",
        &["FILE:3:18: rule.orders.status: `6xy` is no status such as 404, 4xx or 500-503"],
    ),
    file(
        "[[rule]]\npath = \"orders\"\n",
        &["FILE:2:8: rule.rule-1.path: `orders` can match no path: a path begins with `/`"],
    ),
    file(
        "[[rule]]\nname = \"a\"\nsample = 1.5\n",
        &["FILE:3:10: rule.a.sample: 1.5 is no share from 0 to 1"],
    ),
    file(
        "[[rule]]\nname = \"a\"\n[[rule]]\nname = \"a\"\n",
        &["FILE:4:8: rule[2].name: `a` is the name of another rule; each needs its own"],
    ),
    file(
        "[bodies]\nlimit = \"8 bytes\"\n[client]\nip = \"prefixed\"\n",
        &[
            "FILE:2:9: bodies.limit: `\"8 bytes\"` is not a size such as \"8KiB\", or a number of bytes",
            "FILE:4:6: client.ip: `\"prefixed\"` is not one of full, prefix, none; did you mean `prefix`?",
        ],
    ),
    file(
        "[session]\ncookie = \"sid\"\nheader = \"x-session\"\n",
        &["FILE:3:10: session.header: `x-session`, beside the cookie `sid`: name one of the two"],
    ),
    file("[auditor\n", &["FILE:1:9: "]),
    Wrong {
        file: "",
        environment: &[("AUDIT_CAPTURE", "Full"), ("AUDIT_BODIES_LIMIT", "much")],
        said: &[
            "environment AUDIT_CAPTURE: auditor.capture: `Full` is not one of none, metadata, headers, \
             request, full; did you mean `full`?",
            "environment AUDIT_BODIES_LIMIT: bodies.limit: `much` is not a size such as",
        ],
    },
];

#[test]
fn wrong_configurations_end_a_testbed_before_it_serves() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.toml");
    let name = path.to_str().expect("a path");
    for Wrong { file: text, environment, said } in WRONG {
        fs::write(&path, text).expect("a file");
        for framework in Framework::ALL {
            let output = Command::new(programs::example(framework.testbed()))
                .args(["--config", name, "--listen", "127.0.0.1:0"])
                .envs(environment.iter().copied())
                .output()
                .expect("a program");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{text}: {stderr}");
            assert_eq!(output.stdout, b"", "{text}");
            for part in *said {
                let part = part.replace("FILE", name);
                assert!(stderr.contains(&part), "{text}\n{part}\nis not in\n{stderr}");
            }
            assert_eq!(stderr.lines().count(), said.len(), "{stderr}");
        }
    }
}
