use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use rustix::io::Errno;

use super::*;
use crate::disk::faulty::{Call, Fate, Faulty};

fn commit(trail: &mut Trail, numbers: std::ops::Range<usize>) -> bool {
    numbers.for_each(|n| push(trail, n));
    trail.commit().is_ok()
}

/// Every line is whole, and `seq` has no hole.
fn assert_whole(root: &Root) {
    let items = root.items();
    assert!(!items.iter().any(|item| item.starts_with('!')), "{items:?}");
    for path in root.segments() {
        assert!(fs::read(path).unwrap().ends_with(b"\n"));
    }
}

#[test]
fn a_full_disk_keeps_every_record_and_the_file_whole() {
    for error in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG, Errno::ROFS] {
        for part in [0, 1, 100, 250] {
            let root = Root::new();
            let disk = Faulty::healthy();
            let mut trail = root.builder().disk(disk.clone()).open().unwrap();
            assert!(commit(&mut trail, 0..2));
            let mut calls = 0;
            disk.plan(move |call| {
                calls += usize::from(matches!(call, Call::Write(_)));
                match call {
                    Call::Write(_) if calls == 1 => Fate::Short(part.max(1)),
                    Call::Write(_) => Fate::Fails(error),
                    _ => Fate::Done,
                }
            });
            assert!(!commit(&mut trail, 2..5), "{error} {part}");
            assert!(trail.commit().is_err());
            assert!(trail.sync().is_err());
            assert_whole(&root);
            disk.plan(|_| Fate::Done);
            trail.commit().unwrap();
            assert!(commit(&mut trail, 5..6));
            trail.close().unwrap();
            assert_eq!(root.records(), numbers(0..6), "{error} {part}");
            assert_whole(&root);
        }
    }
}

#[test]
fn a_torn_line_that_cannot_be_cut_is_cut_later() {
    let root = Root::new();
    let disk = Faulty::healthy();
    let mut trail = root.builder().disk(disk.clone()).open().unwrap();
    let mut calls = 0;
    disk.plan(move |call| {
        calls += usize::from(matches!(call, Call::Write(_)));
        match call {
            Call::Write(_) if calls == 1 => Fate::Short(10),
            Call::Write(_) | Call::Truncate => Fate::Fails(Errno::NOSPC),
            _ => Fate::Done,
        }
    });
    assert!(!commit(&mut trail, 0..2));
    assert!(!fs::read(&root.segments()[0]).unwrap().ends_with(b"\n"));
    // A reader takes it for a line that is being written.
    assert_eq!(root.items(), ["open"]);
    disk.plan(|_| Fate::Done);
    trail.close().unwrap();
    assert_eq!(root.items().join(" "), "open #0 #1 close");
    assert!(root.files(".bad").is_empty());
}

#[test]
fn interrupted_and_short_writes_are_finished() {
    let root = Root::new();
    let disk = Faulty::healthy();
    let mut trail = root.builder().disk(disk.clone()).open().unwrap();
    let mut calls = 0;
    disk.plan(move |call| {
        calls += 1;
        match call {
            Call::Write(_) if calls % 3 == 0 => Fate::Fails(Errno::INTR),
            Call::Write(_) => Fate::Short(7),
            _ => Fate::Done,
        }
    });
    write(&mut trail, 0..10);
    trail.close().unwrap();
    assert_eq!(root.records(), numbers(0..10));
}

#[test]
fn a_batch_is_one_write() {
    let root = Root::new();
    let disk = Faulty::healthy();
    let mut trail = root.builder().disk(disk.clone()).open().unwrap();
    let writes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&writes);
    disk.plan(move |call| {
        count.fetch_add(usize::from(matches!(call, Call::Write(_))), Relaxed);
        Fate::Done
    });
    write(&mut trail, 0..1_000);
    assert_eq!(writes.load(Relaxed), 1);
}

#[test]
fn a_failed_sync_is_not_tried_again_on_the_file() {
    let root = Root::new();
    let disk = Faulty::healthy();
    let mut trail = root.builder().disk(disk.clone()).open().unwrap();
    assert!(commit(&mut trail, 0..3));
    trail.sync().unwrap();
    let first = root.segments().remove(0);
    let durable = fs::read(&first).unwrap();
    let failures = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&failures);
    disk.plan(move |call| match call {
        Call::SyncData if count.fetch_add(1, Relaxed) == 0 => Fate::Fails(Errno::IO),
        _ => Fate::Done,
    });
    assert!(commit(&mut trail, 3..6));
    trail.sync().unwrap();
    assert_eq!(root.segments().len(), 2);
    // What was not durable is in the new segment, and only there.
    assert_eq!(fs::read(&first).unwrap(), durable);
    assert!(commit(&mut trail, 6..7));
    trail.close().unwrap();
    assert_eq!(root.records(), numbers(0..7));
    assert_whole(&root);
    let all = fs::read_to_string(&root.segments()[1]).unwrap();
    assert!(all.contains("\"op\":\"repair\"") && all.contains("syncing failed"), "{all}");
}

