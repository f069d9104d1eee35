//! Maintenance on disks that fail, and beside others.

use audit_core::Timestamp;
use rustix::io::Errno;

use super::{
    maintaining::{of, prune, redact, whole, with_text, write},
    *,
};
use crate::{
    Known, MaintainError, Maintenance, Prune, Redact,
    disk::{
        Disk,
        faulty::{Call, Fate, Faulty},
    },
    verify,
};

/// A disk that does not do it any more from its call `at` on.
fn fails(how: How, at: usize) -> Faulty {
    let mut called = 0;
    Faulty::new(move |call| {
        called += 1;
        match (how, call) {
            (How::Dies, _) if called > at => Fate::Fails(Errno::IO),
            // What is there can be read, renamed and removed.
            (How::IsFull, Call::Write(len)) if called > at && *len > 7 => Fate::Short(7),
            (How::IsFull, Call::Write(_)) if called > at => Fate::Fails(Errno::NOSPC),
            (_, Call::Sync | Call::SyncData) => Fate::Skipped,
            _ => Fate::Done,
        }
    })
}

#[derive(Clone, Copy, Debug)]
enum How {
    /// Nothing is done any more.
    Dies,
    /// Nothing more fits.
    IsFull,
}

/// A closed trail of several segments.
fn closed() -> Root {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).disk(Faulty::fast()).open().unwrap();
    (0..12).for_each(|n| write(&mut trail, n..n + 1));
    trail.close().unwrap();
    root
}

const USERS: [&str; 2] = ["user-1", "user-11"];

/// Redacts some, and removes all but those in the last segment.
fn run(root: &Root, disk: Faulty) -> Result<(), MaintainError> {
    let disk: std::sync::Arc<dyn Disk> = std::sync::Arc::new(disk);
    let one = Maintenance::with_disk(&root.path, None, &disk)?;
    one.redact(&Redact::default(), &mut of(&USERS))?.remove(0)?;
    let before = Some(Timestamp::now());
    one.prune(&Prune { before, force: true, ..Prune::default() })?.remove(0)?;
    Ok(())
}

fn left_behind(root: &Root) -> Vec<PathBuf> {
    let mut left = root.files(".new");
    left.extend(root.files("order"));
    left
}

#[test]
fn stopped_at_any_call_of_the_disk_and_run_again() {
    for how in [How::Dies, How::IsFull] {
        let (mut at, mut stopped) = (0, 0);
        while let Err(error) = stopped_at(how, at) {
            if matches!(how, How::IsFull) {
                assert!(error.contains("o space left"), "at {at}: {error}");
            }
            stopped += 1;
            at += 1;
        }
        assert!(stopped > 40, "{how:?}: it ran through after {stopped} calls");
    }
}

/// What a run on such a disk said; what it left verifies, nothing is lost, and another run does the rest.
fn stopped_at(how: How, at: usize) -> Result<(), String> {
    let root = closed();
    let before = root.segments().len();
    let said = run(&root, fails(how, at)).map_err(|error| error.to_string());
    let what = format!("{how:?}, stopped at {at}: {said:?}");
    let verdict = verify(&root.path, &Known::default(), &mut |_, _| {}).unwrap().remove(0);
    assert!(verdict.broken.is_empty(), "{what}: {verdict}");
    let left = root.records();
    assert_eq!(left, numbers(12 - left.len()..12), "{what}");
    assert!(left.len() == 12 || verdict.pruned > 0, "{what}");
    if matches!(how, How::IsFull) {
        assert!(left_behind(&root).is_empty(), "{what}");
    }
    run(&root, Faulty::fast()).unwrap();
    for user in ["user-1", "user-11", "user-0"] {
        assert_eq!(with_text(&root, &format!("\"{user}\"")), [""; 0], "{what}");
    }
    whole(&root, &[]);
    assert!(root.segments().len() < before && left_behind(&root).is_empty(), "{what}");
    said
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
