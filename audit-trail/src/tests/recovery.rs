use std::{
    collections::BTreeMap,
    io::{Read as _, Seek as _, Write as _},
};

use super::{verifying::verdict, *};

/// A closed trail in one segment, its bytes, and where each line begins.
fn closed(records: usize) -> (Root, Vec<u8>) {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..records);
    trail.close().unwrap();
    let bytes = fs::read(&root.segments()[0]).unwrap();
    (root, bytes)
}

/// Opens and closes; then everything reads without damage and without a hole.
fn reopen(root: &Root) -> Vec<String> {
    root.trail().close().unwrap();
    let items = root.items();
    assert!(!items.iter().any(|item| item.starts_with('!')), "{items:?}");
    items
}

/// A trail in one segment of which nothing is signed but its `open` record; its bytes, and its
/// checkpoint.
fn unsigned(records: usize) -> (Root, Vec<u8>, Vec<u8>) {
    let root = Root::new();
    let builder = root.builder().checkpoint_interval(Duration::from_secs(60));
    let mut trail = builder.checkpoint_records(1 << 20).open().unwrap();
    write(&mut trail, 0..records);
    trail.sync().unwrap();
    drop(trail);
    let bytes = fs::read(&root.segments()[0]).unwrap();
    let checkpoint = fs::read(root.checkpoint()).unwrap();
    (root, bytes, checkpoint)
}

fn lines_before(bytes: &[u8], cut: usize) -> usize {
    bytes[..cut].iter().filter(|b| **b == b'\n').count()
}

#[test]
fn a_cut_at_each_of_the_last_4096_bytes_is_repaired() {
    let (root, bytes, checkpoint) = unsigned(40);
    let path = root.segments().remove(0);
    for cut in (bytes.len() - 4096..bytes.len()).rev() {
        // A new file: some file systems flush one that was truncated when it is closed.
        fs::remove_file(&path).unwrap();
        fs::write(&path, &bytes[..cut]).unwrap();
        fs::write(root.checkpoint(), &checkpoint).unwrap();
        for bad in root.files(".bad") {
            fs::remove_file(bad).unwrap();
        }
        drop(root.fast_trail());
        let items = root.items();
        // Without the header and the checkpoint.
        let whole = lines_before(&bytes, cut) - 2;
        let torn = bytes[cut - 1] != b'\n';
        let mut expected = vec!["open".to_owned()];
        expected.extend(numbers(0..whole - 1));
        expected.push("open".to_owned());
        expected.extend(torn.then(|| "repair".to_owned()));
        assert_eq!(items, expected, "cut at {cut}");
        if torn {
            let bad = root.files(".bad").remove(0);
            let kept = bytes[..cut].iter().rposition(|b| *b == b'\n').unwrap() + 1;
            assert_eq!(fs::read(bad).unwrap(), &bytes[kept..cut]);
        } else {
            assert!(root.files(".bad").is_empty());
        }
        assert!(root.files(".new").is_empty());
    }
}

#[test]
fn a_torn_or_missing_header_is_made_anew() {
    let (root, bytes) = closed(1);
    let path = root.segments().remove(0);
    let header = bytes.iter().position(|b| *b == b'\n').unwrap();
    for cut in 0..=header {
        fs::write(&path, &bytes[..cut]).unwrap();
        fs::remove_file(root.checkpoint()).unwrap();
        let items = reopen(&root);
        let repaired = ["open", "repair", "close"];
        assert_eq!(
            items,
            if cut == 0 { vec!["open", "close"] } else { repaired.to_vec() },
            "{cut}"
        );
    }
    fs::write(&path, &bytes[..=header]).unwrap();
    fs::remove_file(root.checkpoint()).unwrap();
    assert_eq!(reopen(&root), ["open", "close"]);
}

#[test]
fn garbage_of_any_kind_is_moved_away() {
    for (garbage, reason) in [
        (&b"\0\0\0\0\0\0"[..], "cut off"),
        (b"\0\0\0\n", "control byte"),
        (b"{\"seq\":4,\"kind\":\"event\",\"a\":\"\xc3", "cut off"),
        (b"{\"seq\":4,\"kind\":\"event\",\"a\":\"\xc3\"}\n", "UTF-8"),
        (b"{\"seq\":4,\"kind\":\"event\"}\r\n", "control byte"),
        (b"\n", "not a record"),
        (b"hello\n", "not a record"),
        (b"{\"seq\":9,\"kind\":\"event\"}\n", "not the next"),
        (b"{\"seq\":0,\"kind\":\"event\"}\n", "not the next"),
        (b"x\n{\"seq\":4,\"kind\":\"event\"}\n", "not a record"),
    ] {
        let (root, bytes) = closed(2);
        let path = root.segments().remove(0);
        fs::write(&path, [&bytes, garbage].concat()).unwrap();
        assert_eq!(reopen(&root).join(" "), "open #0 #1 close open repair close");
        assert_eq!(fs::read(&root.files(".bad")[0]).unwrap(), garbage);
        let text = fs::read_to_string(&path).unwrap();
        let repair = text.lines().find(|l| l.contains("\"op\":\"repair\"")).unwrap();
        assert!(repair.contains(reason), "{repair}");
        assert!(repair.contains(&format!("\"bytes\":{},", garbage.len())), "{repair}");
        assert!(repair.contains(".bad\""), "{repair}");
    }
}

