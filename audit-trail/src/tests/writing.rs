use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

#[test]
fn what_is_written_is_read() {
    let root = Root::new();
    let mut trail = root.trail();
    assert_eq!(trail.directory(), root.path.join("00"));
    write(&mut trail, 0..3);
    trail.sync().unwrap();
    trail.close().unwrap();
    trail.close().unwrap();
    assert!(trail.push(b"\"kind\":\"event\"", [].into_iter()).is_err());
    assert_eq!(root.items(), ["open", "#0", "#1", "#2", "close"]);
    let text = fs::read_to_string(&root.segments()[0]).unwrap();
    let header = text.lines().next().unwrap();
    assert!(header.starts_with("{\"trail\":\"audit-trail-1\",\"origin\":\"audit/"), "{header}");
    assert!(header.ends_with("/00\",\"from\":0,\"hashes\":[]}"), "{header}");
}

#[test]
fn the_next_trail_goes_on_where_the_last_ended() {
    let root = Root::new();
    for n in 0..3 {
        let mut trail = root.trail();
        write(&mut trail, n..n + 1);
        trail.close().unwrap();
    }
    assert_eq!(root.items().join(" "), "open #0 close open #1 close open #2 close");
    assert_eq!(root.segments().len(), 1);
    let text = fs::read_to_string(&root.segments()[0]).unwrap();
    assert!(!text.contains("\"unclean\":true"));
}

#[test]
fn a_trail_that_is_dropped_frees_its_directory_and_is_known_as_unclean() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..1);
    push(&trail, 1);
    let begin = Instant::now();
    drop(trail);
    assert!(begin.elapsed() < Duration::from_millis(400));
    let trail = root.trail();
    assert_eq!(trail.directory(), root.path.join("00"));
    assert_eq!(root.items(), ["open", "#0", "#1", "open"]);
    let text = fs::read_to_string(&root.segments()[0]).unwrap();
    let open = text.lines().rfind(|line| line.contains("\"op\":\"open\"")).unwrap();
    assert!(open.contains("\"unclean\":true"), "{open}");
    // Signed were the first record; three were taken over as the file was, or fewer.
    assert!(open.contains("\"unsealed\":{\"from\":1,\"to\":2}"), "{open}");
}

#[test]
fn a_second_trail_takes_the_next_directory() {
    let root = Root::new();
    let (mut one, mut two) = (root.trail(), root.trail());
    assert_eq!(two.directory(), root.path.join("01"));
    write(&mut one, 0..1);
    write(&mut two, 1..2);
    one.close().unwrap();
    assert_eq!(root.trail().directory(), root.path.join("00"));
    two.close().unwrap();
    let mut records = root.records();
    records.sort();
    assert_eq!(records, ["#0", "#1"]);
}

#[test]
fn segments_roll_by_size_without_losing_or_reordering() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(2_000).open().unwrap();
    for n in 0..50 {
        write(&mut trail, n * 10..n * 10 + 10);
    }
    trail.close().unwrap();
    assert_eq!(root.records(), numbers(0..500));
    let segments = root.segments();
    assert!(segments.len() > 20);
    for path in segments {
        // A checkpoint may stand behind what just fitted.
        assert!(path.metadata().unwrap().len() <= 2_300);
        let text = fs::read_to_string(&path).unwrap();
        let from: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        assert!(text.lines().next().unwrap().contains(&format!("\"from\":{from},")));
        let first = text.lines().find(|line| line.starts_with("{\"seq\"")).unwrap();
        assert!(first.starts_with(&format!("{{\"seq\":{from},")));
    }
}

#[test]
fn one_batch_can_fill_many_segments_and_a_long_record_one() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1).open().unwrap();
    write(&mut trail, 0..20);
    trail.close().unwrap();
    assert_eq!(root.records(), numbers(0..20));
    assert_eq!(root.segments().len(), 22);
}

#[test]
fn segments_roll_by_age() {
    let root = Root::new();
    let mut trail = root.builder().segment_age(Duration::from_millis(500)).open().unwrap();
    write(&mut trail, 0..1);
    std::thread::sleep(Duration::from_millis(550));
    write(&mut trail, 1..2);
    trail.close().unwrap();
    assert_eq!(root.segments().len(), 2);
    // The age counts over restarts.
    std::thread::sleep(Duration::from_millis(550));
    root.builder().segment_age(Duration::from_millis(500)).open().unwrap().close().unwrap();
    assert_eq!(root.segments().len(), 3);
    assert_eq!(root.records(), numbers(0..2));
}

