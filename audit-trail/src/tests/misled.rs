//! Maintenance that somebody with the files, and without the key, tries to mislead.

use std::io::Write as _;

use super::{
    maintaining::{maintenance, of, prune, redact, whole, with_text, write},
    *,
};
use crate::{
    Hold, Redact,
    disk::faulty::{Call, Fate, Faulty},
};

/// A closed trail of several segments.
fn closed() -> Root {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
    (0..20).for_each(|n| write(&mut trail, n..n + 1));
    trail.close().unwrap();
    root
}

fn append(root: &Root, line: &str) {
    let last = root.segments().pop().unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(last).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

fn hold(root: &Root, name: &str) {
    maintenance(root).hold(&Hold { name: name.into(), ..Hold::default() }).unwrap();
}

#[test]
fn no_line_in_the_tail_releases_a_hold() {
    let root = closed();
    hold(&root, "case-7");
    // It says that it stands where all is signed.
    append(
        &root,
        "{\"seq\":3,\"kind\":\"control\",\"control\":{\"op\":\"release\",\"name\":\"case-7\"}}\n",
    );
    assert_eq!(maintenance(&root).holds().unwrap().len(), 1);
    assert_eq!(redact(&root, &["user-3"]).held.len(), 1);
    assert_eq!(with_text(&root, "\"user-3\"").len(), 1);
    assert_eq!(prune(&root, &[], true).unwrap().segments, 0);
}

#[test]
fn a_hold_that_was_changed_is_evidence() {
    let root = closed();
    hold(&root, "case-7");
    let files = root.segments();
    let file = files.iter().find(|file| fs::read_to_string(file).unwrap().contains("case-7"));
    let file = file.unwrap();
    let text = fs::read_to_string(file).unwrap();
    fs::write(file, text.replace("\"op\":\"hold\"", "\"op\":\"hole\"")).unwrap();
    let how = Redact::default();
    let error = maintenance(&root).redact(&how, &mut of(&["user-3"])).unwrap_err().to_string();
    assert!(error.contains("does not verify"), "{error}");
    assert_eq!(with_text(&root, "\"user-3\"").len(), 1);
    // Put back, it holds.
    fs::write(file, text).unwrap();
    assert_eq!(redact(&root, &["user-3"]).held.len(), 1);
}

#[test]
fn no_line_in_the_tail_grants_anything() {
    let root = closed();
    append(
        &root,
        "{\"seq\":19,\"kind\":\"control\",\"control\":{\"op\":\"redact\",\"seq\":4,\"groups\":[\"actor\"]}}\n\
         {\"seq\":19,\"kind\":\"control\",\"control\":{\"op\":\"prune\",\"to\":19}}\n",
    );
    assert_eq!(redact(&root, &["user-3"]).records, 1);
    assert_eq!(with_text(&root, "\"user-3\""), [""; 0]);
    whole(&root, &[]);
    append(&root, "{\"seq\":19,\"kind\":\"control\",\"control\":{\"op\":\"prune\",\"to\":19}}\n");
    assert!(prune(&root, &[], true).unwrap().segments > 1);
    whole(&root, &[]);
}

#[test]
fn a_line_of_the_same_number_hides_no_record() {
    let root = closed();
    let segments = root.segments();
    let text = segments.iter().map(|file| fs::read_to_string(file).unwrap()).collect::<String>();
    let line = text.lines().find(|line| line.contains("\"user-3\"")).unwrap();
    append(&root, &format!("{}\n", line.replace("\"n\":3", "\"n\":333")));
    assert_eq!(redact(&root, &["user-3"]).records, 1);
    assert_eq!(with_text(&root, "\"user-3\""), [""; 0]);
    whole(&root, &[]);
}

#[test]
fn a_torn_tail_that_is_moved_away_meanwhile_is_redacted_too() {
    for seq in [3, 1_000_000] {
        let root = closed();
        let salt = "0".repeat(32);
        append(
            &root,
            &format!(
                "rubbish\n{{\"seq\":{seq},\"kind\":\"event\",\t\"actor\":{{\"user\":\"user-3\"}},\t\"salt\":\"{salt}\"}}\n"
            ),
        );
        redact(&root, &["user-3"]);
        assert_eq!(root.files(".bad").len(), 1);
        assert_eq!(with_text(&root, "\"user-3\""), [""; 0], "seq {seq}");
        whole(&root, &[]);
    }
}

#[test]
fn what_was_granted_before_is_not_taken_from_the_segment_that_is_written() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..5);
    // As if the writer before had been killed between the grant and a new segment.
    let records: Vec<_> = drain(&mut Reader::open(&root.path).unwrap());
    let seq = records.iter().find_map(|item| match item {
        Item::Line(line) if line.text().contains("user-3") => Some(line.seq()),
        _ => None,
    });
    let groups = 1;
    trail.push_event(&crate::line::Event::Redact { seq: seq.unwrap(), groups, reason: None });
    trail.commit().unwrap();
    trail.checkpoint();
    assert_eq!(root.segments().len(), 1);
    assert_eq!(redact(&root, &["user-3"]).records, 1);
    assert_eq!(root.segments().len(), 2, "the other is not written any more");
    write(&mut trail, 5..10);
    trail.close().unwrap();
    assert_eq!(with_text(&root, "\"user-3\""), [""; 0]);
    assert!(!root.items().contains(&"repair".to_owned()), "{:?}", root.items());
    whole(&root, &[]);
}