#[test]
fn a_segment_without_durable_records_is_set_aside_when_its_sync_fails() {
    let root = Root::new();
    let disk = Faulty::healthy();
    let builder = root.builder().segment_bytes(600).disk(disk.clone());
    let mut trail = builder.open().unwrap();
    // Each segment holds at most two records; fail the first sync after a roll.
    assert!(commit(&mut trail, 0..1));
    trail.sync().unwrap();
    let failed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&failed);
    let mut rolled = false;
    disk.plan(move |call| match call {
        Call::Open(_) => {
            rolled = true;
            Fate::Done
        }
        Call::SyncData if rolled && count.fetch_add(1, Relaxed) == 0 => Fate::Fails(Errno::IO),
        _ => Fate::Done,
    });
    for n in 1..8 {
        let _ = commit(&mut trail, n..n + 1);
        while trail.sync().is_err() {}
    }
    assert!(failed.load(Relaxed) > 0);
    trail.close().unwrap();
    assert_eq!(root.records(), numbers(0..8));
    assert_whole(&root);
}

#[test]
fn a_failed_write_goes_on_in_a_new_segment() {
    let root = Root::new();
    let disk = Faulty::healthy();
    let mut trail = root.builder().disk(disk.clone()).open().unwrap();
    let mut calls = 0;
    disk.plan(move |call| {
        calls += usize::from(matches!(call, Call::Write(_)));
        match call {
            Call::Write(_) if calls == 1 => Fate::Short(300),
            Call::Write(_) if calls == 2 => Fate::Fails(Errno::IO),
            _ => Fate::Done,
        }
    });
    assert!(!commit(&mut trail, 0..5));
    trail.commit().unwrap();
    trail.close().unwrap();
    assert_eq!(root.segments().len(), 2);
    assert_eq!(root.records(), numbers(0..5));
    assert_whole(&root);
}

#[test]
fn a_roll_that_fails_leaves_nothing_half_made_and_is_tried_again() {
    for failing in [Call::Open("x".into()), Call::Sync, Call::SyncData, Call::Write(0)] {
        for error in [Errno::NOSPC, Errno::IO, Errno::MFILE] {
            let root = Root::new();
            let disk = Faulty::healthy();
            let mut trail = root.builder().segment_bytes(700).disk(disk.clone()).open().unwrap();
            let which = std::mem::discriminant(&failing);
            disk.plan(move |call| {
                if std::mem::discriminant(call) == which { Fate::Fails(error) } else { Fate::Done }
            });
            assert!(!commit(&mut trail, 0..10), "{failing:?} {error}");
            assert!(trail.commit().is_err());
            let made = root.segments();
            for path in &made {
                assert!(path.metadata().unwrap().len() > 0, "{failing:?} {error}");
            }
            disk.plan(|_| Fate::Done);
            while trail.commit().is_err() {}
            trail.close().unwrap();
            assert_eq!(root.records(), numbers(0..10), "{failing:?} {error}");
            assert_whole(&root);
        }
    }
}

#[test]
fn every_call_fails_once() {
    for error in [Errno::IO, Errno::NOSPC, Errno::INTR] {
        for nth in 0.. {
            let root = Root::new();
            let disk = Faulty::healthy();
            let builder = root.builder().segment_bytes(900).disk(disk.clone());
            let counter = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&counter);
            let mut trail = builder.open().unwrap();
            disk.plan(move |call| match call {
                // Only a write is interrupted half-way by a signal.
                Call::Write(_) if error == Errno::INTR => fate(&count, nth, error),
                _ if error == Errno::INTR => Fate::Done,
                _ => fate(&count, nth, error),
            });
            for n in 0..12 {
                push(&trail, n);
                while trail.commit().is_err() {}
            }
            while trail.sync().is_err() {}
            while trail.close().is_err() {}
            assert_eq!(root.records(), numbers(0..12), "{error} at call {nth}");
            assert_whole(&root);
            if counter.load(Relaxed) <= nth {
                break;
            }
        }
    }
}

fn fate(count: &AtomicUsize, nth: usize, error: Errno) -> Fate {
    if count.fetch_add(1, Relaxed) == nth { Fate::Fails(error) } else { Fate::Done }
}

#[test]
fn a_disk_that_is_gone_neither_hangs_nor_panics() {
    let root = Root::new();
    let disk = Faulty::healthy();
    let mut trail = root.builder().disk(disk.clone()).open().unwrap();
    assert!(commit(&mut trail, 0..1));
    disk.plan(|_| Fate::Fails(Errno::IO));
    for n in 1..50 {
        push(&trail, n);
        let _ = trail.commit();
        let _ = trail.sync();
    }
    assert!(trail.close().is_err());
    disk.plan(|_| Fate::Done);
    trail.close().unwrap();
    assert_eq!(root.records(), numbers(0..50));
}

#[test]
fn opening_says_what_is_wrong() {
    let root = Root::new();
    let disk = Faulty::new(|call| match call {
        Call::Write(_) => Fate::Fails(Errno::NOSPC),
        _ => Fate::Done,
    });
    let error = root.builder().disk(disk).open().unwrap_err().to_string();
    assert!(error.contains("free some space"), "{error}");
    drop(root.trail());
    let disk = Faulty::new(|call| match call {
        Call::Open(name) if name.ends_with("jsonl") => Fate::Fails(Errno::ACCESS),
        _ => Fate::Done,
    });
    let error = root.builder().disk(disk).open().unwrap_err().to_string();
    assert!(error.contains("the right to read, write") && error.contains("/01"), "{error}");
    // The directories are free again.
    assert_eq!(root.trail().directory(), root.path.join("00"));
}
