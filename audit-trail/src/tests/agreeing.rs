//! Where the two verifiers once differed, or could: what they say of the same trails.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use super::{
    attacks::{ATTACKS, lines},
    begun::both,
    verifying::{honest, key, quiet},
    *,
};
use crate::{Known, Verdict};

/// What both say: `good`, `tail` (its end is damaged, or a file is foreign), or `FAIL`.
fn said(root: &Root, known: &Known) -> &'static str {
    let (ours, code, theirs) = both(&root.path, known);
    let fails = ours.iter().any(|one| !one.broken.is_empty());
    assert_eq!(fails, theirs.contains("FAIL"), "{ours:?}\n{theirs}");
    assert_eq!(ours.iter().all(Verdict::is_good), code == 0, "{ours:?}\n{theirs}");
    if fails {
        return "FAIL";
    }
    if code == 0 { "good" } else { "tail" }
}

fn known(root: &Root) -> Known {
    Known { key: Some(key(root)), ..Known::default() }
}

fn append(path: &Path, text: &str) {
    use std::io::Write as _;
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn they_agree_on_every_attack() {
    for (name, attack, _) in ATTACKS {
        let root = honest(60);
        let known = known(&root);
        attack(&root);
        assert_ne!(said(&root, &known), "good", "{name}");
    }
}

#[test]
fn names_that_are_no_text_are_foreign() {
    for (name, expected) in [
        (&b"x\xff.jsonl"[..], "tail"),
        (b"0000000000000000000\xff.jsonl", "tail"),
        (b"\xff", "good"),
    ] {
        let root = honest(10);
        fs::write(root.path.join("00").join(OsStr::from_bytes(name)), "").unwrap();
        assert_eq!(said(&root, &known(&root)), expected, "{name:?}");
    }
}

#[test]
fn an_empty_last_segment_follows_or_is_damage() {
    // open, 10 records, close.
    for (name, expected) in [(12, "good"), (13, "tail"), (777, "tail")] {
        let root = honest(10);
        fs::write(root.path.join("00").join(crate::files::file_name(name)), "").unwrap();
        assert_eq!(said(&root, &known(&root)), expected, "{name}");
    }
    // In a directory in which nothing else is.
    for (name, expected) in [(0, "good"), (5, "tail")] {
        let root = honest(10);
        fs::create_dir(root.path.join("01")).unwrap();
        fs::write(root.path.join("01").join(crate::files::file_name(name)), "").unwrap();
        assert_eq!(said(&root, &known(&root)), expected, "{name}");
    }
}

#[test]
fn repetitions_may_reach_past_a_checkpoint_of_the_next_segment() {
    let is_note = |line: &&String| line.starts_with("{\"checkpoint\"");
    for count in [1, 3, 8, 100] {
        let root = honest(60);
        let known = known(&root);
        let all = root.segments();
        let next = lines(&all[1]);
        assert!(next.len() > 10 && next[1..9].iter().any(|line| is_note(&line)));
        let records: Vec<_> = next[1..].iter().filter(|line| !is_note(line)).cloned().collect();
        let copied = &records[..count.min(records.len())];
        append(&all[0], &copied.concat());
        assert_eq!(said(&root, &known), "good", "{count}");
        // Half a line behind them.
        append(&all[0], "{\"seq\":");
        assert_eq!(said(&root, &known), "good", "{count}");
    }
}

#[test]
fn other_lines_behind_repetitions_fail() {
    let is_note = |line: &&String| line.starts_with("{\"checkpoint\"");
    for count in [1, 8] {
        for what in
            ["one of them twice", "another record", "a checkpoint", "a later record", "rubbish"]
        {
            let root = honest(60);
            let known = known(&root);
            let all = root.segments();
            let next = lines(&all[1]);
            let records: Vec<_> = next[1..].iter().filter(|line| !is_note(line)).cloned().collect();
            let copied = &records[..count.min(records.len())];
            let text = match what {
                "one of them twice" => copied[0].clone(),
                "another record" => records[0].replace("user", "eve"),
                "a checkpoint" => next.iter().find(is_note).unwrap().clone(),
                "a later record" => lines(&all[2])[3].clone(),
                _ => "x\n".to_owned(),
            };
            append(&all[0], &copied.concat());
            append(&all[0], &text);
            assert_eq!(said(&root, &known), "FAIL", "{what} behind {count}");
        }
    }
}

#[test]
fn a_checkpoint_behind_repetitions_is_a_copy_or_shows_damage() {
    let is_note = |line: &&String| line.starts_with("{\"checkpoint\"");
    for (what, expected) in
        [("an older one", "tail"), ("one of the size so far", "FAIL"), ("a later one", "FAIL")]
    {
        let root = Root::new();
        let mut trail = quiet(&root).open().unwrap();
        write(&mut trail, 0..5);
        trail.checkpoint();
        write(&mut trail, 5..60);
        trail.close().unwrap();
        let known = known(&root);
        let all = root.segments();
        let (first, next) = (lines(&all[0]), lines(&all[1]));
        let header = crate::segment::parse_header(next[0].trim_end().as_bytes());
        let Some(crate::segment::Header::Known { origin, before }) = header else { panic!() };
        let text = fs::read_to_string(root.path.with_extension("key")).unwrap();
        let key = crate::SigningKey::parse(&text).unwrap();
        let (size, root_hash) = match what {
            "a later one" => (before.size() + 1, [7; 32]),
            _ => (before.size(), before.root()),
        };
        let signed = crate::note::Checkpoint { origin, size, root: root_hash }.sign(&key);
        let note = match what {
            "an older one" => first.iter().find(is_note).unwrap().clone(),
            _ => String::from_utf8(crate::note::to_line(&signed)).unwrap(),
        };
        let copied = next.iter().find(|line| line.starts_with("{\"seq\"")).unwrap();
        // No other tells of what comes after the first segment.
        for path in &all[1..] {
            let kept: String = lines(path).iter().filter(|line| !is_note(line)).cloned().collect();
            fs::write(path, kept).unwrap();
        }
        let mut notes = first.iter().rev().filter(is_note);
        let last = crate::note::from_line(notes.next().unwrap().trim_end().as_bytes()).unwrap();
        assert!(!last.contains(&format!("\n{}\n", before.size())), "{last}");
        fs::write(root.checkpoint(), last).unwrap();
        append(&all[0], &format!("{copied}{note}"));
        assert_eq!(said(&root, &known), expected, "{what}");
    }
}

/// What somebody takes out, and what it would take to be allowed to.
struct TakenOut {
    grant: &'static str,
    from: fn(&Root),
}

const TAKEN_OUT: [TakenOut; 2] = [
    TakenOut {
        grant: "\"op\":\"redact\",\"seq\":3,\"groups\":[\"actor\"]",
        from: |root| {
            let path = &root.segments()[0];
            let text = fs::read_to_string(path).unwrap();
            let old = text.lines().find(|line| line.starts_with("{\"seq\":3,")).unwrap();
            let new = String::from_utf8(crate::line::redact(old.as_bytes(), 1).unwrap()).unwrap();
            fs::write(path, text.replace(old, &new)).unwrap();
        },
    },
    TakenOut {
        grant: "\"op\":\"prune\",\"to\":50",
        from: |root| fs::remove_file(&root.segments()[0]).unwrap(),
    },
];

#[test]
fn what_a_start_has_taken_over_grants_nothing() {
    for TakenOut { grant, from } in TAKEN_OUT {
        let core = format!("\"kind\":\"control\",\"control\":{{{grant}}}");
        for (taken_over, expected) in [(true, "FAIL"), (false, "good")] {
            let what = format!("{grant}, taken over: {taken_over}");
            // open, 60 records, close; then what somebody appends who has the files.
            let root = honest(60);
            let last = root.segments().pop().unwrap();
            if taken_over {
                append(&last, &format!("{{\"seq\":62,{core}}}\n"));
            }
            let mut trail = quiet(&root).open().unwrap();
            if !taken_over {
                // The same, by a writer that has it from its application.
                trail.push(core.as_bytes(), [].into_iter()).unwrap();
                trail.commit().unwrap();
                trail.checkpoint();
            }
            trail.close().unwrap();
            // Another start changes neither.
            quiet(&root).open().unwrap().close().unwrap();
            let known = known(&root);
            assert_eq!(said(&root, &known), "good", "{what}: nothing is taken out yet");
            from(&root);
            assert_eq!(said(&root, &known), expected, "{what}");
        }
    }
}