#[test]
fn what_is_no_line_is_refused_and_costs_no_number() {
    let root = Root::new();
    let mut trail = root.trail();
    let long = format!("{{\"x\":\"{}\"}}", "a".repeat(1 << 20));
    let error = trail.push(b"\"kind\":\"event\"", [("event", long.as_bytes())].into_iter());
    assert!(matches!(error, Err(audit_core::sink::SinkError::Refused(_))));
    write(&mut trail, 0..1);
    trail.close().unwrap();
    assert_eq!(root.items(), ["open", "#0", "close"]);
}

#[test]
fn modes_are_private() {
    let root = Root::new();
    let _trail = root.trail();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&root.path), 0o700);
    assert_eq!(mode(&root.path.join("00")), 0o700);
    assert_eq!(mode(&root.path.with_extension("secret")), 0o600);
    for path in root.files("") {
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
}

#[test]
fn what_leads_elsewhere_is_not_followed() {
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("target");
    fs::write(&target, "").unwrap();
    let name = "00/00000000000000000000.jsonl";
    for (place, plant) in [
        ("00", "symlink"),
        (name, "symlink"),
        (name, "fifo"),
        (name, "hard link"),
        (name, "folder"),
        ("00/LOCK", "symlink"),
        ("00/LOCK", "fifo"),
        ("00/LOCK", "hard link"),
    ] {
        let root = Root::new();
        let path = root.path.join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::set_permissions(&root.path, PermissionsExt::from_mode(0o700)).unwrap();
        match plant {
            "symlink" => symlink(&target, &path).unwrap(),
            "hard link" => fs::hard_link(&target, &path).unwrap(),
            "folder" => fs::create_dir(&path).unwrap(),
            _ => rustix::fs::mknodat(
                rustix::fs::CWD,
                &path,
                rustix::fs::FileType::Fifo,
                0o600.into(),
                0,
            )
            .unwrap(),
        }
        let mut trail = root.builder().open().unwrap();
        assert!(trail.directory().ends_with("01"), "{place} {plant}");
        trail.close().unwrap();
        let told = fs::read_to_string(&files(&root.path.join("01"), ".jsonl")[0]).unwrap();
        assert!(told.contains(path.to_str().unwrap()), "{told}");
        assert_eq!(fs::read(&target).unwrap(), b"", "{place} {plant}");
    }
}

#[test]
fn settings_have_bounds() {
    let root = Root::new();
    let second = Duration::from_secs(1);
    assert!(root.builder().segment_bytes(0).open().is_err());
    assert!(root.builder().segment_bytes(u64::MAX).open().is_err());
    assert!(root.builder().segment_age(Duration::ZERO).open().is_err());
    assert!(root.builder().commit_interval(second * 61).open().is_err());
    assert!(root.builder().checkpoint_interval(Duration::ZERO).open().is_err());
    let error = root.builder().checkpoint_records(0).open().err().unwrap().to_string();
    assert_eq!(error, "trail.checkpoint_records: `0` is not from 1 to 1048576");
    assert!(!root.path.exists());
    let far = Duration::MAX;
    drop(root.builder().commit_interval(Duration::ZERO).segment_age(far).open().unwrap());
}

#[test]
fn a_configuration_says_it_all() {
    let root = Root::new();
    let mut settings = audit_core::Settings::default();
    settings.trail.dir.clone_from(&root.path);
    settings.trail.segment_age = Duration::ZERO;
    assert!(Trail::configured(&settings).is_err());
    settings.trail.segment_age = Duration::from_secs(1);
    settings.auditor.secret = Some(root.path.with_file_name("other"));
    let secret = Trail::configured(&settings).unwrap().secret().unwrap();
    let other = crate::read_secret(root.path.with_file_name("other")).unwrap();
    assert_eq!(secret.expose(), other.expose());
    assert!(root.path.join("00").exists() && !root.path.with_file_name("audit.secret").exists());
}

#[test]
fn the_secret_is_beside_the_root_or_where_it_was_told() {
    let root = Root::new();
    let one = root.trail().secret().unwrap();
    let two = root.trail().secret().unwrap();
    assert_eq!(one.expose(), two.expose());
    assert!(root.path.with_file_name("audit.secret").exists());
    let other = root.path.with_file_name("other");
    let three = root.builder().secret_file(&other).open().unwrap().secret().unwrap();
    assert_ne!(one.expose(), three.expose());
}

#[test]
fn silence_shows() {
    let root = Root::new();
    let trail = root.builder().heartbeat(Duration::from_millis(100)).open().unwrap();
    until(|| root.items().iter().filter(|item| *item == "heartbeat").count() >= 2);
    drop(trail);
}

#[test]
fn all_directories_in_use() {
    let root = Root::new();
    let trails: Vec<_> = (0..100).map(|_| root.trail()).collect();
    assert!(root.builder().open().unwrap_err().to_string().contains("100"));
    assert_eq!(trails[99].directory(), root.path.join("99"));
}
