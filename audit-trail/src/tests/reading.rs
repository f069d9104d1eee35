use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::ReadError;

fn line(seq: u64, time: &str, n: usize) -> String {
    format!(
        "{{\"seq\":{seq},\"kind\":\"event\",\"n\":{n},\"time\":\"2026-01-01T00:00:{time}.000000Z\"}}\n"
    )
}

/// A header whose hashes are those of no records in particular.
fn header(origin: &str, from: u64) -> String {
    let roots = vec![[0; 32]; from.count_ones() as usize];
    crate::segment::header(origin, &crate::tree::Tree::from_roots(from, roots).unwrap())
}

/// Writes segments by hand: (writer, from, lines).
fn by_hand(segments: &[(&str, u64, String)]) -> Root {
    let root = Root::new();
    for (writer, from, lines) in segments {
        let folder = root.path.join(writer);
        fs::create_dir_all(&folder).unwrap();
        let text = header("x/1/00", *from) + lines;
        fs::write(folder.join(crate::files::file_name(*from)), text).unwrap();
    }
    root
}

#[test]
fn writers_are_merged_by_time_and_keep_their_own_order() {
    let one = line(0, "01", 0) + &line(1, "05", 1) + &line(2, "03", 2) + &line(3, "09", 3);
    let two = line(0, "02", 10) + &line(1, "04", 11) + &line(2, "06", 12) + &line(3, "06", 13);
    let root = by_hand(&[("00", 0, one), ("01", 0, two)]);
    let expected = ["#0", "#10", "#11", "#1", "#2", "#12", "#13", "#3"];
    assert_eq!(root.items(), expected);
    let mut reader = Reader::open(&root.path).unwrap();
    let Some(Item::Line(first)) = reader.next().unwrap() else { panic!() };
    assert_eq!((first.writer(), first.seq(), first.kind()), ("00", 0, "event"));
    assert_eq!(first.entry().unwrap().seq, Some(0));
    assert_eq!(first.time().unwrap().to_string(), "2026-01-01T00:00:01.000000Z");
    assert!(!first.text().ends_with('\n'));
    // One directory of it.
    let items = drain(&mut Reader::open(root.path.join("01")).unwrap());
    assert_eq!(items.iter().map(short).collect::<Vec<_>>(), ["#10", "#11", "#12", "#13"]);
    assert!(matches!(&items[0], Item::Line(line) if line.writer() == "01"));
}

#[test]
fn there_is_no_trail() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("file"), "").unwrap();
    for path in ["", "file", "missing", "missing/00"] {
        let error = Reader::open(temp.path().join(path)).unwrap_err();
        assert!(matches!(error, ReadError::NoTrail(_)), "{path}");
        assert!(error.to_string().contains(temp.path().to_str().unwrap()));
    }
}

#[test]
fn damage_is_told_and_passed() {
    let long = "x".repeat(3 << 20) + "\n";
    let lines = [
        line(0, "01", 0),
        "rubbish\n".into(),
        line(1, "01", 1),
        line(4, "01", 4),
        line(2, "01", 2),
        long,
        line(3, "01", 3),
        line(4, "01", 44).replace('\n', "\r\n"),
        "torn".into(),
    ];
    let root = by_hand(&[("00", 0, lines.concat()), ("00", 6, line(6, "02", 6))]);
    assert_eq!(
        root.items(),
        [
            "#0",
            "!not a record",
            "#1",
            "!records 2 to 3 are missing before this line",
            "#4",
            "!the count goes back to 2",
            "#2",
            "!a line longer than 1 MiB",
            "#3",
            "!a control byte",
            "!the last line is cut off after 4 bytes",
            "!records 4 to 5 are missing before this line",
            "#6",
        ]
    );
    let items = drain(&mut Reader::open(&root.path).unwrap());
    let Item::Damaged(damage) = &items[1] else { panic!() };
    assert_eq!(damage.line, 3);
    assert!(damage.to_string().contains("00000000000000000000.jsonl, line 3: not a record"));
}

#[test]
fn odd_files_are_told_and_passed() {
    let root = by_hand(&[("00", 0, line(0, "01", 0)), ("00", 9, line(9, "02", 9))]);
    let at = |n: u64| root.path.join("00").join(crate::files::file_name(n));
    symlink(at(0), at(1)).unwrap();
    fs::create_dir(at(2)).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, at(3), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    fs::write(at(4), "").unwrap();
    fs::write(at(5), line(5, "02", 5)).unwrap();
    fs::write(at(6), header("x", 7) + &line(6, "02", 6)).unwrap();
    fs::write(root.path.join("00/foreign.jsonl"), "x\n").unwrap();
    fs::write(root.path.join("00/00000000000000000000.jsonl.0.bad"), "x\n").unwrap();
    let items = root.items();
    let told = |what: &str| items.iter().filter(|item| item.contains(what)).count();
    assert_eq!(told("cannot be read"), 3, "{items:?}");
    assert_eq!(told("no header"), 1, "{items:?}");
    assert_eq!(told("the header says"), 1, "{items:?}");
    assert_eq!(told("no segment's name"), 1, "{items:?}");
    assert_eq!(told("#"), 3, "{items:?}");
}