pub(super) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_hole_of_64_gib_takes_neither_memory_nor_space_nor_time() {
    let (root, bytes) = closed(2);
    let path = root.segments().remove(0);
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(bytes.len() as u64 + (64 << 30)).unwrap();
    file.seek(std::io::SeekFrom::End(0)).unwrap();
    file.write_all(b"after").unwrap();
    drop(file);
    // The copy that a killed start has left.
    let bad = path.with_file_name(format!("00000000000000000000.jsonl.{}.bad", bytes.len()));
    let mut copy = fs::File::create(&bad).unwrap();
    copy.seek(std::io::SeekFrom::Start(64 << 30)).unwrap();
    copy.write_all(b"after").unwrap();
    fs::set_permissions(&bad, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (before, begin) = (resident(), Instant::now());
    let mut reader = Reader::open(&root.path).unwrap();
    assert_eq!(drain(&mut reader).len(), 5);
    let found = verdict(&root, &crate::Known::default());
    assert!(found.broken.is_empty() && found.tail_damage.is_some(), "{found}");
    assert_eq!(reopen(&root).join(" "), "open #0 #1 close open repair close");
    assert!(resident() < before + (16 << 10), "{before} {}", resident());
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(root.files(".bad").len(), 1);
    let mut bad = fs::File::open(&root.files(".bad")[0]).unwrap();
    assert_eq!(bad.metadata().unwrap().len(), (64 << 30) + 5);
    assert!(std::os::unix::fs::MetadataExt::blocks(&bad.metadata().unwrap()) < 100);
    bad.seek(std::io::SeekFrom::End(-5)).unwrap();
    let mut end = String::new();
    bad.read_to_string(&mut end).unwrap();
    assert_eq!(end, "after");
}

#[test]
fn recovery_that_was_killed_comes_to_the_same_end() {
    let (root, bytes) = closed(2);
    let path = root.segments().remove(0);
    let torn = [&bytes, &b"torn"[..]].concat();
    let checkpoint = fs::read(root.checkpoint()).unwrap();
    let name =
        |n: &str| root.path.join(format!("00/00000000000000000000.jsonl.{}{n}.bad", bytes.len()));
    for step in 0..4 {
        fs::write(&path, &torn).unwrap();
        fs::write(root.checkpoint(), &checkpoint).unwrap();
        for bad in root.files(".bad") {
            fs::remove_file(bad).unwrap();
        }
        match step {
            // Killed while it copied; after it had copied; and a file of that name of another time.
            1 => fs::write(
                root.path.join(format!(
                    "00/.{}.{}.new",
                    name("").file_name().unwrap().to_str().unwrap(),
                    uuid::Uuid::now_v7()
                )),
                b"to",
            )
            .unwrap(),
            2 => fs::write(name(""), b"torn").unwrap(),
            3 => fs::write(name(""), b"older").unwrap(),
            _ => {}
        }
        assert_eq!(reopen(&root).join(" "), "open #0 #1 close open repair close");
        let bad: Vec<_> = root.files(".bad").iter().map(|p| fs::read(p).unwrap()).collect();
        let expected: &[&[u8]] = if step == 3 { &[b"torn", b"older"] } else { &[b"torn"] };
        assert_eq!(bad, expected, "step {step}");
        assert!(root.files(".new").is_empty());
    }
}

#[test]
fn old_damage_does_not_stop_the_log_and_is_left_alone() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
    (0..30).for_each(|n| write(&mut trail, n..n + 1));
    trail.close().unwrap();
    let old = root.segments().remove(1);
    fs::write(&old, b"rubbish").unwrap();
    root.trail().close().unwrap();
    assert_eq!(fs::read(&old).unwrap(), b"rubbish");
    assert!(root.files(".bad").is_empty());
    let items = root.items();
    assert!(items.iter().any(|item| item.starts_with("!the last line is cut off")), "{items:?}");
    assert!(items.iter().any(|item| item.contains("are missing before")), "{items:?}");
    assert!(items.contains(&"#29".to_owned()));
}

