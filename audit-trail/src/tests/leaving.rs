//! A writer whose directory another one takes.

use super::{verifying::quiet, *};
use crate::{Known, Verdict, verify};

/// All directories are what was signed, and the reader finds nothing wrong.
fn assert_good(root: &Root) {
    let found = verify(&root.path, &Known::default(), &mut |_, _| {}).unwrap();
    assert!(found.iter().all(Verdict::is_good), "{found:?}");
    let items = root.items();
    assert!(!items.iter().any(|item| item.starts_with('!')), "{items:?}");
}

fn lock(root: &Root) -> PathBuf {
    root.path.join("00/LOCK")
}

fn told(folder: &Path) -> String {
    files(folder, ".jsonl").iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn a_lock_that_is_removed_is_taken_again_within_a_second() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..3);
    trail.sync().unwrap();
    fs::remove_file(lock(&root)).unwrap();
    let begin = Instant::now();
    until(|| lock(&root).exists());
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert!(root.trail().directory().ends_with("01"), "it is held");
    write(&mut trail, 3..5);
    trail.close().unwrap();
    assert_eq!(root.records(), numbers(0..5));
    let text = told(&root.path.join("00"));
    assert!(text.contains("00 was given up: its file LOCK was removed"), "{text}");
    let found = verify(&root.path, &Known::default(), &mut |_, _| {}).unwrap();
    assert!(found[0].repairs > 0, "the verifier tells of it: {found:?}");
    assert_good(&root);
}

#[test]
fn another_writer_that_comes_in_has_the_directory_alone() {
    for idle in [true, false] {
        // Whether it finds out at its look or at its next record.
        let root = Root::new();
        let builder = || root.builder().checkpoint_interval(Duration::from_secs(60));
        let mut one = builder().open().unwrap();
        write(&mut one, 0..50);
        one.sync().unwrap();
        fs::remove_file(lock(&root)).unwrap();
        let mut two = builder().open().unwrap();
        assert!(two.directory().ends_with("00"));
        if idle {
            until(|| root.path.join("01").exists());
        }
        write(&mut one, 50..60);
        write(&mut two, 100..110);
        one.sync().unwrap();
        write(&mut one, 60..70);
        one.close().unwrap();
        two.close().unwrap();
        let mut records = root.records();
        records.sort_by_key(|record| record[1..].parse::<usize>().unwrap());
        assert_eq!(records, [numbers(0..70), numbers(100..110)].concat(), "{idle}");
        let (first, second) = (told(&root.path.join("00")), told(&root.path.join("01")));
        assert!(first.contains("\"n\":49") && first.contains("\"n\":109"), "{idle}");
        assert!(!first.contains("\"n\":50,"), "{idle}");
        assert!(second.contains("00 was given up: its file LOCK was removed"), "{second}");
        assert!(second.contains("\"n\":69"), "{idle}");
        assert_good(&root);
    }
}

#[test]
fn what_is_not_durable_is_taken_along() {
    let root = Root::new();
    let builder = || quiet(&root).commit_interval(Duration::from_secs(60));
    let mut one = builder().open().unwrap();
    write(&mut one, 0..5);
    one.sync().unwrap();
    write(&mut one, 5..8);
    push(&one, 8);
    fs::remove_file(lock(&root)).unwrap();
    let two = builder().open().unwrap();
    write(&mut one, 9..10);
    one.close().unwrap();
    drop(two);
    let second = told(&root.path.join("01"));
    for n in 5..10 {
        assert!(second.contains(&format!("\"n\":{n},")), "{n}: {second}");
    }
    assert_eq!(second.matches("\"op\":\"close\"").count(), 1);
    assert_good(&root);
}

#[test]
fn a_folder_that_another_writer_made_anew_is_its_own() {
    for alive in [true, false] {
        let root = Root::new();
        let mut one = root.trail();
        write(&mut one, 0..3);
        one.sync().unwrap();
        let two = {
            // Held still, so that it does not look meanwhile.
            let _held = one.hold();
            fs::rename(root.path.join("00"), root.path.join("old")).unwrap();
            root.trail()
        };
        assert!(two.directory().ends_with("00"));
        let two = Some(two).filter(|_| alive);
        until(|| root.path.join(if alive { "01" } else { "00" }).exists());
        let place = root.path.join(if alive { "01" } else { "00" });
        until(|| told(&place).contains("00 was given up: it was removed or moved"));
        write(&mut one, 3..5);
        one.close().unwrap();
        drop(two);
        assert_eq!(root.records(), numbers(3..5), "{alive}");
        assert_good(&root);
    }
}

#[test]
fn whoever_takes_it_again_and_again_loses_nothing() {
    let root = Root::new();
    let mut one = root.builder().segment_bytes(20_000).checkpoint_records(40).open().unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut n = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                (n..n + 7).for_each(|n| push(&one, n));
                // What the other has swept away under it is made again.
                while one.commit().is_err() {}
                n += 7;
            }
            while one.close().is_err() {}
            n
        });
        for round in 0..4 {
            std::thread::sleep(Duration::from_millis(20));
            for place in ["00", "01", "02"] {
                let _ = fs::remove_file(root.path.join(place).join("LOCK"));
            }
            let mut two = root.builder().checkpoint_records(3).open().unwrap();
            (0..20).for_each(|_| write(&mut two, 1_000_000 + round..1_000_001 + round));
            two.close().unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        writing.join().unwrap()
    });
    let mut there: std::collections::BTreeSet<_> = root.records().into_iter().collect();
    // What both wrote at once, one of them has moved away, and said so.
    for place in ["00", "01", "02"].map(|place| root.path.join(place)) {
        for bad in if place.exists() { files(&place, ".bad") } else { Vec::new() } {
            let text = fs::read_to_string(bad).unwrap();
            let number =
                |line: &str| Some(line.split_once("\"n\":")?.1.split_once(',')?.0.to_owned());
            there.extend(text.lines().filter_map(number).map(|n| format!("#{n}")));
        }
    }
    let lost: Vec<_> = (0..written).filter(|n| !there.contains(&format!("#{n}"))).collect();
    assert_eq!(lost, [] as [usize; 0]);
    assert_good(&root);
}

#[test]
fn what_allows_something_elsewhere_is_not_taken_along() {
    let root = Root::new();
    let mut one = quiet(&root).open().unwrap();
    write(&mut one, 0..3);
    one.sync().unwrap();
    for op in ["redact\",\"seq\":1,\"groups\":[\"actor\"]", "prune\",\"to\":2"] {
        let core = format!("\"kind\":\"control\",\"control\":{{\"op\":\"{op}}},\"id\":\"x\"");
        one.push(core.as_bytes(), [].into_iter()).unwrap();
    }
    push(&one, 3);
    fs::remove_file(lock(&root)).unwrap();
    let two = quiet(&root).open().unwrap();
    one.close().unwrap();
    drop(two);
    let second = told(&root.path.join("01"));
    assert!(!second.contains("redact") && !second.contains("prune"), "{second}");
    assert!(second.contains("2 lines could not be taken along") && second.contains("\"n\":3"));
    assert_good(&root);
}
