//! Requests that were announced, and whose process died before they had a record.

use audit_core::{Kind, Outcome};

use super::*;
use crate::disk::faulty::{Call, Fate, Faulty};

/// The id of request `n`.
fn id(n: usize) -> String {
    format!("0193a1b2-c3d4-7e5f-8a9b-{n:012}")
}

fn intent(trail: &Trail, n: usize) {
    let core = format!(
        "\"kind\":\"control\",\"control\":{{\"op\":\"intent\",\"record\":\"{}\"}},\"id\":\"x\",\
         \"time\":\"2026-11-21T20:31:00.{n:06}Z\",\"level\":\"info\",\"service\":{{\"name\":\"shop\"}}",
        id(n)
    );
    let (actor, request) = (format!("{{\"user\":\"user-{n}\"}}"), format!("{{\"path\":\"/{n}\"}}"));
    let groups = [("actor", actor.as_bytes()), ("request", request.as_bytes())];
    trail.push(core.as_bytes(), groups.into_iter()).unwrap();
}

fn head(trail: &Trail, n: usize) {
    let core = format!(
        "\"kind\":\"control\",\"control\":{{\"op\":\"head\",\"record\":\"{}\",\"status\":201}},\"id\":\"x\"",
        id(n)
    );
    trail.push(core.as_bytes(), [].into_iter()).unwrap();
}

fn end(trail: &Trail, n: usize) {
    let core = format!("\"kind\":\"request\",\"id\":\"{}\",\"outcome\":\"completed\"", id(n));
    trail.push(core.as_bytes(), [].into_iter()).unwrap();
}

/// What each request ended with, by its id.
fn ended(root: &Root) -> Vec<(String, Outcome)> {
    let items = drain(&mut Reader::open(&root.path).unwrap());
    let mut ended: Vec<_> = items
        .iter()
        .map(|item| match item {
            Item::Line(line) => line.entry().unwrap(),
            Item::Damaged(damage) => panic!("{damage:?}"),
        })
        .filter(|entry| entry.kind == Kind::Request)
        .map(|entry| (entry.id.unwrap(), entry.outcome.unwrap()))
        .collect();
    ended.sort();
    ended
}

fn noted(root: &Root) -> Option<String> {
    assert!(root.files(".new").is_empty());
    fs::read_to_string(root.path.join("00/announced")).ok()
}

#[test]
fn each_has_one_record_after_the_next_start() {
    let root = Root::new();
    let mut trail = root.trail();
    (0..4).for_each(|n| intent(&trail, n));
    head(&trail, 1);
    end(&trail, 2);
    trail.commit().unwrap();
    drop(trail);
    for _ in 0..2 {
        root.trail().close().unwrap();
        let interrupted = |n| (id(n), Outcome::Interrupted);
        let expected =
            [interrupted(0), interrupted(1), (id(2), Outcome::Completed), interrupted(3)];
        assert_eq!(ended(&root), expected);
    }
    let text = fs::read_to_string(&root.segments()[0]).unwrap();
    let line = text.lines().find(|line| line.contains("interrupted")).unwrap();
    assert!(line.contains("\"level\":\"error\",\"outcome\":\"interrupted\",\"success\":false"));
    assert!(line.contains("\"time\":\"2026-11-21T20:31:00.000000Z\""), "{line}");
    assert!(line.contains("\"service\":{\"name\":\"shop\"}"), "{line}");
    assert!(
        line.contains(
            "\t\"actor\":{\"user\":\"user-0\"},\t\"request\":{\"path\":\"/0\"},\t\"salt\""
        )
    );
    assert_eq!(text.matches("\t\"response\":{\"status\":201}").count(), 1);
}

#[test]
fn also_after_an_end_in_good_order() {
    let root = Root::new();
    let mut trail = root.trail();
    intent(&trail, 0);
    trail.close().unwrap();
    root.trail().close().unwrap();
    assert_eq!(ended(&root), [(id(0), Outcome::Interrupted)]);
}

#[test]
fn those_in_earlier_segments_are_found() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(2_000).open().unwrap();
    (0..4).for_each(|n| intent(&trail, n));
    for n in 0..60 {
        write(&mut trail, n..n + 1);
        if n == 30 {
            end(&trail, 0);
            end(&trail, 3);
        }
    }
    intent(&trail, 4);
    trail.commit().unwrap();
    assert!(root.segments().len() > 5);
    assert_eq!(noted(&root).unwrap().trim_end().parse(), Ok(2), "the second one's seq");
    drop(trail);
    // The segments of the interrupted records roll, too.
    root.builder().segment_bytes(500).open().unwrap().close().unwrap();
    let interrupted = |n| (id(n), Outcome::Interrupted);
    let completed = |n| (id(n), Outcome::Completed);
    let expected = [completed(0), interrupted(1), interrupted(2), completed(3), interrupted(4)];
    assert_eq!(ended(&root), expected);
    assert_eq!(noted(&root), None, "none is open now");
    root.trail().close().unwrap();
    assert_eq!(ended(&root), expected);
}

#[test]
fn a_note_goes_with_the_last_of_them() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
    (0..20).for_each(|n| write(&mut trail, n..n + 1));
    assert_eq!(noted(&root), None, "there never was one");
    intent(&trail, 0);
    (0..20).for_each(|n| write(&mut trail, n..n + 1));
    assert!(noted(&root).is_some());
    end(&trail, 0);
    (0..20).for_each(|n| write(&mut trail, n..n + 1));
    assert_eq!(noted(&root), None);
    trail.close().unwrap();
}

