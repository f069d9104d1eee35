use super::*;
use crate::{Known, Verdict, VerifyingKey, verify};

/// What is found in writer 00.
pub(super) fn verdict(root: &Root, known: &Known) -> Verdict {
    verify(root.path.join("00"), known, &mut |_, _| {}).unwrap().remove(0)
}

pub(super) fn key(root: &Root) -> VerifyingKey {
    VerifyingKey::parse(&fs::read_to_string(root.path.join("00/verifier.key")).unwrap()).unwrap()
}

/// Three segments and more, with a checkpoint after every five records, and one published.
pub(super) fn honest(records: usize) -> Root {
    let root = Root::new();
    let mut trail = quiet(&root).open().unwrap();
    for n in (0..records).step_by(5) {
        write(&mut trail, n..n + 5);
        trail.checkpoint();
    }
    trail.close().unwrap();
    root
}

/// A trail that signs only when it is told to.
pub(super) fn quiet(root: &Root) -> Builder {
    let long = Duration::from_secs(60);
    let builder = root.builder().disk(crate::disk::faulty::Faulty::fast());
    builder.segment_bytes(4_000).checkpoint_interval(long).checkpoint_records(1 << 20)
}

#[test]
fn an_honest_trail_is_what_was_signed() {
    let root = honest(60);
    assert!(root.segments().len() >= 3);
    let found = verdict(&root, &Known::default());
    assert!(found.is_good() && found.warnings.is_empty() && found.repairs == 0, "{found:?}");
    // open, 60 records, close.
    assert_eq!((found.size, found.tail, found.pruned, found.pinned), (62, 0, 0, false));
    assert!(found.fresh.is_some() && found.root.len() == 64);
    let mut known = Known { key: Some(key(&root)), ..Known::default() };
    known.anchors.push(fs::read_to_string(root.checkpoint()).unwrap());
    let found = verdict(&root, &known);
    assert!(found.is_good() && found.pinned, "{found}");
    assert_eq!((found.anchors[0].size, found.anchors[0].holds), (62, Some(true)));
    // The file can be read by itself.
    assert!(
        fs::read_to_string(root.segments().last().unwrap()).unwrap().contains("{\"checkpoint\"")
    );
    assert_eq!(root.items().len(), 62, "a checkpoint is no record");
}

#[test]
fn a_trail_that_goes_on_stays_what_it_was() {
    let root = Root::new();
    let mut anchors = Vec::new();
    for n in 0..5 {
        let mut trail = quiet(&root).open().unwrap();
        write(&mut trail, n * 10..n * 10 + 10);
        trail.close().unwrap();
        anchors.push(fs::read_to_string(root.checkpoint()).unwrap());
    }
    let found = verdict(&root, &Known { key: Some(key(&root)), anchors });
    assert!(found.is_good(), "{found}");
    assert_eq!(found.anchors.iter().filter(|anchor| anchor.holds == Some(true)).count(), 5);
    assert_eq!(found.unsealed, []);
}

#[test]
fn what_no_checkpoint_covers_is_counted_apart() {
    let root = Root::new();
    let mut trail = quiet(&root).open().unwrap();
    write(&mut trail, 0..7);
    trail.sync().unwrap();
    let live = verdict(&root, &Known::default());
    assert!(live.is_good() && live.warnings.is_empty(), "{live:?}");
    assert_eq!((live.size, live.tail), (1, 7));
    // Half a line, as a writer that lives may have written it; and as a dead one has.
    let path = root.segments().remove(0);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let live = verdict(&root, &Known::default());
    assert!(live.is_good() && live.tail == 6, "{live}");
    fs::write(&path, &whole).unwrap();
    drop(trail);
    fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let dead = verdict(&root, &Known::default());
    assert!(dead.broken.is_empty() && !dead.is_good(), "{dead}");
    let damage = dead.tail_damage.unwrap();
    assert_eq!((damage.seq, damage.line), (Some(7), 10));
    // The next start moves it away, and names what it took over.
    quiet(&root).open().unwrap().close().unwrap();
    let after = verdict(&root, &Known::default());
    assert!(after.is_good(), "{after}");
    assert_eq!((after.unsealed, after.size), (vec![(1, 6)], 10));
}

#[test]
fn checkpoints_come_by_time_by_number_and_when_it_is_idle() {
    let root = Root::new();
    let mut trail = root
        .builder()
        .checkpoint_records(50)
        .checkpoint_interval(Duration::from_secs(60))
        .open()
        .unwrap();
    write(&mut trail, 0..49);
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(verdict(&root, &Known::default()).size, 1);
    write(&mut trail, 49..60);
    until(|| verdict(&root, &Known::default()).size == 61);
    drop(trail);
    let root = Root::new();
    let mut trail = root.builder().checkpoint_interval(Duration::from_millis(50)).open().unwrap();
    write(&mut trail, 0..1);
    until(|| verdict(&root, &Known::default()).size == 2);
    // Published too, without another record.
    until(|| fs::read_to_string(root.checkpoint()).unwrap().contains("\n2\n"));
    assert_eq!(verdict(&root, &Known::default()).tail, 0);
}

#[test]
fn a_live_trail_is_never_reported() {
    let root = Root::new();
    let builder = root.builder().segment_bytes(20_000).checkpoint_records(20);
    let mut trail = builder.checkpoint_interval(Duration::from_millis(5)).open().unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut sizes = Vec::new();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let found = verdict(&root, &Known::default());
                assert!(found.is_good(), "{found}");
                sizes.push(found.size);
            }
            assert!(sizes.is_sorted() && sizes.len() > 5, "{sizes:?}");
        });
        let begin = Instant::now();
        let mut n = 0;
        while begin.elapsed() < Duration::from_secs(2) {
            write(&mut trail, n..n + 3);
            n += 3;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    trail.close().unwrap();
    assert!(verdict(&root, &Known::default()).is_good());
}

#[test]
fn a_root_is_verified_with_all_its_writers() {
    let root = Root::new();
    let (mut one, mut two) = (root.trail(), root.trail());
    write(&mut one, 0..3);
    write(&mut two, 3..6);
    one.close().unwrap();
    two.close().unwrap();
    let anchor = fs::read_to_string(root.path.join("01/checkpoint")).unwrap();
    let known = Known { key: Some(key(&root)), anchors: vec![anchor] };
    let found = verify(&root.path, &known, &mut |_, _| {}).unwrap();
    assert!(found.len() == 2 && found.iter().all(Verdict::is_good), "{found:?}");
    assert_eq!((found[0].anchors.len(), found[1].anchors.len()), (0, 1));
    assert_ne!(found[0].origin, found[1].origin);
    assert!(verify(root.path.join("../nothing"), &known, &mut |_, _| {}).is_err());
}