#[test]
fn a_folder_in_a_directory_does_not_hide_it() {
    for name in ["LOCK", "checkpoint", "verifier.key", "00000000000000000000.jsonl"] {
        let root = Root::new();
        let mut trail = root.trail();
        write(&mut trail, 0..3);
        trail.close().unwrap();
        let place = root.path.join("00");
        fs::create_dir(place.join("00")).unwrap();
        let items = drain(&mut Reader::open(&place).unwrap());
        assert_eq!(items.len(), 5);
        assert_eq!(drain(&mut Reader::tail(&place, 2).unwrap()).len(), 2);
        // Any of its files tells that it is one.
        for other in ["LOCK", "checkpoint", "verifier.key", "00000000000000000000.jsonl"] {
            if other != name {
                fs::remove_file(place.join(other)).unwrap();
            }
        }
        let items = drain(&mut Reader::open(&place).unwrap());
        assert_eq!(items.len(), if name.ends_with(".jsonl") { 5 } else { 0 }, "{name}");
    }
}

#[test]
fn a_link_is_no_directory_of_a_root() {
    let (root, other) = (Root::new(), Root::new());
    root.trail().close().unwrap();
    let mut trail = other.trail();
    write(&mut trail, 0..3);
    trail.close().unwrap();
    symlink(other.path.join("00"), root.path.join("01")).unwrap();
    assert_eq!(root.items(), ["open", "close"]);
}

#[test]
fn a_read_only_root_is_read_while_it_is_held() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..3);
    for path in [root.path.join("00"), root.path.clone()] {
        fs::set_permissions(path, PermissionsExt::from_mode(0o500)).unwrap();
    }
    assert_eq!(root.records(), numbers(0..3));
    assert_eq!(drain(&mut Reader::tail(&root.path, 1).unwrap()).len(), 1);
    for path in [root.path.clone(), root.path.join("00")] {
        fs::set_permissions(path, PermissionsExt::from_mode(0o700)).unwrap();
    }
    drop(trail);
}

#[test]
fn the_last_lines_are_found_over_segments_and_writers() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(700).open().unwrap();
    (0..40).for_each(|n| write(&mut trail, n..n + 1));
    let mut other = root.trail();
    write(&mut other, 40..43);
    for n in 0..60 {
        let mut reader = Reader::tail(&root.path, n).unwrap();
        let items: Vec<String> = drain(&mut reader).iter().map(short).collect();
        assert!(!items.iter().any(|item| item.starts_with('!')), "{n}: {items:?}");
        let lines = (n.min(41) + n.min(4))..=(n.min(41) + n.min(4) + 3);
        assert!(lines.contains(&items.len()), "{n}: {items:?}");
        if n > 0 {
            let numbers = |range: std::ops::Range<usize>| numbers(range).into_iter();
            assert!(
                numbers(40 - n.min(40)..40).all(|want| items.contains(&want)),
                "{n}: {items:?}"
            );
            assert!(numbers(43 - n.min(3)..43).all(|want| items.contains(&want)), "{n}: {items:?}");
        } else {
            assert!(items.is_empty());
        }
    }
    let mut reader = Reader::tail(&root.path, 0).unwrap();
    assert!(reader.next().unwrap().is_none());
    write(&mut trail, 50..51);
    assert_eq!(drain(&mut reader).iter().map(short).collect::<Vec<_>>(), ["#50"]);
}

#[test]
fn since_leaves_out_what_was_written_before() {
    let second = 1_795_293_060;
    // Each began an hour before it was written.
    let record = |seq: u64| {
        let written = uuid::Timestamp::from_unix(uuid::NoContext, second + 10 * seq, 0);
        let id = uuid::Uuid::new_v7(written);
        format!(
            "{{\"seq\":{seq},\"kind\":\"event\",\"id\":\"{id}\",\"time\":\"2026-11-21T19:31:00.000000Z\",\"module\":\"{seq}\"}}\n"
        )
    };
    // A busy writer signs what came before a segment in its second line.
    let second_one = format!("{{\"checkpoint\":\"x/1/00\\n1\\nAA==\\n\"}}\n{}", record(1));
    let root = by_hand(&[("00", 0, record(0)), ("00", 1, second_one), ("00", 2, record(2))]);
    let since = |seconds: i64| {
        let time = audit_core::Timestamp::from_micros((second as i64 + seconds) * 1_000_000);
        drain(&mut Reader::since(&root.path, time).unwrap()).len()
    };
    assert_eq!(since(-1), 3);
    // The first segment could hold what was written up to second 10.
    assert_eq!(since(10), 3);
    assert_eq!(since(11), 2);
    assert_eq!(since(21), 1);
    assert_eq!(since(1_000), 1);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn no_content_makes_a_reader_panic_or_hang(
        pieces in proptest::collection::vec((0_usize..8, proptest::collection::vec(proptest::num::u8::ANY, 0..40)), 0..20),
        last: bool,
    ) {
        let mut content = Vec::new();
        for (seq, (which, bytes)) in pieces.iter().enumerate() {
            match which {
                0 => content.extend(header("x", 0).as_bytes()),
                1..=3 => content.extend(line(seq as u64, "01", seq).as_bytes()),
                4 => content.extend(&line(seq as u64, "01", seq).as_bytes()[..bytes.len()]),
                5 => content.push(b'\n'),
                _ => content.extend(bytes),
            }
        }
        let root = by_hand(&[("00", 0, String::new())]);
        if !last {
            fs::write(root.path.join("00").join(crate::files::file_name(1 << 40)), "").unwrap();
        }
        fs::write(&root.segments()[0], content).unwrap();
        let items = drain(&mut Reader::open(&root.path).unwrap());
        for n in 0..5 {
            let tail = drain(&mut Reader::tail(&root.path, n).unwrap());
            proptest::prop_assert!(tail.len() <= items.len() + 2);
        }
    }
}
