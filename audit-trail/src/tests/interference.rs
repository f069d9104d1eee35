use std::io::Write as _;

use super::*;

fn appended(root: &Root, bytes: &[u8]) {
    let path = root.segments().pop().unwrap();
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn what_somebody_else_appends_is_moved_away() {
    for before_sync in [true, false] {
        let root = Root::new();
        let mut trail = root.builder().commit_interval(Duration::from_secs(60)).open().unwrap();
        write(&mut trail, 0..3);
        if before_sync {
            appended(&root, b"{\"seq\":4,\"kind\":\"event\"}\n");
            trail.sync().unwrap();
        } else {
            trail.sync().unwrap();
            appended(&root, b"{\"seq\":4,\"kind\":\"event\"}\n");
        }
        write(&mut trail, 3..5);
        trail.close().unwrap();
        assert_eq!(root.items().join(" "), "open #0 #1 #2 #3 #4 repair close");
        let bad = root.files(".bad");
        assert_eq!(fs::read(&bad[0]).unwrap(), b"{\"seq\":4,\"kind\":\"event\"}\n");
    }
}

#[test]
fn an_idle_writer_finds_it_within_a_second() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..1);
    trail.sync().unwrap();
    appended(&root, b"hello");
    let begin = Instant::now();
    until(|| root.items().contains(&"repair".to_owned()));
    assert!(begin.elapsed() < Duration::from_secs(1));
    drop(trail);
}

#[test]
fn lines_that_are_cut_before_they_are_durable_are_written_again() {
    let root = Root::new();
    let mut trail = root.builder().commit_interval(Duration::from_secs(60)).open().unwrap();
    trail.sync().unwrap();
    let path = root.segments().remove(0);
    let keep = path.metadata().unwrap().len();
    write(&mut trail, 0..5);
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(keep + 70).unwrap();
    write(&mut trail, 5..6);
    trail.close().unwrap();
    assert_eq!(root.items().join(" "), "open #0 #1 #2 #3 #4 #5 repair close");
    assert_eq!(root.segments().len(), 1);
}

#[test]
fn durable_lines_that_are_cut_are_reported() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..10);
    trail.sync().unwrap();
    let path = root.segments().remove(0);
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1_000).unwrap();
    write(&mut trail, 10..12);
    trail.close().unwrap();
    let items = root.items();
    let text = items.join(" ");
    assert!(items.iter().any(|item| item.contains("are missing")), "{text}");
    assert!(text.ends_with("#10 #11 repair close"), "{text}");
    assert_eq!(root.segments().len(), 2);
}

#[test]
fn a_segment_that_is_removed_or_renamed_is_made_anew_within_a_second() {
    for rename in [true, false] {
        let root = Root::new();
        let mut trail = root.trail();
        write(&mut trail, 0..3);
        trail.sync().unwrap();
        let path = root.segments().remove(0);
        if rename {
            fs::rename(&path, path.with_extension("moved")).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        let begin = Instant::now();
        until(|| !root.segments().is_empty());
        assert!(begin.elapsed() < Duration::from_secs(1));
        write(&mut trail, 3..5);
        trail.close().unwrap();
        assert_eq!(root.items().join(" "), "repair #3 #4 close");
        let text = fs::read_to_string(&root.segments()[0]).unwrap();
        assert!(text.contains("was removed, renamed or replaced"), "{text}");
        assert!(text.starts_with("{\"trail\":") && text.contains("\"from\":4,"), "{text}");
    }
}

#[test]
fn a_file_put_in_the_place_of_the_segment_is_moved_away() {
    let root = Root::new();
    let mut trail = root.builder().commit_interval(Duration::from_secs(60)).open().unwrap();
    let path = root.segments().remove(0);
    trail.sync().unwrap();
    write(&mut trail, 0..2);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "something else").unwrap();
    write(&mut trail, 2..3);
    trail.close().unwrap();
    let items = root.items();
    assert!(
        items.ends_with(&["#0", "#1", "#2", "repair", "close"].map(str::to_owned)),
        "{items:?}"
    );
}

#[test]
fn a_folder_that_is_removed_or_moved_is_made_anew_within_a_second() {
    for case in ["remove root", "move root", "remove writer", "move writer"] {
        let root = Root::new();
        let mut trail = root.trail();
        write(&mut trail, 0..3);
        trail.sync().unwrap();
        let (path, away) = match case {
            "remove root" | "move root" => (root.path.clone(), root.path.with_extension("old")),
            _ => (root.path.join("00"), root.path.join("old")),
        };
        if case.starts_with("remove") {
            fs::remove_dir_all(&path).unwrap();
        } else {
            fs::rename(&path, &away).unwrap();
        }
        let begin = Instant::now();
        until(|| root.path.join("00").exists() && !root.segments().is_empty());
        assert!(begin.elapsed() < Duration::from_secs(1), "{case}");
        write(&mut trail, 3..5);
        trail.close().unwrap();
        assert_eq!(root.items().join(" "), "repair #3 #4 close", "{case}");
        assert_eq!(root.trail().directory(), root.path.join("00"));
    }
}

#[test]
fn a_planted_next_segment_is_moved_away() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(900).open().unwrap();
    for from in 1..200 {
        fs::write(root.path.join(format!("00/{from:020}.jsonl")), "planted").unwrap();
    }
    (0..10).for_each(|n| write(&mut trail, n..n + 1));
    trail.close().unwrap();
    let records = root.records();
    assert_eq!(records, numbers(0..10));
    assert!(!root.files(".bad").is_empty());
}
