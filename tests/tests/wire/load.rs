//! As many requests as the machine can do: each leaves its record.

use std::{collections::BTreeMap, io::Write as _, net::SocketAddr, path::Path, process::Command};

use audit_tests::testbed::Testbed;
use audit_trail::{Item, Reader};

use crate::pair::{Framework, alone};

const CONNECTIONS: u64 = 32;
const ORDER: &str = r#"wrk.method = "POST"
wrk.body = '{"item":"tea"}'
wrk.headers["content-type"] = "application/json"
"#;

/// How long each load goes on; `scripts/nightly` has more time.
fn seconds() -> u64 {
    let told = std::env::var("AUDIT_TEST_SECONDS").ok();
    told.map_or(3, |told| told.parse().expect("AUDIT_TEST_SECONDS: a number"))
}

#[test]
fn under_full_load_axum_leaves_a_record_of_every_request() {
    every_request_leaves_a_record(Framework::Axum);
}

#[test]
fn under_full_load_actix_leaves_a_record_of_every_request() {
    every_request_leaves_a_record(Framework::Actix);
}

fn every_request_leaves_a_record(framework: Framework) {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("trail");
    let mut script = tempfile::Builder::new().suffix(".lua").tempfile().expect("a file");
    script.write_all(ORDER.as_bytes()).expect("a disk with room");
    let flags = ["--threads", "4", "--audit", "metadata", "--trail"];
    let flags = [&flags[..], &[root.to_str().expect("a path")]].concat();
    let mut testbed = Testbed::start(framework.testbed(), &flags);

    let asked = [
        ("/hello", wrk(testbed.addr, "/hello", None)),
        ("/orders", wrk(testbed.addr, "/orders", Some(script.path()))),
    ];
    testbed.stop_cleanly(0);

    let records = Records::read(&root);
    assert_eq!(records.gaps, 0, "{framework:?}");
    for (path, answered) in asked {
        let recorded = records.by_path.get(path).copied().unwrap_or(0);
        // wrk stops reading while each connection may have an answer on its way.
        let expected = answered..=answered + CONNECTIONS;
        assert!(answered > 1000 && expected.contains(&recorded), "{path}: {answered}, {recorded}");
    }
    assert_eq!(records.by_path.len(), 2, "{:?}", records.by_path);
}

/// Asks as fast as it can. Gives how many answers there were, all of them good.
fn wrk(addr: SocketAddr, path: &str, script: Option<&Path>) -> u64 {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t2", &format!("-c{CONNECTIONS}"), &format!("-d{}s", seconds())]);
    if let Some(script) = script {
        wrk.arg("-s").arg(script);
    }
    let output = wrk.arg(format!("http://{addr}{path}")).output();
    let output = output.expect("wrk, which scripts/setup installs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    // It tells of them only if there are any.
    assert!(!told.contains("Non-2xx") && !told.contains("Socket errors"), "{told}");
    let count =
        told.lines().find_map(|line| line.split_once(" requests in ")?.0.trim().parse().ok());
    count.unwrap_or_else(|| panic!("no count in {told}"))
}

/// What a trail holds, without keeping it.
#[derive(Default)]
struct Records {
    by_path: BTreeMap<String, u64>,
    gaps: u64,
}

impl Records {
    fn read(root: &Path) -> Self {
        let mut records = Self::default();
        let mut reader = Reader::open(root).expect("a trail");
        let (mut next, mut last) = (0, None);
        while let Some(item) = reader.next().expect("a trail that can be read") {
            let Item::Line(line) = item else { panic!("{item:?}") };
            assert_eq!(line.seq(), next, "numbers without a hole");
            next += 1;
            let entry = line.entry().expect("a record");
            if let Some(path) = entry.request().and_then(|request| request.path.clone()) {
                *records.by_path.entry(path).or_default() += 1;
            }
            last = entry.control.map(|control| control.op);
            records.gaps += u64::from(last.as_deref() == Some("gap"));
        }
        assert_eq!(last.as_deref(), Some("close"));
        records
    }
}
