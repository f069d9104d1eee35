//! Redacting, pruning, holding.

use audit_core::{Group, Timestamp};

use super::*;
use crate::{
    Hold, Known, MaintainError, Maintenance, Prune, Pruned, Redact, Redacted,
    disk::{
        Disk,
        faulty::{Call, Fate, Faulty},
    },
    verify,
};

/// As real records are: with an id that tells when it was written.
pub(super) fn write(trail: &mut Trail, numbers: std::ops::Range<usize>) {
    for n in numbers {
        let (id, time) = (uuid::Uuid::now_v7(), Timestamp::now());
        let core = format!("\"kind\":\"event\",\"n\":{n},\"id\":\"{id}\",\"time\":\"{time}\"");
        let group = format!("{{\"user\":\"user-{n}\"}}");
        trail.push(core.as_bytes(), [("actor", group.as_bytes())].into_iter()).unwrap();
    }
    trail.commit().unwrap();
}

/// All groups of the records of these users.
pub(super) fn of(users: &[&str]) -> impl FnMut(&Line) -> Vec<Group> {
    let names: Vec<String> = users.iter().map(|user| format!("\"user\":\"{user}\"")).collect();
    move |line| match names.iter().any(|name| line.text().contains(name)) {
        true => Group::ALL.to_vec(),
        false => Vec::new(),
    }
}

pub(super) fn maintenance(root: &Root) -> Maintenance {
    Maintenance::open(&root.path, None).unwrap().patience(Duration::from_secs(5))
}

pub(super) fn redact(root: &Root, users: &[&str]) -> Redacted {
    let how = Redact { reason: Some("case 7".into()), dry_run: false };
    let mut done = maintenance(root).redact(&how, &mut of(users)).unwrap();
    done.remove(0).unwrap()
}

pub(super) fn whole(root: &Root, anchors: &[String]) -> crate::Verdict {
    let known = Known { key: None, anchors: anchors.to_vec() };
    let verdict = verify(&root.path, &known, &mut |_, _| {}).unwrap().remove(0);
    assert!(verdict.is_good(), "{verdict}");
    verdict
}

/// The files in which a text occurs.
pub(super) fn with_text(root: &Root, text: &str) -> Vec<String> {
    let holds = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap();
        memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    };
    let found =
        files(&root.path.join("00"), "").into_iter().filter(|path| path.is_file() && holds(path));
    found.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn what_is_redacted_is_in_no_file_and_the_rest_is_proved() {
    for living in [true, false] {
        let root = Root::new();
        let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
        (0..30).for_each(|n| write(&mut trail, n..n + 1));
        trail.checkpoint();
        let anchor = fs::read_to_string(root.checkpoint()).unwrap();
        if !living {
            trail.close().unwrap();
        }
        assert!(root.segments().len() > 3);
        let size = whole(&root, &[]).size;
        // One in the first segment, one in the active one.
        let done = redact(&root, &["user-0", "user-29"]);
        assert_eq!((done.records, done.held.len()), (2, 0));
        for user in ["user-0", "user-29"] {
            assert_eq!(with_text(&root, &format!("\"{user}\"")), [""; 0], "living: {living}");
        }
        assert_eq!(with_text(&root, "\"user-1\"").len(), 1);
        let verdict = whole(&root, &[anchor]);
        assert_eq!((verdict.redacted, verdict.anchors[0].holds), (2, Some(true)));
        assert!(verdict.size > size);
        assert_eq!(root.records(), numbers(0..30));
        // Once more does nothing, and adds nothing.
        let before = verdict.size;
        assert_eq!(redact(&root, &["user-0", "user-29"]).records, 0);
        if !living {
            assert_eq!(whole(&root, &[]).size, before);
        }
        // The writer goes on.
        if living {
            write(&mut trail, 30..31);
            trail.close().unwrap();
        }
        root.trail().close().unwrap();
        assert_eq!(whole(&root, &[]).redacted, 2);
        assert_eq!(
            fs::read_dir(root.path.join("00"))
                .unwrap()
                .filter(|entry| {
                    let name = entry.as_ref().unwrap().file_name();
                    name == "order" || name.to_string_lossy().ends_with(".new")
                })
                .count(),
            0
        );
    }
}

