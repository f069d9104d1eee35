//! Pruning, and what keeps records.

use audit_core::Timestamp;

use super::{
    maintaining::{maintenance, prune, redact, whole, with_text, write},
    *,
};
use crate::{Hold, Known, Prune, verify};

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

/// Records of these ages, in seconds.
fn write_aged(trail: &mut Trail, ages: impl Iterator<Item = i64>) {
    for age in ages {
        let time = Timestamp::from_micros(Timestamp::now().as_micros() - age * 1_000_000);
        let core = format!("\"kind\":\"event\",\"n\":{age},\"time\":\"{time}\"");
        trail.push(core.as_bytes(), [("actor", &b"{}"[..])].into_iter()).unwrap();
        trail.commit().unwrap();
    }
}

#[test]
fn records_from_before_the_clock_was_set_back_keep_what_comes_after_them() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(600).open().unwrap();
    let hour = 3_600;
    write_aged(&mut trail, (100..120).rev());
    // The clock was an hour ahead, and was set back.
    write_aged(&mut trail, (100..120).rev().map(|age| age - hour));
    write_aged(&mut trail, (80..100).rev());
    let count = root.segments().len();
    let done = prune(&root, &[], true).unwrap();
    assert!(done.segments > 3 && done.segments < count as u64 / 2, "{done:?} of {count}");
    let kept = done.kept.clone().unwrap();
    assert!(kept.contains("clock"), "{kept}");
    assert!(done.to <= 21 && root.records().contains(&format!("#{}", 119 - hour)), "{done:?}");
    assert!(!root.records().contains(&"#119".to_owned()));
    // They go when their time has come.
    let later = Timestamp::from_micros(Timestamp::now().as_micros() + hour * 1_000_000);
    let what = Prune { before: Some(later), force: true, ..Prune::default() };
    let done = maintenance(&root).prune(&what).unwrap().remove(0).unwrap();
    assert!(done.segments > 6 && done.kept.is_none(), "{done:?}");
    trail.close().unwrap();
    whole(&root, &[]);
}