#[test]
fn killed_anywhere_each_still_has_one_record() {
    // A trail that rolls while requests are open, as a kill would leave it after each byte of the
    // batch that the next start writes.
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_500).open().unwrap();
    for n in 0..12 {
        intent(&trail, n);
        write(&mut trail, n..n + 1);
        if n % 3 == 0 {
            end(&trail, n);
        }
    }
    trail.commit().unwrap();
    drop(trail);
    let before: Vec<_> = files(&root.path.join("00"), "")
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    let expected: Vec<_> = (0..12)
        .map(|n| (id(n), if n % 3 == 0 { Outcome::Completed } else { Outcome::Interrupted }))
        .collect();
    let restore = || {
        fs::remove_dir_all(root.path.join("00")).unwrap();
        fs::create_dir(root.path.join("00")).unwrap();
        for (path, bytes) in &before {
            fs::write(path, bytes).unwrap();
        }
    };
    // One segment for all that the start writes: then what a kill leaves is a part of it.
    let start = || root.builder().disk(Faulty::fast()).open().unwrap();
    drop(start());
    let last = root.segments().pop().unwrap();
    let whole = fs::read(&last).unwrap();
    let kept = before.iter().find(|(path, _)| *path == last).map_or(0, |(_, bytes)| bytes.len());
    // What was published when that segment began.
    let begun = crate::files::parse_name(last.file_name().unwrap().to_str().unwrap()).unwrap();
    let all = before.iter().map(|(_, bytes)| bytes).chain([&whole]);
    let notes =
        all.flat_map(|bytes| bytes.split(|b| *b == b'\n')).filter_map(crate::note::from_line);
    let note = { notes }.find(|note| note.contains(&format!("\n{begun}\n")));
    for cut in (kept..whole.len()).step_by(97) {
        restore();
        if kept == 0 {
            fs::write(root.checkpoint(), note.as_ref().unwrap()).unwrap();
        }
        fs::write(&last, &whole[..cut]).unwrap();
        drop(start());
        assert_eq!(ended(&root), expected, "cut at {cut}");
    }
}

/// A disk that dies at its call `at`: nothing is done any more.
fn dies(at: usize) -> Faulty {
    let mut calls = 0;
    Faulty::new(move |call| {
        calls += 1;
        match call {
            _ if calls > at => Fate::Fails(rustix::io::Errno::NOSPC),
            Call::Sync | Call::SyncData => Fate::Skipped,
            _ => Fate::Done,
        }
    })
}

#[test]
fn wherever_a_process_ends_while_segments_roll_each_has_one_record() {
    let mut interrupted = 0;
    for at in 0..160 {
        let root = Root::new();
        // The first dies while it writes, the second while it starts, at all places of both.
        let disk = Faulty::fast();
        let mut trail = root.builder().segment_bytes(900).disk(disk.clone()).open().unwrap();
        let dying = dies(at);
        disk.plan(move |call| dying.fate(call));
        for n in 0..12 {
            intent(&trail, n);
            write_if_it_can(&mut trail, n);
            if n % 3 == 2 {
                end(&trail, n - 2);
            }
        }
        drop(trail);
        drop(root.builder().segment_bytes(900).disk(dies(160 - at)).open());
        root.builder().segment_bytes(900).disk(Faulty::fast()).open().unwrap().close().unwrap();
        let ended = ended(&root);
        let announced: std::collections::BTreeSet<_> = (0..12)
            .map(id)
            .filter(|id| {
                let intent = format!("\"op\":\"intent\",\"record\":\"{id}\"");
                root.segments()
                    .iter()
                    .any(|path| fs::read_to_string(path).unwrap().contains(&intent))
            })
            .collect();
        let ids: Vec<_> = ended.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(ids, announced.into_iter().collect::<Vec<_>>(), "died at {at}");
        interrupted += ended.iter().filter(|(_, how)| *how == Outcome::Interrupted).count();
    }
    assert!(interrupted > 500, "{interrupted}");
}

fn write_if_it_can(trail: &mut Trail, n: usize) {
    push(trail, n);
    let _ = trail.commit();
}

#[test]
fn a_damaged_note_is_told_and_none() {
    for note in [
        "",
        "x\n",
        "99999999999999999999\n",
        "18446744073709551615",
        "00000000000000000001",
        "1\n",
        "00000000000000000001\n\n",
        "00000000000000009999\n",
        "\u{fffd}\n",
    ] {
        let root = Root::new();
        let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
        intent(&trail, 0);
        intent(&trail, 1);
        (0..20).for_each(|n| write(&mut trail, n..n + 1));
        end(&trail, 0);
        (20..40).for_each(|n| write(&mut trail, n..n + 1));
        trail.commit().unwrap();
        drop(trail);
        assert!(noted(&root).is_some() && root.segments().len() > 5);
        fs::write(root.path.join("00/announced"), note).unwrap();
        root.trail().close().unwrap();
        let expected = [(id(0), Outcome::Completed), (id(1), Outcome::Interrupted)];
        assert_eq!(ended(&root), expected, "{note}");
        let last = fs::read_to_string(root.segments().pop().unwrap()).unwrap();
        assert!(
            last.contains("its file `announced` was none that a writer has left: all"),
            "{last}"
        );
        assert_eq!(noted(&root), None);
    }
}