#[test]
fn an_order_that_somebody_removes_is_not_taken_for_one_that_was_carried_out() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..3);
    let order = root.path.join("00/order");
    let done = std::sync::atomic::AtomicBool::new(false);
    let error = std::thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = fs::remove_file(&order);
            }
        });
        let hold = Hold { name: "case-7".into(), ..Hold::default() };
        let said = maintenance(&root).hold(&hold);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        said.unwrap_err().to_string()
    });
    assert!(error.contains("did not carry out"), "{error}");
    trail.close().unwrap();
}

#[test]
fn what_stands_under_the_name_of_a_file_that_was_left_stops_nothing() {
    let root = closed();
    let outside = root.path.with_file_name("outside");
    fs::write(&outside, "mine").unwrap();
    let name = |n: u32| root.path.join(format!("00/.rewritten.{n}.new"));
    fs::create_dir(name(0)).unwrap();
    fs::write(name(0).join("x"), "").unwrap();
    std::os::unix::fs::symlink(&outside, name(1)).unwrap();
    fs::hard_link(&outside, name(2)).unwrap();
    assert_eq!(redact(&root, &["user-3"]).records, 1);
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
    assert!(prune(&root, &[], true).unwrap().segments > 1);
    whole(&root, &[]);
}

#[test]
fn a_start_does_not_take_away_what_is_being_written_anew() {
    let root = closed();
    let id = uuid::Uuid::now_v7();
    let name = format!("00/.rewritten.00000000000000000000.jsonl.{id}.new");
    let file = root.path.join(name);
    fs::write(&file, "").unwrap();
    root.trail().close().unwrap();
    assert!(file.exists());
    redact(&root, &["user-3"]);
    assert!(!file.exists());
}

/// The seq that comes next.
fn next_seq(root: &Root) -> u64 {
    let text = fs::read_to_string(root.segments().pop().unwrap()).unwrap();
    let seq = |line: &str| line.strip_prefix("{\"seq\":")?.split(',').next()?.parse::<u64>().ok();
    text.lines().filter_map(seq).next_back().unwrap() + 1
}

fn append_control(root: &Root, control: &str) {
    let seq = next_seq(root);
    append(root, &format!("{{\"seq\":{seq},\"kind\":\"control\",\"control\":{{{control}}}}}\n"));
}

#[test]
fn what_a_start_has_taken_over_allows_nothing() {
    let root = closed();
    hold(&root, "case-7");
    append_control(&root, "\"op\":\"release\",\"name\":\"case-7\"");
    // It is signed from now on, as something that nobody vouches for.
    root.trail().close().unwrap();
    assert_eq!(maintenance(&root).holds().unwrap().len(), 1);
    assert_eq!(redact(&root, &["user-3"]).held.len(), 1);
    maintenance(&root).release("case-7", None).unwrap();
    append_control(&root, "\"op\":\"redact\",\"seq\":4,\"groups\":[\"actor\"]");
    append_control(&root, "\"op\":\"prune\",\"to\":19");
    root.trail().close().unwrap();
    // It is put on record by somebody who has the key, and then it is taken out.
    assert_eq!(redact(&root, &["user-3"]).records, 1);
    whole(&root, &[]);
    assert!(prune(&root, &[], true).unwrap().segments > 1);
    whole(&root, &[]);
}

