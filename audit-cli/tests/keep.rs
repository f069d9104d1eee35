//! `audit redact`, `audit erase`, `audit prune` and `audit hold`, on the trail of the demo.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

mod common;

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use common::{Run, finish};

/// A folder with what the demo wrote, as `audit`.
fn demo() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
    command.args(["demo", "--keep", "--seconds", "1"]).env("TMPDIR", folder.path());
    let run = finish(command.output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let made = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    for file in fs::read_dir(&made).unwrap().flatten() {
        fs::rename(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    folder
}

fn run(folder: &Path, args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
    finish(command.args(args).current_dir(folder).env_remove("AUDIT_SIGNING_KEY").output().unwrap())
}

fn json(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn whole(folder: &Path) -> Value {
    let told = run(folder, &["verify", "audit", "--json"]);
    assert_eq!(told.code, 0, "{}", told.stdout);
    json(&told.stdout).remove(0)
}

#[test]
fn a_record_loses_the_groups_that_were_named() {
    let folder = demo();
    let all = json(&run(folder.path(), &["query", "audit", "--user", "ann", "--json"]).stdout);
    let id = all[0]["id"].as_str().unwrap();
    let args = ["redact", "audit", id, "--group", "request,response", "--reason", "case-7"];
    let dry = run(folder.path(), &[&args[..], &["--dry-run"]].concat());
    assert_eq!((dry.code, &*dry.stdout), (0, "audit/00: would redact groups of 1 record\n"));
    assert_eq!(whole(folder.path())["redacted"], 0);
    let done = run(folder.path(), &args);
    assert_eq!((done.code, &*done.stdout), (0, "audit/00: redacted groups of 1 record\n"));
    let now = json(&run(folder.path(), &["query", "audit", "--id", id, "--json"]).stdout).remove(0);
    assert_eq!(now["actor"]["user"], "ann");
    assert!(now["request"].as_str().unwrap().starts_with('#'), "{now}");
    assert_eq!(now["id"], id);
    assert_eq!(whole(folder.path())["redacted"], 1);
    let again = run(folder.path(), &args);
    assert_eq!((again.code, &*again.stdout), (0, "audit/00: nothing to redact\n"));
    let here = run(
        &folder.path().join("audit/00"),
        &["redact", ".", id, "--dry-run", "--group", "request"],
    );
    assert_eq!((here.code, &*here.stdout), (0, ".: nothing to redact\n"));
    // By its place; of a control record there is nothing to redact.
    let seq = all[1]["seq"].to_string();
    let by_place = run(folder.path(), &["redact", "audit", &format!("00/{seq}"), "0"]);
    assert_eq!((by_place.code, &*by_place.stdout), (0, "audit/00: redacted groups of 1 record\n"));
    let far = run(folder.path(), &["redact", "audit", "00/100000"]);
    assert!(far.code == 1 && far.stderr.contains("no record 00/100000"), "{}", far.stderr);
    let other = run(folder.path(), &["redact", "audit", "nobody"]);
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("no record has the id nobody"), "{}", other.stderr);
}

#[test]
fn a_user_is_erased_and_who_else_mentions_them_is_told() {
    let folder = demo();
    let before = whole(folder.path())["size"].as_u64().unwrap();
    let reason = run(folder.path(), &["erase", "audit", "--user", "ann", "--reason", "of ann"]);
    assert_eq!(reason.code, 2);
    assert!(reason.stderr.contains("stays for ever"), "{}", reason.stderr);
    let told = run(folder.path(), &["erase", "audit", "--user", "ann", "--json"]);
    let told = json(&told.stdout).remove(0);
    assert!(told["records"].as_u64().unwrap() > 1, "{told}");
    let text = fs::read_to_string(folder.path().join("audit/00/00000000000000000000.jsonl"));
    assert!(!text.unwrap().contains("\"user\":\"ann\""));
    assert!(whole(folder.path())["size"].as_u64().unwrap() > before);
    let all = run(folder.path(), &["query", "audit", "--user", "ann"]);
    assert_eq!((all.code, &*all.stdout), (0, ""));
}

#[test]
fn a_trail_is_named_in_any_way() {
    let folder = demo();
    for (place, source) in [
        ("", "audit"),
        ("", "audit/"),
        ("", "./audit/."),
        ("audit", "."),
        ("audit/00", "."),
        ("audit/00", ".."),
        ("audit", "00"),
        ("audit/00", "../../audit/00"),
    ] {
        let run = run(&folder.path().join(place), &["hold", source]);
        assert_eq!((run.code, &*run.stderr), (0, ""), "{source} in {place}");
    }
}

#[test]
fn a_hold_wins_until_it_is_released() {
    let folder = demo();
    let empty = run(folder.path(), &["hold", "audit"]);
    assert_eq!((empty.code, &*empty.stdout), (0, "no hold is in force\n"));
    let args = ["hold", "audit", "case-7", "--since", "1h", "--reason", "subpoena 114"];
    let held = run(folder.path(), &args);
    assert_eq!(held.code, 0, "{}", held.stderr);
    assert!(
        held.stdout.starts_with("case-7: records since ") && held.stdout.contains(": subpoena 114")
    );
    assert_eq!(run(folder.path(), &args).code, 2, "it is in force");
    let erase = run(folder.path(), &["erase", "audit", "--user", "ann"]);
    assert_eq!(erase.code, 1);
    assert!(erase.stdout.contains("the hold case-7 keeps it"), "{}", erase.stdout);
    assert_eq!(whole(folder.path())["redacted"], 0);
    let told = json(&run(folder.path(), &["hold", "audit", "--json"]).stdout);
    assert_eq!((&told[0]["name"], &told[0]["reason"]), (&"case-7".into(), &"subpoena 114".into()));
    assert_eq!(run(folder.path(), &["hold", "audit", "case-7", "--release"]).code, 0);
    assert_eq!(run(folder.path(), &["erase", "audit", "--user", "ann"]).code, 0);
}

#[test]
fn what_cannot_be_says_what_to_do() {
    let folder = demo();
    let at = folder.path();
    let young = run(at, &["prune", "audit", "--before", "1h"]);
    assert_eq!((young.code, &*young.stdout), (0, "audit/00: nothing to remove\n"));
    let prune = run(at, &["prune", "audit", "--before", "now"]);
    assert_eq!((prune.code, &*prune.stdout), (1, ""));
    assert!(prune.stderr.contains("--anchor"), "{}", prune.stderr);
    for (args, code, says) in [
        (&["prune", "audit"][..], 2, "--before"),
        (&["prune", "audit", "--before", "soon"], 2, "an age"),
        (&["prune", "audit", "--before", "1h", "--anchor", "none"], 4, "none"),
        (&["redact", "audit"], 2, "ID"),
        (&["redact", "audit", "x", "--group", "actors"], 2, "actors"),
        (&["erase", "audit"], 2, "--user"),
        (&["erase", "audit", "--user", " "], 2, "empty"),
        (&["erase", "nowhere", "--user", "ann"], 4, "nowhere"),
        (&["hold", "audit", "a b"], 2, "A-Z"),
        (&["hold", "audit", "a", "--since", "now", "--until", "1h"], 2, "begin before"),
        (&["hold", "audit", "a", "--reason", ""], 2, "reason"),
        (&["hold", "audit", "--release"], 2, "NAME"),
    ] {
        let run = run(at, args);
        assert_eq!(run.code, code, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(says), "{args:?}: {}", run.stderr);
    }
    // Without the key nothing is signed, and so nothing is taken out.
    fs::rename(at.join("audit.key"), at.join("elsewhere")).unwrap();
    let none = run(at, &["erase", "audit", "--user", "ann"]);
    assert!(none.code == 4 && none.stderr.contains("AUDIT_SIGNING_KEY"), "{}", none.stderr);
    let key = ["erase", "audit", "--user", "ann", "--signing-key", "elsewhere"];
    assert_eq!(run(at, &key).code, 0);
    assert_eq!(run(at, &["keygen", "other.key"]).code, 0);
    let other = run(at, &["erase", "audit", "--user", "bob", "--signing-key", "other.key"]);
    assert!(other.code == 2 && other.stderr.contains("not signed by this key"), "{}", other.stderr);
    let all = ["prune", "audit", "--before", "now", "--force", "--signing-key", "elsewhere"];
    let removed = run(at, &all);
    assert!(removed.stdout.starts_with("audit/00: removed 1 segment, "), "{}", removed.stdout);
    whole(at);
}

#[test]
fn a_name_that_records_cut_is_said_to_be_too_long() {
    let folder = demo();
    let told = run(folder.path(), &["erase", "audit", "--user", &"n".repeat(257)]);
    assert!(told.code == 2 && told.stderr.contains("first 256"), "{}", told.stderr);
    assert_eq!(run(folder.path(), &["erase", "audit", "--user", &"n".repeat(256)]).code, 0);
}
