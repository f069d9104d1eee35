//! `audit prove` and `audit check-proof`, on trails that the library wrote.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

mod common;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use audit_core::{Auditor, Settings};
use audit_trail::Trail;
use serde_json::Value;
use tempfile::TempDir;

use common::{Run, finish};

fn run(folder: &Path, args: &str) -> Run {
    piped(folder, args, b"")
}

fn piped(folder: &Path, args: &str, stdin: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_audit"))
        .args(args.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails before it reads closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    finish(child.wait_with_output().unwrap())
}

/// A folder with a trail `audit` of three records, and its key `audit.pub`.
fn written() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let auditor = Auditor::to(Trail::open(folder.path().join("audit")).unwrap());
    auditor.reload::<String>(Ok(Settings::default())).unwrap();
    auditor.close_blocking().unwrap();
    fs::copy(folder.path().join("audit/00/verifier.key"), folder.path().join("audit.pub")).unwrap();
    folder
}

/// The line of a record in it.
fn stored(folder: &Path, seq: usize) -> String {
    let text = fs::read_to_string(folder.join("audit/00/00000000000000000000.jsonl")).unwrap();
    let begin = format!("{{\"seq\":{seq},");
    text.lines().find(|line| line.starts_with(&begin)).unwrap().to_owned()
}

#[test]
fn a_proof_is_checked_without_the_trail() {
    let folder = written();
    let line = stored(folder.path(), 1);
    let id = serde_json::from_str::<Value>(&line).unwrap()["id"].as_str().unwrap().to_owned();
    let proof = run(folder.path(), &format!("prove audit {id}"));
    assert_eq!((proof.code, proof.stderr.as_str()), (0, ""));
    assert!(proof.stdout.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{}", proof.stdout);
    for place in ["00/1", "1"] {
        assert_eq!(run(folder.path(), &format!("prove audit {place}")).stdout, proof.stdout);
    }
    let made = run(folder.path(), "prove audit 1 --key audit.pub --out 1.tlog-proof");
    assert_eq!((made.code, made.stdout.as_str()), (0, ""));
    assert!(made.stderr.contains("audit check-proof 1.tlog-proof --key"), "{}", made.stderr);
    let file = folder.path().join("1.tlog-proof");
    assert_eq!(fs::read_to_string(&file).unwrap(), proof.stdout);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = run(folder.path(), "prove audit 2 --out 1.tlog-proof");
    assert_eq!(again.code, 4);
    assert!(again.stderr.contains("1.tlog-proof exists already"), "{}", again.stderr);
    fs::remove_dir_all(folder.path().join("audit")).unwrap();
    for (args, stdin) in [
        ("check-proof 1.tlog-proof --key audit.pub", ""),
        ("check-proof --key audit.pub", &*proof.stdout),
        ("check-proof - --key audit.pub", &*proof.stdout),
    ] {
        let held = piped(folder.path(), args, stdin.as_bytes());
        assert_eq!((held.code, held.stderr.as_str()), (0, ""), "{args}");
        assert!(held.stdout.starts_with("the proof holds: this is record 1 of audit/"));
        assert!(held.stdout.contains("the key that you gave") && held.stdout.contains(&id));
        assert!(held.stdout.contains("checkpoint: of 3 records"), "{}", held.stdout);
    }
    let json = run(folder.path(), "check-proof 1.tlog-proof --key audit.pub --json").stdout;
    assert!(json.contains(&format!("\"record\":{line}")), "as it was stored: {json}");
    let told: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&told["good"], &told["seq"]), (&true.into(), &1.into()));
    assert_eq!((&told["size"], &told["record"]["id"]), (&3.into(), &id.into()));
    assert!(told["origin"].as_str().unwrap().starts_with("audit/"));
}