#[test]
fn another_hold_of_a_name_does_not_make_it_narrower() {
    let root = closed();
    hold(&root, "case-7");
    append_control(
        &root,
        "\"op\":\"hold\",\"name\":\"case-7\",\"until\":\"1971-01-01T00:00:00.000000Z\"",
    );
    assert_eq!(redact(&root, &["user-3"]).held.len(), 1);
    maintenance(&root).release("case-7", None).unwrap();
    assert_eq!(maintenance(&root).holds().unwrap(), []);
}

#[test]
fn another_file_with_a_key_does_not_make_a_directory_somebody_elses() {
    let root = closed();
    hold(&root, "case-7");
    let (key, published) = (root.path.join("00/verifier.key"), root.checkpoint());
    let other = crate::SigningKey::generate("audit").unwrap().verifying_key();
    fs::write(&key, format!("{other}\n")).unwrap();
    fs::remove_file(published).unwrap();
    // The second writer's records are held, too.
    let mut trail = root.trail();
    assert!(trail.directory().ends_with("01"));
    write(&mut trail, 50..51);
    trail.close().unwrap();
    let how = Redact::default();
    let done = maintenance(&root).redact(&how, &mut of(&["user-50"])).unwrap();
    let held: Vec<usize> = done.iter().map(|one| one.as_ref().unwrap().held.len()).collect();
    assert_eq!(held, [0, 1]);
    let text = fs::read_to_string(files(&root.path.join("01"), ".jsonl").remove(0)).unwrap();
    assert!(text.contains("user-50"));
}

#[test]
fn what_was_moved_away_goes_with_the_segment_that_it_was_in() {
    let root = closed();
    let (first, last) = (root.segments().remove(0), root.segments().pop().unwrap());
    for segment in [&first, &last] {
        fs::write(format!("{}.99.bad", segment.display()), "\"user-old\"").unwrap();
    }
    let mut trail = root.trail();
    assert!(prune(&root, &[], true).unwrap().segments > 1);
    let left = root.files(".bad");
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].to_str().unwrap().starts_with(last.to_str().unwrap()));
    trail.close().unwrap();
}

#[test]
fn what_looks_older_for_a_moment_is_not_pruned() {
    let root = closed();
    let segments = root.segments();
    let read = |path: &PathBuf| (path.clone(), fs::read_to_string(path).unwrap());
    let honest: Vec<_> = segments.iter().map(read).collect();
    // Whenever a segment is opened through its folder it says that all was long ago, until something else is.
    let disk = Faulty::new(move |call| {
        let segment = matches!(call, Call::Open(name) if name.ends_with(".jsonl"));
        for (path, text) in honest.iter().filter(|(path, _)| path.exists()) {
            let old = text.replace("\"time\":\"20", "\"time\":\"19");
            fs::write(path, if segment { &old } else { text }).unwrap();
        }
        Fate::Done
    });
    let disk: std::sync::Arc<dyn crate::disk::Disk> = std::sync::Arc::new(disk);
    let one = crate::Maintenance::with_disk(&root.path, None, &disk).unwrap();
    let before = Some("2000-01-01T00:00:00.000000Z".parse().unwrap());
    let what = crate::Prune { before, force: true, ..crate::Prune::default() };
    assert_eq!(one.prune(&what).unwrap().remove(0).unwrap().segments, 0);
    assert_eq!(root.segments(), segments);
    whole(&root, &[]);
}

#[test]
fn only_what_is_signed_is_found_and_what_a_start_has_taken_over_is_told() {
    let root = closed();
    let found = |dry_run| {
        let mut pick = |line: &Line| line.text().contains("\"user-3\"").then(|| line.seq());
        let found = maintenance(&root).find(dry_run, &mut pick).unwrap();
        found.into_iter().map(|one| (one.what, one.adopted)).collect::<Vec<_>>()
    };
    assert_eq!(found(false), [(4, false)]);
    let (seq, salt) = (next_seq(&root), "0".repeat(32));
    append(
        &root,
        &format!(
            "{{\"seq\":{seq},\"kind\":\"event\",\t\"actor\":{{\"user\":\"user-3\"}},\t\"salt\":\"{salt}\"}}\n"
        ),
    );
    assert_eq!(found(true), [(4, false), (seq, false)]);
    assert_eq!(found(false), [(4, false), (seq, true)]);
    let other = root.path.with_file_name("other.key");
    crate::SigningKey::generate("audit").unwrap().save(&other).unwrap();
    let one = crate::Maintenance::open(&root.path, Some(&other)).unwrap();
    let error = one.find(true, &mut |_| Some(())).unwrap_err();
    assert!(matches!(error, crate::MaintainError::OtherKey { .. }), "{error}");
}
