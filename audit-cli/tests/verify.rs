//! `audit verify` and `audit keygen`, on trails that the library wrote.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

mod common;

use std::{fs, path::Path, process::Command};

use audit_core::{Auditor, Settings};
use audit_trail::Trail;
use serde_json::Value;
use tempfile::TempDir;

use common::{Run, finish};

fn run(folder: &Path, args: &str) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_audit"))
        .args(args.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    finish(output)
}

/// A folder with a trail called `audit`: it was opened and closed so often, with a reload between.
fn written(times: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..times {
        let auditor = Auditor::to(Trail::open(folder.path().join("audit")).unwrap());
        auditor.reload::<String>(Ok(Settings::default())).unwrap();
        auditor.close_blocking().unwrap();
    }
    folder
}

#[test]
fn a_whole_trail_is_good_and_says_what_was_not_shown() {
    let folder = written(2);
    let alone = run(folder.path(), "verify audit");
    assert_eq!((alone.code, alone.stderr.as_str()), (0, ""));
    assert!(
        alone.stdout.starts_with("audit/00: integrity ok: 6 records, root "),
        "{}",
        alone.stdout
    );
    assert!(alone.stdout.contains("not pinned") && alone.stdout.contains("not anchored"));
    fs::copy(folder.path().join("audit/00/verifier.key"), folder.path().join("audit.pub")).unwrap();
    fs::copy(folder.path().join("audit/00/checkpoint"), folder.path().join("kept")).unwrap();
    let known = run(folder.path(), "verify audit/00 --key audit.pub --anchor kept");
    assert_eq!(known.code, 0);
    assert!(
        known.stdout.contains("  pinned: ") && known.stdout.contains("still holds the 6 records")
    );
    let json = run(folder.path(), "verify audit --json --key audit.pub --anchor kept").stdout;
    let told: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&told["integrity"], &told["size"]), (&"ok".into(), &6.into()));
    assert_eq!((&told["pinned"], &told["anchored"]), (&true.into(), &6.into()));
    // The key itself instead of a file.
    let key = fs::read_to_string(folder.path().join("audit.pub")).unwrap();
    assert_eq!(run(folder.path(), &format!("verify audit --key {key}")).code, 0);
}