#[test]
fn single_groups_are_taken_out_one_after_the_other() {
    let root = Root::new();
    let mut trail = root.trail();
    let groups = [("actor", &b"{\"user\":\"ann\"}"[..]), ("request", b"{\"path\":\"/secret\"}")];
    trail.push(b"\"kind\":\"request\",\"id\":\"x\"", groups.into_iter()).unwrap();
    trail.commit().unwrap();
    trail.close().unwrap();
    let how = Redact::default();
    let only = |group: Group| {
        let mut pick = |line: &Line| match line.kind() {
            "request" => vec![group],
            _ => Vec::new(),
        };
        let done = maintenance(&root).redact(&how, &mut pick).unwrap().remove(0).unwrap();
        done.records
    };
    assert_eq!(only(Group::Error), 0, "it has none");
    assert_eq!(only(Group::Request), 1);
    assert_eq!(with_text(&root, "/secret"), [""; 0]);
    assert_eq!(with_text(&root, "\"ann\"").len(), 1);
    whole(&root, &[]);
    assert_eq!(only(Group::Actor), 1);
    assert_eq!(with_text(&root, "\"ann\""), [""; 0]);
    assert_eq!(with_text(&root, "\"salt"), [""; 0]);
    whole(&root, &[]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
    (0..30).for_each(|n| write(&mut trail, n..n + 1));
    trail.close().unwrap();
    let state = || -> Vec<_> {
        let all = files(&root.path.join("00"), "");
        all.into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect()
    };
    let before = state();
    let how = Redact { dry_run: true, ..Redact::default() };
    let done = maintenance(&root).redact(&how, &mut of(&["user-3"])).unwrap().remove(0).unwrap();
    assert_eq!(done.records, 1);
    let what =
        Prune { before: Some(Timestamp::now()), dry_run: true, force: true, ..Prune::default() };
    let done = maintenance(&root).prune(&what).unwrap().remove(0).unwrap();
    assert!(done.segments > 3 && done.bytes > 3_000, "{done:?}");
    assert_eq!(state(), before);
}

pub(super) fn prune(root: &Root, anchors: &[String], force: bool) -> Result<Pruned, MaintainError> {
    let before = Some(Timestamp::now());
    let what = Prune { before, anchors: anchors.to_vec(), force, ..Prune::default() };
    maintenance(root).prune(&what)?.remove(0)
}

#[test]
fn what_is_pruned_is_gone_and_the_rest_is_proved() {
    for living in [true, false] {
        let root = Root::new();
        let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
        (0..30).for_each(|n| write(&mut trail, n..n + 1));
        trail.checkpoint();
        let anchor = fs::read_to_string(root.checkpoint()).unwrap();
        if !living {
            trail.close().unwrap();
        }
        let error = prune(&root, &[], false).unwrap_err().to_string();
        assert!(error.contains("--anchor") && root.segments().len() > 5, "{error}");
        let old = fs::read_to_string(&root.segments()[1]).unwrap();
        let old = old.lines().nth(1).and_then(note_of);
        if let Some(old) = old {
            let error = prune(&root, &[old], false).unwrap_err().to_string();
            assert!(error.contains("covers"), "an anchor that is too old: {error}");
        }
        let done = prune(&root, std::slice::from_ref(&anchor), false).unwrap();
        assert!(done.segments > 4 && done.from == 0 && done.kept.is_none(), "{done:?}");
        assert_eq!(with_text(&root, "\"user-0\""), [""; 0]);
        let verdict = whole(&root, std::slice::from_ref(&anchor));
        assert_eq!(verdict.pruned, done.to);
        assert_eq!(verdict.anchors[0].holds, Some(true));
        let records = root.records();
        assert_eq!(records, numbers(30 - records.len()..30));
        assert!(records.len() < 10 && records.is_empty() != living);
        let again = prune(&root, &[], true).unwrap();
        assert!(again.segments <= 1, "{again:?}");
        drop(trail);
        root.trail().close().unwrap();
        whole(&root, &[]);
    }
}

#[test]
fn holds_keep_what_they_cover_until_they_are_released() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
    (0..20).for_each(|n| write(&mut trail, n..n + 1));
    let middle = Timestamp::now();
    std::thread::sleep(Duration::from_millis(5));
    (20..40).for_each(|n| write(&mut trail, n..n + 1));
    let hold = Hold { name: "case-7".into(), since: Some(middle), ..Hold::default() };
    assert_eq!(maintenance(&root).hold(&hold).unwrap(), root.path.join("00"));
    assert!(maintenance(&root).hold(&hold).unwrap_err().to_string().contains("in force"));
    let done = redact(&root, &["user-3", "user-33"]);
    assert_eq!((done.records, done.held.len()), (1, 1));
    assert_eq!(done.held[0].1, "case-7");
    assert_eq!(with_text(&root, "\"user-33\"").len(), 1);
    let done = prune(&root, &[], true).unwrap();
    assert!(done.segments > 2 && done.kept.unwrap().contains("case-7"));
    assert!(
        with_text(&root, "\"user-1\"").is_empty() && !with_text(&root, "\"user-20\"").is_empty()
    );
    whole(&root, &[]);
    trail.close().unwrap();
    // The next process knows of it; without the file of a hold there is none to remove.
    let held = maintenance(&root).holds().unwrap();
    assert_eq!((held.len(), &*held[0].name, held[0].since), (1, "case-7", Some(middle)));
    assert!(maintenance(&root).release("case-8", None).unwrap_err().to_string().contains("case-8"));
    maintenance(&root).release("case-7", Some("closed")).unwrap();
    assert_eq!(maintenance(&root).holds().unwrap(), []);
    assert_eq!(redact(&root, &["user-33"]).records, 1);
    assert!(prune(&root, &[], true).unwrap().segments > 2);
    whole(&root, &[]);
}