#[test]
fn what_does_not_hold_is_exit_1_with_the_reason() {
    let folder = written();
    let proof = run(folder.path(), "prove audit 1").stdout;
    let other = written();
    let foreign = run(other.path(), "prove audit 1").stdout;
    for (text, told) in [
        (proof.replace("index 1", "index 2"), "number 1, and the proof is of 2"),
        (proof.replace('\n', "\r\n"), "first line"),
        (format!("{proof}\n"), "none that this key has signed"),
        (foreign, "none that this key has signed"),
        (String::new(), "first line"),
        ("\u{1b}[31m".to_owned(), "first line"),
        ("x".repeat(2_000_000), "longer than any proof"),
    ] {
        let checked = piped(folder.path(), "check-proof --key audit.pub", text.as_bytes());
        assert_eq!(checked.code, 1, "{told}");
        assert!(checked.stdout.starts_with("the proof does not hold: it"), "{}", checked.stdout);
        assert!(checked.stdout.contains(told), "{told}: {}", checked.stdout);
        assert!(!checked.stdout.contains('\u{1b}'));
        let json = piped(folder.path(), "check-proof --key audit.pub --json", text.as_bytes());
        let json: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json["good"], false);
        assert!(json["why"].as_str().unwrap().contains(told), "{json}");
    }
    let bytes = piped(folder.path(), "check-proof --key audit.pub", b"c2sp\xff");
    assert!(bytes.code == 1 && bytes.stdout.contains("not UTF-8"), "{}", bytes.stdout);
}

#[test]
fn the_record_may_be_kept_apart() {
    let folder = written();
    let proof = run(folder.path(), "prove audit 1").stdout;
    let extra = proof.lines().nth(1).unwrap();
    fs::write(folder.path().join("bare"), proof.replace(&format!("{extra}\n"), "")).unwrap();
    fs::write(folder.path().join("line"), stored(folder.path(), 1) + "\n").unwrap();
    fs::write(folder.path().join("other"), stored(folder.path(), 2)).unwrap();
    let check =
        |args: &str| run(folder.path(), &format!("check-proof bare --key audit.pub {args}"));
    assert_eq!(check("--record line").code, 0);
    let other = check("--record other");
    assert!(other.code == 1 && other.stdout.contains("its record is number 2"));
    let without = check("");
    assert!(without.code == 1 && without.stdout.contains("none was given"), "{}", without.stdout);
    assert_eq!(check("--record nothing").code, 4);
}

#[test]
fn a_checkpoint_that_was_kept_needs_no_later_one() {
    let folder = written();
    fs::copy(folder.path().join("audit/00/checkpoint"), folder.path().join("friday.note")).unwrap();
    Auditor::to(Trail::open(folder.path().join("audit")).unwrap()).close_blocking().unwrap();
    let latest = run(folder.path(), "prove audit 1 --out latest").code;
    let friday = run(folder.path(), "prove audit 1 --anchor friday.note --out friday").code;
    assert_eq!((latest, friday), (0, 0));
    let check = |args: &str| run(folder.path(), &format!("check-proof --key audit.pub {args}"));
    let held = check("friday --anchor friday.note");
    assert_eq!(held.code, 0, "{}", held.stdout);
    assert!(held.stdout.contains("of 3 records") && held.stdout.contains("  anchored: "));
    let told: Value = serde_json::from_str(&check("friday --json").stdout).unwrap();
    assert_eq!(told["anchored"], false);
    assert!(check("latest").stdout.contains("of 5 records"));
    let later = check("latest --anchor friday.note");
    assert_eq!(later.code, 1);
    assert!(later.stdout.contains("not one that you have kept"), "{}", later.stdout);
    for (args, code, told) in [
        ("prove audit 4 --anchor friday.note", 1, "no anchor covers record 4"),
        ("prove audit 1 --anchor audit.pub", 1, "no checkpoint that this key has signed"),
        ("prove audit 1 --anchor nothing", 4, "cannot read nothing"),
    ] {
        let run = run(folder.path(), args);
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{args}");
        assert!(run.stderr.contains(told), "{args}: {}", run.stderr);
    }
}