#[test]
fn a_last_segment_that_is_none_gives_way_to_the_one_before() {
    for plant in [
        &b"rubbish\n"[..],
        b"",
        b"{\"trail\":\"audit-trail-1\",\"origin\":\"x\",\"from\":1,\"hashes\":[]}\n",
    ] {
        let (root, _) = closed(3);
        fs::write(root.path.join("00/00000000000000777777.jsonl"), plant).unwrap();
        let items = reopen(&root);
        assert_eq!(items.len(), if plant.is_empty() { 7 } else { 8 });
        assert_eq!(root.segments().len(), 1);
        assert_eq!(root.files(".bad").len(), usize::from(!plant.is_empty()));
    }
}

#[test]
fn another_version_is_left_alone() {
    let (root, bytes) = closed(1);
    let path = root.segments().remove(0);
    let newer = String::from_utf8(bytes).unwrap().replace("audit-trail-1", "audit-trail-2");
    fs::write(&path, &newer).unwrap();
    let mut trail = root.trail();
    assert_eq!(trail.directory(), root.path.join("01"));
    trail.close().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
    assert!(root.files(".bad").is_empty());
    assert!(root.items().iter().any(|item| item.contains("version audit-trail-2")));
}

#[test]
fn numbers_that_are_used_up_lead_to_the_next_directory() {
    let root = Root::new();
    let folder = root.path.join("00");
    fs::create_dir_all(&folder).unwrap();
    set_private(&root.path);
    let from = crate::line::MAX_SEQ;
    let header = crate::segment::header(
        "x",
        &crate::tree::Tree::from_roots(from, vec![[0; 32]; 63]).unwrap(),
    );
    let line = format!("{{\"seq\":{from},\"kind\":\"event\"}}\n");
    fs::write(folder.join(format!("{from:020}.jsonl")), header + &line).unwrap();
    assert_eq!(root.trail().directory(), root.path.join("01"));
    assert_eq!(root.items()[0], "#null");
}

fn set_private(path: &Path) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
}

#[test]
fn mutated_folders_always_open() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(3_000).open().unwrap();
    (0..60).for_each(|n| write(&mut trail, n..n + 1));
    trail.close().unwrap();
    let healthy: BTreeMap<PathBuf, Vec<u8>> =
        root.segments().into_iter().map(|p| (p.clone(), fs::read(p).unwrap())).collect();
    let names: Vec<&PathBuf> = healthy.keys().collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |n: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % n
    };
    for round in 0..300 {
        for writer in fs::read_dir(&root.path).unwrap() {
            fs::remove_dir_all(writer.unwrap().path()).unwrap();
        }
        fs::create_dir(root.path.join("00")).unwrap();
        // Or the start would wait for whoever may have it.
        fs::write(root.path.join("00/LOCK"), "").unwrap();
        let mut folder = healthy.clone();
        for _ in 0..=below(3) {
            // Mostly the last one: it is the one that is read.
            let at = if below(3) == 0 { below(names.len()) } else { names.len() - 1 };
            let (name, other) = (names[at], names[below(names.len())]);
            let content = folder.get(name).cloned().unwrap_or_default();
            match below(11) {
                0 => drop(folder.remove(name)),
                1 => drop(folder.insert(name.clone(), Vec::new())),
                2 => drop(
                    folder.insert(name.clone(), folder.get(other).cloned().unwrap_or_default()),
                ),
                3 => {
                    let moved = folder.remove(other).unwrap_or_default();
                    folder.insert(name.clone(), moved);
                    folder.insert(other.clone(), content);
                }
                4 => {
                    drop(folder.insert(
                        root.path.join(format!("00/{:020}.jsonl", below(1 << 30))),
                        content,
                    ));
                }
                5 => drop(folder.insert(root.path.join("00/foreign.jsonl"), content)),
                6 => {
                    drop(folder.insert(name.clone(), content[..below(content.len() + 1)].to_vec()));
                }
                7 => drop(folder.insert(name.clone(), [content, vec![0; below(5_000)]].concat())),
                8 => drop(folder.insert(name.clone(), [&content[..], &content[..]].concat())),
                _ if content.is_empty() => {}
                9 => {
                    let mut changed = content;
                    let bit = below(changed.len() * 8);
                    changed[bit / 8] ^= 1 << (bit % 8);
                    folder.insert(name.clone(), changed);
                }
                _ => {
                    let mut changed = content;
                    let at = below(changed.len());
                    changed[at] = u8::try_from(below(256)).unwrap();
                    folder.insert(name.clone(), changed);
                }
            }
        }
        for (path, content) in &folder {
            fs::write(path, content).unwrap();
        }
        let before = root.records();
        let mut trail = root.fast_trail();
        write(&mut trail, 1_000..1_001);
        trail.close().unwrap();
        let after = root.records();
        assert_eq!(after.iter().filter(|r| *r == "#1000").count(), 1, "{round}");
        // What the reader saw is still there, or was moved away and reported.
        let moved = root.items().contains(&"repair".to_owned());
        assert!(moved || before.iter().all(|record| after.contains(record)), "{round}");
        assert!(moved || root.files(".bad").is_empty(), "{round}");
    }
}