#[test]
fn a_hold_outlives_the_segment_that_has_it_on_record() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
    let later = Timestamp::from_micros(Timestamp::now().as_micros() + 3_600_000_000);
    let hold = Hold { name: "to-come".into(), since: Some(later), ..Hold::default() };
    maintenance(&root).hold(&hold).unwrap();
    (0..30).for_each(|n| write(&mut trail, n..n + 1));
    assert!(prune(&root, &[], true).unwrap().segments > 3);
    let held = maintenance(&root).holds().unwrap();
    assert_eq!((held.len(), held[0].since), (1, Some(later)));
    trail.close().unwrap();
    whole(&root, &[]);
}

#[test]
fn a_directory_that_nobody_writes_any_more_is_emptied_and_left_so() {
    let root = Root::new();
    let (mut first, mut second) = (root.trail(), root.trail());
    write(&mut second, 0..5);
    second.close().unwrap();
    write(&mut first, 5..10);
    let what = |dry_run| Prune {
        before: Some(Timestamp::now()),
        force: true,
        dry_run,
        ..Prune::default()
    };
    let dry = maintenance(&root).prune(&what(true)).unwrap();
    let pruned: Vec<_> = dry.iter().map(|done| done.as_ref().unwrap().segments).collect();
    assert_eq!(pruned, [0, 1], "the living writer's last segment stays");
    let done = maintenance(&root).prune(&what(false)).unwrap();
    assert_eq!(done.iter().map(|done| done.as_ref().unwrap().segments).sum::<u64>(), 1);
    assert_eq!(root.records(), numbers(5..10));
    let left = || files(&root.path.join("01"), ".jsonl");
    let (names, size) = (left(), left()[0].metadata().unwrap().len());
    for _ in 0..3 {
        maintenance(&root).prune(&what(false)).unwrap();
    }
    assert_eq!((left(), left()[0].metadata().unwrap().len()), (names, size), "nothing is added");
    first.close().unwrap();
    for verdict in verify(&root.path, &Known::default(), &mut |_, _| {}).unwrap() {
        assert!(verdict.is_good(), "{verdict}");
    }
}