#[test]
fn groups_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    // A trail as `audit demo` leaves it has requests in it.
    let demo = Command::new(env!("CARGO_BIN_EXE_audit"))
        .args(["demo", "--seconds", "1", "--keep"])
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    assert!(demo.status.success());
    let made = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    for name in ["audit", "audit.key"] {
        fs::rename(made.join(name), folder.path().join(name)).unwrap();
    }
    fs::copy(folder.path().join("audit/00/verifier.key"), folder.path().join("audit.pub")).unwrap();
    let found = run(folder.path(), "query audit --request-id login-1 --json").stdout;
    let id = serde_json::from_str::<Value>(&found).unwrap()["id"].as_str().unwrap().to_owned();
    let proof = run(folder.path(), &format!("prove audit {id} --without actor,request,error"));
    let held = piped(folder.path(), "check-proof --key audit.pub --json", proof.stdout.as_bytes());
    assert_eq!(held.code, 0, "{}", held.stdout);
    let told: Value = serde_json::from_str(&held.stdout).unwrap();
    assert_eq!(told["hidden"], serde_json::json!(["actor", "request"]));
    assert!(told["record"]["actor"].as_str().unwrap().starts_with('#'));
    assert_eq!(told["record"]["response"]["status"], 200);
    assert!(!held.stdout.contains("ann") && !held.stdout.contains("login"), "{}", held.stdout);
    let people = piped(folder.path(), "check-proof --key audit.pub", proof.stdout.as_bytes());
    assert!(people.stdout.contains("  not shown: actor, request\n"), "{}", people.stdout);
    // What was redacted in the trail since is not shown either, and the rest is proven as before.
    let redacted = run(folder.path(), &format!("redact audit {id} --group response"));
    assert_eq!(redacted.code, 0, "{}", redacted.stderr);
    let after = run(folder.path(), &format!("prove audit {id}"));
    let held = piped(folder.path(), "check-proof --key audit.pub --json", after.stdout.as_bytes());
    let told: Value = serde_json::from_str(&held.stdout).unwrap();
    assert_eq!(told["hidden"], serde_json::json!(["response"]));
    assert_eq!(told["record"]["actor"]["user"], "ann");
    // The client's id of a request is not the record's, and the place of the record is told.
    let client = run(folder.path(), "prove audit login-1");
    assert_eq!((client.code, client.stdout.as_str()), (1, ""));
    assert!(client.stderr.contains("not as its own id: name that place"), "{}", client.stderr);
    let json = run(folder.path(), &format!("prove audit {id} --json --out saved")).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["file"], &json["pinned"]), (&"saved".into(), &false.into()));
    let json = run(folder.path(), &format!("prove audit {id} --json --key audit.pub")).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    let saved = fs::read_to_string(folder.path().join("saved")).unwrap();
    assert_eq!((&json["proof"], &json["pinned"]), (&saved.into(), &true.into()));
}

#[test]
fn wrong_use_and_what_is_not_there_are_told() {
    let folder = written();
    run(folder.path(), "keygen other.key");
    fs::write(folder.path().join("other.pub"), run(folder.path(), "keygen o.key").stdout).unwrap();
    for (args, code, told) in [
        ("prove", 2, "<DIR>"),
        ("prove audit", 2, "<ID>"),
        ("prove audit 1 --without actr", 2, "not one of: actor, request"),
        ("prove audit 1 --key a+b+c", 2, "no public key"),
        ("prove nothing 1", 4, "no trail at nothing"),
        ("prove audit 1 --key nothing", 4, "cannot read nothing"),
        ("prove audit 1 --out no/where", 4, "cannot write no/where"),
        ("prove audit 9", 1, "3 records so far"),
        ("prove audit 07/1", 1, "no such writer directory"),
        ("prove audit nobody", 1, "no record nobody"),
        ("prove audit 1 --key other.pub", 1, "this key has not signed"),
        ("check-proof", 2, "--key"),
        ("check-proof nothing --key audit.pub", 4, "cannot read nothing"),
        ("check-proof audit --key audit.pub", 4, "cannot read audit"),
        ("check-proof x --key nothing", 4, "cannot read nothing"),
    ] {
        let run = run(folder.path(), args);
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{args}: {}", run.stderr);
        assert!(run.stderr.contains(told), "{args}: {}", run.stderr);
    }
}