#[test]
fn what_was_changed_is_named_and_exit_1() {
    let folder = written(2);
    let root = folder.path().join("audit");
    let path = root.join("00/00000000000000000000.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    fs::copy(root.join("00/verifier.key"), folder.path().join("audit.pub")).unwrap();
    fs::copy(root.join("00/checkpoint"), folder.path().join("kept")).unwrap();
    fs::write(&path, whole.replacen("\"generation\":1", "\"generation\":2", 1)).unwrap();
    let edited = run(folder.path(), "verify audit");
    assert_eq!(edited.code, 1);
    assert!(edited.stdout.contains("integrity FAIL\n"), "{}", edited.stdout);
    assert!(edited.stdout.contains("are not those that were signed"), "{}", edited.stdout);
    let json: Value =
        serde_json::from_str(&run(folder.path(), "verify audit --json").stdout).unwrap();
    assert_eq!((&json["integrity"], &json["good"]), (&"FAIL".into(), &false.into()));
    assert_eq!(json["broken"][0]["file"], "00000000000000000000.jsonl");
    // Whatever stands there is shown, and does not act on the terminal.
    fs::write(&path, whole.replacen("\"kind\"", "\u{1b}[31m\"kind\"", 1)).unwrap();
    let escaped = run(folder.path(), "verify audit");
    assert!(escaped.code == 1 && !escaped.stdout.contains('\u{1b}'));
    // All of it gone, where something should be.
    fs::remove_dir_all(root.join("00")).unwrap();
    fs::create_dir(root.join("00")).unwrap();
    for args in ["verify audit --key audit.pub --anchor kept", "verify audit/00 --key audit.pub"] {
        let gone = run(folder.path(), args);
        assert_eq!(gone.code, 1, "{args}: {} {}", gone.stdout, gone.stderr);
    }
}

#[test]
fn a_start_that_was_cut_off_is_told_apart() {
    let folder = written(1);
    let root = folder.path().join("audit");
    fs::create_dir(root.join("01")).unwrap();
    fs::write(root.join("01/LOCK"), "7\n").unwrap();
    let run_it = |args: &str| run(folder.path(), args);
    for args in ["verify audit", "verify audit --key audit/00/verifier.key"] {
        let both = run_it(args);
        assert_eq!(both.code, 0, "{args}: {}", both.stdout);
        assert!(both.stdout.contains("audit/01: nothing is signed: "), "{args}: {}", both.stdout);
    }
    let json: Value = serde_json::from_str(&run_it("verify audit/01 --json").stdout).unwrap();
    assert_eq!((&json["integrity"], &json["good"]), (&"none".into(), &true.into()));
    let alone = run_it("verify audit/01 --key audit/00/verifier.key");
    assert!(alone.code == 1 && alone.stdout.contains("nothing here is signed by this key"));
}

#[test]
fn another_key_has_not_signed_it() {
    let folder = written(1);
    let made = run(folder.path(), "keygen other.key --name other");
    assert_eq!((made.code, made.stderr.as_str()), (0, ""));
    assert!(made.stdout.starts_with("other+"), "{}", made.stdout);
    fs::write(folder.path().join("other.pub"), &made.stdout).unwrap();
    assert_eq!(run(folder.path(), "verify audit --key other.pub").code, 1);
    // A trail that it signs.
    let mut settings = Settings::default();
    settings.trail.dir = folder.path().join("second");
    settings.trail.key = Some(folder.path().join("other.key"));
    Auditor::to(Trail::configured(&settings).unwrap()).close_blocking().unwrap();
    assert_eq!(run(folder.path(), "verify second --key other.pub").code, 0);
    // The first goes on with it in a directory of its own.
    settings.trail.dir = folder.path().join("audit");
    Auditor::to(Trail::configured(&settings).unwrap()).close_blocking().unwrap();
    assert_eq!(run(folder.path(), "verify audit/00").code, 0);
    assert_eq!(run(folder.path(), "verify audit/01 --key other.pub").code, 0);
}

#[test]
fn a_private_key_is_private_and_never_replaced() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let json: Value =
        serde_json::from_str(&run(folder.path(), "keygen a.key --json").stdout).unwrap();
    let path = folder.path().join("a.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    let again = run(folder.path(), "keygen a.key");
    assert_eq!((again.code, again.stdout.as_str()), (4, ""));
    assert!(again.stderr.contains("a.key: it exists already"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    // The last of its fields, which may have plus signs of its own.
    let private = text.trim_end().splitn(5, '+').last().unwrap();
    assert!(private.len() > 40 && !json.to_string().contains(private));
    // Others may read it: no trail starts with it.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = Trail::builder(folder.path().join("t")).key_file(&path).open().unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn wrong_use_is_told() {
    let folder = written(1);
    for (args, code, told) in [
        ("verify", 2, "<DIR>"),
        ("verify nothing", 4, "no trail at nothing"),
        ("verify audit --key nothing", 4, "cannot read nothing"),
        ("verify audit --key a+b+c", 2, "no public key"),
        ("verify audit --anchor nothing", 4, "cannot read nothing"),
        ("keygen", 2, "<FILE>"),
        ("keygen no/where", 4, "no"),
    ] {
        let run = run(folder.path(), args);
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{args}");
        assert!(run.stderr.contains(told), "{args}: {}", run.stderr);
    }
}

/// What the command says with so much memory for data, in KiB.
fn within(kib: u32, folder: &Path, args: &str) -> Run {
    let binary = env!("CARGO_BIN_EXE_audit");
    let line = format!("ulimit -d {kib} && exec {binary} {args}");
    let output = Command::new("sh").args(["-c", &line]).current_dir(folder).output().unwrap();
    finish(output)
}

/// A trail of which one record is signed, the first segment and the first line of one that goes on.
fn one_signed() -> (TempDir, std::path::PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("audit");
    drop(Trail::open(&root).unwrap());
    let path = root.join("00/00000000000000000000.jsonl");
    let told: Value =
        serde_json::from_str(&run(folder.path(), "verify audit --json").stdout).unwrap();
    assert_eq!(told["size"], 1);
    let (origin, hash) = (told["origin"].as_str().unwrap(), told["root"].as_str().unwrap());
    let header = format!(
        "{{\"trail\":\"audit-trail-1\",\"origin\":\"{origin}\",\"from\":1,\"hashes\":[\"{hash}\"]}}\n"
    );
    (folder, path, header)
}

#[test]
fn hostile_tails_take_no_memory() {
    let redacted = format!(",\t\"actor\":\"#{}\"", "0".repeat(64));
    let control = |seq: usize, rest: &str| {
        format!("{{\"seq\":{seq},\"kind\":\"control\",\"control\":{{\"op\":\"{rest}}}}}\n")
    };
    let kinds: [(&str, &dyn Fn(usize) -> String); 4] = [
        ("repetitions", &|seq| format!("{{\"seq\":{seq},\"kind\":\"event\"}}\n")),
        ("grants", &|seq| control(seq, "redact\",\"seq\":0,\"groups\":[\"actor\"]")),
        ("opens", &|seq| control(seq, "open\",\"unsealed\":{\"from\":0,\"to\":1}")),
        ("redacted and granted", &|seq| match seq % 2 {
            0 => control(seq, &format!("redact\",\"seq\":{},\"groups\":[\"actor\"]", seq - 1)),
            _ => format!("{{\"seq\":{seq},\"kind\":\"event\"{redacted}}}\n"),
        }),
    ];
    for (what, line) in kinds {
        let (folder, path, header) = one_signed();
        let tail: String = (1..=600_000).map(line).collect();
        let mut text = fs::read_to_string(&path).unwrap();
        text += &tail;
        fs::write(&path, text).unwrap();
        if what == "repetitions" {
            fs::write(path.with_file_name("00000000000000000001.jsonl"), header + &tail).unwrap();
        }
        let found = within(12 << 10, folder.path(), "verify audit/00");
        assert!(found.stdout.contains("integrity ok: 1 record"), "{what}: {found:?}");
        assert!(found.stdout.contains("tail: 600000 records"), "{what}: {}", found.stdout);
        assert_eq!(found.code, 0, "{what}");
        let warning = "  WARNING: the tail: 600000 records are more than the 4096";
        assert!(found.stdout.contains(warning), "{what}: {}", found.stdout);
    }
}

#[test]
fn what_is_more_than_a_writer_leaves_is_warned_of() {
    // Put back to its first checkpoint, with other records behind it.
    let time = |second: u32| format!("2099-01-01T00:{:02}:{:02}.000000Z", second / 60, second % 60);
    let line =
        |seq: u32, at: String| format!("{{\"seq\":{seq},\"kind\":\"event\",\"time\":\"{at}\"}}\n");
    for (what, told) in
        [("long", "4500 records are more than the 4096"), ("late", "3 records reach ")]
    {
        let (folder, path, _) = one_signed();
        let count = if what == "long" { 4_500 } else { 3 };
        let tail: String = (1..=count).map(|seq| line(seq, time(seq))).collect();
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, whole + &tail).unwrap();
        let found = run(folder.path(), "verify audit");
        assert_eq!(found.code, 0, "{}", found.stdout);
        assert!(found.stdout.contains(&format!("  WARNING: the tail: {told}")), "{}", found.stdout);
        // The next start takes it over, and it is told for ever.
        Auditor::to(Trail::open(folder.path().join("audit")).unwrap()).close_blocking().unwrap();
        for _ in 0..2 {
            let found = run(folder.path(), "verify audit");
            let warning = format!("  WARNING: adopted, from 1 to {count}: {told}");
            assert!(found.code == 0 && found.stdout.contains(&warning), "{}", found.stdout);
            let json: Value =
                serde_json::from_str(&run(folder.path(), "verify audit --json").stdout).unwrap();
            let warnings = json["warnings"].as_array().unwrap();
            assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().contains(told), "{json}");
            Auditor::to(Trail::open(folder.path().join("audit")).unwrap())
                .close_blocking()
                .unwrap();
        }
    }
    let honest = written(3);
    let found = run(honest.path(), "verify audit");
    assert!(!found.stdout.contains("WARNING"), "{}", found.stdout);
    let json = run(honest.path(), "verify audit --json").stdout;
    assert!(json.contains("\"warnings\":[]") && json.contains("\"repairs\":0"), "{json}");
}
