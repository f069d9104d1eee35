//! `audit explain`, `audit lint`, `audit config show` and `audit mask --config`.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

mod common;

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use common::{Run, finish};

const POLICY: &str = "\
[auditor]
capture = \"headers\"
[mask]
fields = [\"salary\"]
[exclude]
paths = [\"/health\"]
extensions = [\"css\"]
[[rule]]
name = \"logins\"
methods = [\"POST\"]
path = \"/login\"
capture = \"none\"
[[rule]]
name = \"failed\"
status = [\"5xx\"]
capture = \"full\"
limit = \"1KiB\"
mask = { fields = [\"iban\"], how = \"remove\" }
[[rule]]
name = \"slow\"
path = \"/slow/**\"
min_duration = \"1s\"
min_size = 100
user = [\"ann\", \"7\"]
tenant = \"acme\"
reliability = \"strict\"
[[rule]]
name = \"reads\"
methods = [\"GET\"]
route = \"/orders/{id}\"
sample = 0.25
slow = \"500ms\"
";

/// A configuration in a folder of its own, in which the command runs.
struct Folder(TempDir);

impl Folder {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("audit.toml"), config).unwrap();
        Self(folder)
    }

    fn run_with(&self, args: &str, stdin: &str, environment: &[(&str, &str)]) -> Run {
        let mut child = Command::new(env!("CARGO_BIN_EXE_audit"))
            .args(args.split_whitespace())
            .current_dir(self.0.path())
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may end before it reads.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        finish(child.wait_with_output().unwrap())
    }

    fn run(&self, args: &str) -> Run {
        self.run_with(args, "", &[])
    }

    fn explained(&self, request: &str) -> Value {
        let run = self.run(&format!("explain --config audit.toml --json {request}"));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{request}");
        serde_json::from_str(&run.stdout).unwrap()
    }
}

#[test]
fn every_request_is_explained_by_what_decides_on_it() {
    let folder = Folder::new(POLICY);
    for (request, rule, capture, sample_rate, why) in [
        ("GET /health", None, "none", 0.0, "no record: excluded by exclude.paths `/health`"),
        ("GET /health/", None, "none", 0.0, "no record: excluded by exclude.paths `/health`"),
        ("GET /a/app.css", None, "none", 0.0, "no record: excluded by exclude.extensions `css`"),
        ("GET /healthy", Some("default"), "headers", 1.0, "always recorded"),
        ("GET /a?b=/health", Some("default"), "headers", 1.0, "always recorded"),
        ("post /login", Some("logins"), "none", 0.0, "no record: the rule `logins` captures none"),
        ("GET /a --status 503", Some("failed"), "full", 1.0, "always recorded"),
        ("GET /a --outcome panicked", Some("failed"), "full", 1.0, "always recorded"),
        ("GET /a --outcome service_error", Some("default"), "headers", 1.0, "always recorded"),
        ("GET /a --status 503 --outcome cancelled", Some("failed"), "full", 1.0, "always recorded"),
        // There is no answer yet.
        ("GET /a --outcome cancelled", Some("default"), "headers", 1.0, "always recorded"),
        (
            "GET /slow/a --duration-ms 1000.5 --size 100 --user 7 --tenant acme",
            Some("slow"),
            "headers",
            1.0,
            "always recorded: it is strict",
        ),
        (
            "GET /orders/1 --route /orders/{id}",
            Some("reads"),
            "headers",
            0.25,
            "recorded by chance: `sample = 0.25`",
        ),
        (
            "GET /orders/1 --route /orders/{id} --status 404",
            Some("reads"),
            "headers",
            1.0,
            "always recorded: it failed, whatever `sample = 0.25` says",
        ),
        (
            "GET /orders/1 --route /orders/{id} --duration-ms 500",
            Some("reads"),
            "headers",
            1.0,
            "always recorded: it is slow, whatever `sample = 0.25` says",
        ),
    ] {
        let told = folder.explained(request);
        assert_eq!(told["rule"].as_str(), rule, "{request}: {told}");
        assert_eq!(told["capture"], capture, "{request}");
        assert_eq!(told["sample_rate"], sample_rate, "{request}");
        assert_eq!(told["why"], why, "{request}");
    }
    let failed = folder.explained("GET /a --status 500");
    assert_eq!(failed["body_limit"], 1024);
    assert_eq!(failed["capture_from"], "audit.toml:16");
    assert_eq!(failed["rules"][0]["conditions"][0], "method is POST");
    assert_eq!(
        failed["masks"],
        serde_json::json!([{"field": "iban", "how": "remove"}, {"field": "salary", "how": "redact"}])
    );
}

#[test]
fn people_read_why_in_a_few_lines() {
    let folder = Folder::new(POLICY);
    let run = folder.run("explain --config audit.toml GET /a --status 500");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    for told in [
        "logins  no, it takes only: method is POST, path matches /login",
        "failed  decides: status is 5xx",
        "full: all headers, and both bodies as far as 1024 bytes (json, form)  (audit.toml:16)",
        "the built-in names, iban (remove), salary (redact)",
    ] {
        assert!(run.stdout.contains(told), "{}", run.stdout);
    }
    let excluded = folder.run("explain --config audit.toml GET /health").stdout;
    assert!(excluded.contains("by exclude.paths `/health`  (audit.toml:6)"), "{excluded}");
    // Without a file only the environment counts.
    let defaults = folder.run_with("explain GET /health", "", &[("AUDIT_CAPTURE", "none")]).stdout;
    assert!(defaults.contains("none: nothing  (environment AUDIT_CAPTURE)"), "{defaults}");
}

#[test]
fn wrong_questions_are_wrong_use() {
    let folder = Folder::new(POLICY);
    for (args, told) in [
        ("GET orders", "begins with `/`"),
        ("G@T /", "no method"),
        ("GET / --status 42", "100..=999"),
        ("GET / --outcome odd", "odd"),
        ("GET / --duration-ms -1", "-1"),
        ("GET / --duration-ms nan", "nan"),
        ("GET / --config /nonexistent.toml", "/nonexistent.toml"),
    ] {
        let run = folder.run(&format!("explain {args}"));
        let code = if args.contains("nonexistent") { 4 } else { 2 };
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{args}: {}", run.stderr);
        assert!(run.stderr.contains(told), "{args}: {}", run.stderr);
    }
    let wrong = Folder::new("[auditor]\ncaptur = 1\nmemory = \"x\"\n");
    for command in ["explain GET /", "config show", "mask"] {
        let run = wrong.run(&format!("{command} --config audit.toml"));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{command}");
        assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
        assert!(run.stderr.starts_with("audit: audit.toml:2:1: auditor.captur: there is no such key; did you mean `auditor.capture`?"));
    }
}

#[test]
fn lint_says_no_to_what_no_application_starts_with() {
    let folder = Folder::new("[auditor]\ncaptur = \"full\"\n[[rule]]\nstatus = [\"4xy\"]\n");
    let run = folder.run("lint audit.toml");
    assert_eq!(run.code, 1);
    let shown = "error: audit.toml:2:1: auditor.captur: there is no such key; did you mean \
                 `auditor.capture`?\n    captur = \"full\"\n    ^^^^^^\n";
    assert!(run.stdout.starts_with(shown), "{}", run.stdout);
    assert!(run.stderr.starts_with("audit: 2 errors"), "{}", run.stderr);
    let run = folder.run("lint audit.toml --json");
    assert_eq!(run.code, 1);
    let told: Vec<Value> = run.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(told[1]["key"], "rule.rule-1.status");
    assert_eq!((&told[1]["line"], &told[1]["severity"]), (&4.into(), &"error".into()));
    let no_toml = Folder::new("[auditor\n").run("lint audit.toml");
    assert_eq!(no_toml.code, 1);
    assert!(no_toml.stdout.starts_with("error: audit.toml:1:"), "{}", no_toml.stdout);
    assert_eq!(folder.run("lint nothing.toml").code, 4);
    assert_eq!(folder.run("lint").code, 2);
}

#[test]
fn lint_only_warns_of_what_is_unlikely() {
    let proxies = "[client]\ntrusted_proxies = [\"0.0.0.0/0\"]\n";
    let folder = Folder::new(&format!("{POLICY}[[rule]]\npath = \"/health\"\n{proxies}"));
    let run = folder.run("lint audit.toml");
    assert_eq!(run.code, 0);
    assert!(
        run.stdout.contains("warning: audit.toml:34: rule.rule-5: is reached only by odd paths"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("warning: audit.toml:36: client.trusted_proxies: `0.0.0.0/0`"));
    assert!(run.stderr.starts_with("audit: no errors, 3 warnings"), "{}", run.stderr);
    let json = folder.run("lint audit.toml --json");
    assert_eq!((json.code, json.stdout.lines().count()), (0, 3));
    // The environment is not of the file.
    let environment = [("AUDIT_SESSION_AS", "none")];
    assert_eq!(folder.run_with("lint audit.toml", "", &environment).stdout, run.stdout);
    let fine = Folder::new("");
    let run = fine.run("lint audit.toml");
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert_eq!(run.stderr, "audit: no errors, no warnings\n");
}

#[test]
fn what_acts_on_a_terminal_is_escaped() {
    let folder = Folder::new("[auditor]\n\"\\u001b[31m\" = 1\ncapture = \"\\u202e\"\n");
    let odd =
        "[[rule]]\nname = \"a\"\nuser = [\"\u{202e}\", \"\\u009b\"]\n[service]\nname = \"\"\n";
    fs::write(folder.0.path().join("odd.toml"), odd).unwrap();
    fs::write(folder.0.path().join("bad.toml"), odd.replace("user", "usre\u{202e}")).unwrap();
    for run in [
        folder.run("lint audit.toml"),
        folder.run("lint audit.toml --json"),
        folder.run("explain GET /\u{1b}[31m"),
        folder.run("explain --config audit.toml GET /"),
        folder.run("explain --config odd.toml GET /"),
        folder.run("explain --config odd.toml GET / --json"),
        folder.run("config show --config odd.toml"),
        folder.run("config show --config odd.toml --json"),
        folder.run("config show --config odd.toml --json --origin"),
        folder.run("config show --config bad.toml"),
    ] {
        let all = format!("{}{}", run.stdout, run.stderr);
        assert!(!all.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{all:?}");
    }
}

#[test]
fn variables_that_are_likely_misspelt_are_told() {
    let folder = Folder::new("");
    for args in ["config show --config audit.toml", "explain --config audit.toml GET /"] {
        let run = folder.run_with(args, "", &[("AUDIT_CAPTUR", "hunter2"), ("AUDIT_PORT", "1")]);
        let expected =
            "audit: environment AUDIT_CAPTUR: sets nothing; did you mean `AUDIT_CAPTURE`?\n";
        assert_eq!((run.code, run.stderr.as_str()), (0, expected), "{args}");
    }
    let run = folder.run_with("config show", "", &[("AUDIT_MASK_FIELDS", "hunter2")]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no variable sets a list"), "{}", run.stderr);
}

#[test]
fn what_is_shown_is_a_configuration_that_says_the_same() {
    let folder = Folder::new(POLICY);
    let first = folder.run_with("config show --config audit.toml", "", &[("AUDIT_MEMORY", "1MiB")]);
    assert_eq!(first.code, 0);
    let again = Folder::new(&first.stdout).run("config show --config audit.toml");
    assert_eq!(again.stdout, first.stdout);
    let environment = [("AUDIT_MEMORY", "1MiB")];
    let run = folder.run_with("config show --config audit.toml --origin", "", &environment);
    assert!(run.stdout.contains("memory = \"1MiB\"  # environment AUDIT_MEMORY\n"));
    assert!(run.stdout.contains("capture = \"full\"  # audit.toml:16\n"));
    assert!(run.stdout.contains("catch_panics = true  # default\n"));
    let json: Value = serde_json::from_str(&folder.run("config show --json").stdout).unwrap();
    assert_eq!(json["auditor"]["capture"], "metadata", "no file, no environment");
    let origins = folder.run("config show --config audit.toml --json --origin").stdout;
    let origins: Vec<Value> = serde_json::from_str(&origins).unwrap();
    let of = |key: &str| origins.iter().find(|said| said["key"] == key).unwrap();
    assert_eq!(of("rule[2].limit")["origin"], "audit.toml:17");
}

#[test]
fn bodies_are_masked_as_configured() {
    let folder = Folder::new(POLICY);
    let body = r#"{"iban":"DE1","salary":3,"pin":1,"name":"ann"}"#;
    let masked = |args: &str| -> Value {
        let args = format!("mask --content-type application/json {args}");
        serde_json::from_str(&folder.run_with(&args, body, &[]).stdout).unwrap()
    };
    let told = masked("--config audit.toml");
    assert_eq!(told["body"]["salary"], "[redacted]");
    assert_eq!(told["body"]["iban"], "DE1");
    let told = masked("--config audit.toml --rule failed");
    assert_eq!(told["body"].get("iban"), None);
    assert_eq!(told["masked"][0]["how"], "remove");
    let told = masked("--config audit.toml --fields name --except pin --limit 40");
    assert_eq!((&told["state"], &told["body"].is_string()), (&"truncated".into(), &true));
    let told = masked("--config audit.toml --fields name --except pin --no-builtin");
    assert_eq!((&told["body"]["name"], &told["body"]["pin"]), (&"[redacted]".into(), &1.into()));
    // Not without being asked.
    assert_eq!(masked("")["body"]["salary"], 3);
    for (args, told) in [("--config audit.toml --rule x", "`x`"), ("--rule failed", "--config")] {
        let run = folder.run(&format!("mask {args}"));
        assert_eq!(run.code, 2, "{args}");
        assert!(run.stderr.contains(told), "{}", run.stderr);
    }
    // Types count where the file says which.
    let types = Folder::new("bodies.content_types = [\"json\"]\n");
    let of = |folder: &Folder| {
        folder.run_with("mask --config audit.toml --content-type text/plain", "pin=1", &[])
    };
    assert!(of(&types).stdout.contains("\"reason\":\"content_type\""));
    assert!(of(&folder).stdout.contains("pin=[redacted]"));
}