#[test]
fn an_order_that_was_carried_out_is_not_carried_out_again() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..3);
    let order = root.path.join("00/order");
    let caught = std::thread::scope(|threads| {
        let catching = threads.spawn(|| {
            loop {
                if let Ok(text) = fs::read_to_string(&order) {
                    return text;
                }
            }
        });
        assert_eq!(redact(&root, &["user-1"]).records, 1);
        catching.join().unwrap()
    });
    let size = whole(&root, &[]).size;
    fs::write(&order, caught).unwrap();
    until(|| !order.exists());
    trail.checkpoint();
    assert_eq!(whole(&root, &[]).size, size);
    trail.close().unwrap();
}

#[test]
fn forwarders_and_open_requests_hold_back_a_prune() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
    (0..30).for_each(|n| write(&mut trail, n..n + 1));
    trail.close().unwrap();
    let cursors = root.path.join("00/cursors");
    fs::create_dir(&cursors).unwrap();
    fs::write(cursors.join("kafka"), format!("{:020}\n", 9)).unwrap();
    let done = prune(&root, &[], true).unwrap();
    assert!(done.to <= 9 && done.kept.unwrap().contains("kafka"));
    fs::write(cursors.join("kafka"), "nine").unwrap();
    assert!(prune(&root, &[], true).unwrap_err().to_string().contains("kafka"));
    fs::write(cursors.join("kafka"), format!("{:020}\n", 1_000)).unwrap();
    assert!(prune(&root, &[], true).unwrap().segments > 3);
    whole(&root, &[]);
}

#[test]
fn what_was_moved_away_is_redacted_too() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..5);
    trail.close().unwrap();
    // Records of somebody, moved away with what was torn.
    let text = fs::read_to_string(&root.segments()[0]).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("user-")).collect();
    let torn = format!("{}\n{}\n\u{0}\u{1}{}", lines[2], lines[3], &lines[4][..40]);
    fs::write(root.path.join("00/x.jsonl.7.bad"), &torn).unwrap();
    let done = redact(&root, &["user-2"]);
    assert_eq!(done.moved_away, [("x.jsonl.7.bad".to_owned(), 1)]);
    assert_eq!(with_text(&root, "\"user-2\""), [""; 0]);
    let now = fs::read(root.path.join("00/x.jsonl.7.bad")).unwrap();
    assert!(now.ends_with(torn.split_once('\n').unwrap().1.as_bytes()), "the rest is as it was");
    whole(&root, &[]);
}

#[test]
fn another_key_and_a_changed_trail_are_refused() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
    (0..30).for_each(|n| write(&mut trail, n..n + 1));
    trail.close().unwrap();
    let other = root.path.with_file_name("other.key");
    crate::SigningKey::generate("audit").unwrap().save(&other).unwrap();
    let with_other = Maintenance::open(&root.path, Some(&other)).unwrap();
    let done = with_other.redact(&Redact::default(), &mut of(&["user-3"])).unwrap().remove(0);
    assert!(matches!(done, Err(MaintainError::OtherKey { .. })), "{done:?}");
    assert!(matches!(Maintenance::open(&root.path, None), Err(MaintainError::Busy { .. })));
    drop(with_other);
    fs::remove_file(root.path.with_file_name("audit.key")).unwrap();
    let error = Maintenance::open(&root.path, None).unwrap_err().to_string();
    assert!(error.contains("audit.key") && error.contains("AUDIT_SIGNING_KEY"), "{error}");
    assert!(!root.path.with_file_name("audit.key").exists(), "none is made");
}

#[test]
fn evidence_is_not_pruned() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
    (0..30).for_each(|n| write(&mut trail, n..n + 1));
    trail.close().unwrap();
    let first = &root.segments()[0];
    let text = fs::read_to_string(first).unwrap().replace("user-0", "user-x");
    fs::write(first, text).unwrap();
    let before = root.segments();
    let error = prune(&root, &[], true).unwrap_err().to_string();
    assert!(error.contains("does not verify"), "{error}");
    assert_eq!(root.segments(), before);
}

#[test]
fn an_order_that_is_none_is_refused_once_and_removed() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..3);
    let order = root.path.join("00/order");
    fs::write(&order, "audit-trail-1 order\nforged\n").unwrap();
    until(|| !order.exists());
    // A folder in its place stops nothing.
    fs::create_dir(&order).unwrap();
    assert_eq!(redact(&root, &["user-1"]).records, 1);
    write(&mut trail, 3..6);
    trail.close().unwrap();
    assert_eq!(root.records(), numbers(0..6));
    whole(&root, &[]);
}

/// A disk that dies at its call `at`: nothing is done any more.
fn dies(at: usize, called: std::sync::Arc<std::sync::atomic::AtomicUsize>) -> Faulty {
    use std::sync::atomic::Ordering;
    Faulty::new(move |call| {
        let n = called.fetch_add(1, Ordering::Relaxed);
        match call {
            _ if n >= at => Fate::Fails(rustix::io::Errno::IO),
            Call::Sync | Call::SyncData => Fate::Skipped,
            _ => Fate::Done,
        }
    })
}

#[test]
fn stopped_at_any_call_of_the_disk_and_run_again() {
    let made = || {
        let root = Root::new();
        let mut trail = root.builder().segment_bytes(1_000).disk(Faulty::fast()).open().unwrap();
        (0..12).for_each(|n| write(&mut trail, n..n + 1));
        trail.close().unwrap();
        root
    };
    let (mut at, mut stopped) = (0, true);
    while stopped {
        let root = made();
        let before = root.segments().len();
        let disk = || dies(at, std::sync::Arc::default());
        let run = |disk: Faulty| -> Result<(), MaintainError> {
            let key = None;
            let disk: std::sync::Arc<dyn Disk> = std::sync::Arc::new(disk);
            let one = Maintenance::with_disk(&root.path, key, &disk)?;
            let users = ["user-1", "user-11"];
            one.redact(&Redact::default(), &mut of(&users))?.remove(0)?;
            let before = Some(Timestamp::now());
            one.prune(&Prune { before, force: true, ..Prune::default() })?.remove(0)?;
            Ok(())
        };
        stopped = run(disk()).is_err();
        // As it was left, it verifies, or its writer was killed in the middle: then the next makes it so.
        if !verify(&root.path, &Known::default(), &mut |_, _| {}).unwrap()[0].broken.is_empty() {
            panic!(
                "stopped at {at}: {}",
                verify(&root.path, &Known::default(), &mut |_, _| {}).unwrap()[0]
            );
        }
        run(Faulty::fast()).unwrap();
        for user in ["user-1", "user-11", "user-0"] {
            assert_eq!(with_text(&root, &format!("\"{user}\"")), [""; 0], "stopped at {at}");
        }
        whole(&root, &[]);
        assert!(root.segments().len() < before);
        at += 1;
    }
    assert!(at > 40, "it ran through after {at} calls");
}

#[test]
fn whoever_verifies_meanwhile_is_not_alarmed() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(2_000).disk(Faulty::fast()).open().unwrap();
    write(&mut trail, 0..20);
    let done = std::sync::atomic::AtomicBool::new(false);
    let ended = || done.load(std::sync::atomic::Ordering::Relaxed);
    std::thread::scope(|threads| {
        let looking = threads.spawn(|| {
            let mut looks = 0;
            while !ended() {
                let verdict =
                    verify(&root.path, &Known::default(), &mut |_, _| {}).unwrap().remove(0);
                assert!(verdict.is_good(), "look {looks}: {verdict}");
                looks += 1;
            }
            looks
        });
        let reading = threads.spawn(|| {
            let mut reader = Reader::open(&root.path).unwrap();
            let mut seen = 0;
            while !ended() {
                for item in drain(&mut reader) {
                    match item {
                        Item::Line(_) => seen += 1,
                        Item::Damaged(damage) => panic!("{damage}"),
                    }
                }
            }
            seen
        });
        for n in (20..110).step_by(6) {
            write(&mut trail, n..n + 6);
            if n % 4 == 0 {
                let users = [format!("user-{n}"), format!("user-{}", n - 10)];
                redact(&root, &users.each_ref().map(|user| &**user));
            } else {
                prune(&root, &[], true).unwrap();
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(looking.join().unwrap() > 20);
        assert!(reading.join().unwrap() >= 90);
    });
    trail.close().unwrap();
    whole(&root, &[]);
}
