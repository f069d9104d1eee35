//! Proofs of single records of trails that the writer made, and attacks on both.

use audit_core::Group;

use super::{
    recovery::resident,
    verifying::{honest, key, quiet},
    *,
};
use crate::{Known, Proof, ProveError, VerifyingKey, prove};

pub(super) fn proven(root: &Root, seq: u64) -> Proof {
    prove(&root.path, &seq.to_string(), &Known::default()).unwrap()
}

pub(super) fn keyed(key: &VerifyingKey) -> Known {
    Known { key: Some(key.clone()), ..Known::default() }
}

/// The line of a record as it stands in the files.
pub(super) fn stored(root: &Root, seq: u64) -> String {
    let begin = format!("{{\"seq\":{seq},");
    let all: String = root.segments().iter().map(|p| fs::read_to_string(p).unwrap()).collect();
    all.lines().find(|line| line.starts_with(&begin)).unwrap().to_owned()
}

#[test]
fn every_record_is_proven_by_its_place_and_by_its_id() {
    let root = honest(60);
    assert!(root.segments().len() >= 3);
    let key = key(&root);
    for seq in 0..62 {
        let proof = proven(&root, seq);
        let shown = proof.check(&key).unwrap();
        assert_eq!((shown.seq, shown.size, shown.hidden.len()), (seq, 62, 0));
        assert_eq!(proof.record(), Some(&*stored(&root, seq)));
        assert_eq!(proof.checkpoint(), fs::read_to_string(root.checkpoint()).unwrap());
        let text = proof.to_string();
        assert_eq!(Proof::parse(&text).unwrap(), proof);
        assert!(text.len() < Proof::MAX_BYTES && !text.contains('\r'));
        assert_eq!(prove(&root.path, &format!("00/{seq}"), &keyed(&key)).unwrap(), proof);
        assert_eq!(
            prove(root.path.join("00"), &format!("00/{seq}"), &Known::default()).unwrap(),
            proof
        );
    }
    // Control records have ids; those of `push` have none.
    for seq in [0, 61] {
        let line: serde_json::Value = serde_json::from_str(&stored(&root, seq)).unwrap();
        let id = line["id"].as_str().unwrap();
        assert_eq!(prove(&root.path, id, &Known::default()).unwrap(), proven(&root, seq));
    }
}

#[test]
fn groups_are_left_out_and_the_proof_holds() {
    use Group::{Actor, Error, Metadata, Request};
    let root = Root::new();
    let mut trail = quiet(&root).open().unwrap();
    let groups = [("actor", "{\"user\":\"ann\"}"), ("request", "{\"path\":\"/a\"}")];
    let groups = groups.into_iter().chain([("error", "{\"kind\":\"x\"}")]);
    trail
        .push(b"\"kind\":\"event\",\"id\":\"e-1\"", groups.map(|(n, v)| (n, v.as_bytes())))
        .unwrap();
    trail.close().unwrap();
    let (key, proof) = (key(&root), prove(&root.path, "e-1", &Known::default()).unwrap());
    let seed = &proof.record().unwrap()[proof.record().unwrap().len() - 34..][..32];
    for (groups, hidden) in [
        (&[Actor, Request][..], &[Actor, Request][..]),
        (&[Request, Actor, Metadata], &[Actor, Request]),
        (&[Error], &[Error]),
        (&[Actor, Request, Error], &[Actor, Request, Error]),
        (&[Metadata], &[]),
        (&[], &[]),
    ] {
        let less = proof.clone().without(groups).unwrap();
        assert_eq!(Proof::parse(&less.to_string()).unwrap(), less);
        assert_eq!(less.check(&key).unwrap().hidden, hidden);
        let record = less.record().unwrap();
        assert_eq!(record.contains("ann"), !hidden.contains(&Actor));
        assert_eq!(record.contains("/a"), !hidden.contains(&Request));
        assert_eq!(record.contains(seed), hidden.is_empty(), "with it one could guess");
        // Nothing can be put in where something was left out.
        let forged = record.replacen("\"#", "\"#0", 1);
        assert!(hidden.is_empty() || less.with_record(&forged).check(&key).is_err());
    }
}

#[test]
fn what_was_pruned_is_gone_and_what_comes_after_is_proven() {
    let whole = honest(60);
    let before: Vec<Proof> = (0..62).map(|seq| proven(&whole, seq)).collect();
    let starts: Vec<u64> = whole
        .segments()
        .iter()
        .map(|path| crate::files::parse_name(path.file_name().unwrap().to_str().unwrap()).unwrap())
        .collect();
    for from in &starts[1..] {
        fs::remove_file(whole.segments().remove(0)).unwrap();
        for seq in 0..62 {
            match prove(&whole.path, &seq.to_string(), &Known::default()) {
                Ok(proof) => assert!(seq >= *from && proof == before[seq as usize]),
                Err(error) => {
                    assert!(seq < *from, "{error}");
                    assert!(
                        matches!(error, ProveError::Pruned { from: left, .. } if left == *from)
                    );
                }
            }
        }
    }
}

#[test]
fn damage_elsewhere_does_not_matter() {
    let root = honest(60);
    let paths = root.segments();
    let key = key(&root);
    // The first segment is gone bad, one in the middle is away.
    fs::write(&paths[0], "garbage\n").unwrap();
    let last =
        crate::files::parse_name(paths.last().unwrap().file_name().unwrap().to_str().unwrap());
    let last = last.unwrap();
    assert!(proven(&root, last).check(&key).is_ok());
    let error = prove(&root.path, "3", &Known::default()).unwrap_err();
    assert!(matches!(error, ProveError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("line 1"), "{error}");
    // What comes after the last checkpoint that covers it does not matter either.
    let root = honest(60);
    let path = root.segments().remove(0);
    let text = fs::read_to_string(&path).unwrap();
    let cut = text.rfind("{\"seq\"").unwrap();
    fs::write(&path, format!("{}damage\n{}", &text[..cut], &text[cut..])).unwrap();
    let shown = proven(&root, 1).check(&verifying::key(&root)).unwrap();
    assert!(shown.size < 30, "{}", shown.size);
}

#[test]
fn a_later_segment_that_is_none_does_not_matter() {
    let root = honest(60);
    let later = root.path.join("00").join(crate::files::file_name(1_000));
    fs::create_dir(&later).unwrap();
    assert!(proven(&root, 5).check(&key(&root)).is_ok());
    // Where it would be needed, it is named.
    let error = prove(&root.path, "1000", &Known::default()).unwrap_err().to_string();
    assert!(error.contains(&later.display().to_string()), "{error}");
}

#[test]
fn what_was_changed_is_not_proven() {
    for (name, attack, _) in attacks::ATTACKS {
        let root = honest(60);
        let key = key(&root);
        let whole: Vec<String> = (0..62).map(|seq| stored(&root, seq)).collect();
        attack(&root);
        for seq in 0..62 {
            // Whatever was done: a proof is of what was signed, or there is none.
            if let Ok(proof) = prove(&root.path, &seq.to_string(), &keyed(&key)) {
                proof.check(&key).unwrap();
                let parts = crate::line::leaf(proof.record().unwrap().as_bytes()).unwrap();
                let before = crate::line::leaf(whole[seq as usize].as_bytes()).unwrap();
                assert_eq!(parts, before, "{name}: {seq}");
            }
        }
    }
}

#[test]
fn what_no_checkpoint_covers_is_not_proven_yet() {
    let root = Root::new();
    let mut trail = quiet(&root).open().unwrap();
    write(&mut trail, 0..7);
    trail.sync().unwrap();
    let error = prove(&root.path, "7", &Known::default()).unwrap_err();
    assert!(matches!(error, ProveError::NotSigned { seq: 7, .. }), "{error}");
    assert!(proven(&root, 0).check(&key(&root)).is_ok(), "the start was signed");
    trail.checkpoint();
    assert_eq!(proven(&root, 7).check(&key(&root)).unwrap().size, 8);
    let error = prove(&root.path, "8", &Known::default()).unwrap_err();
    assert!(error.to_string().contains("it holds 8 records so far"), "{error}");
    trail.close().unwrap();
}

#[test]
fn a_proof_may_be_against_a_checkpoint_that_was_kept() {
    let root = honest(30);
    let mut anchors = vec![fs::read_to_string(root.checkpoint()).unwrap()];
    let mut trail = quiet(&root).open().unwrap();
    write(&mut trail, 30..90);
    trail.close().unwrap();
    let other = honest(50);
    let key = key(&root);
    anchors.push(fs::read_to_string(other.checkpoint()).unwrap());
    let mut known = Known { key: Some(key.clone()), anchors };
    for seq in 0..32 {
        let proof = prove(&root.path, &seq.to_string(), &known).unwrap();
        assert_eq!(proof.checkpoint(), known.anchors[0]);
        assert_eq!(proof.check(&key).unwrap().size, 32);
        assert_eq!(proven(&root, seq).check(&key).unwrap().size, 94);
    }
    let after = prove(&root.path, "32", &known).unwrap_err();
    assert!(matches!(after, ProveError::NotAnchored { seq: 32, .. }), "{after}");
    // The latest of several that covers it.
    known.anchors.insert(0, fs::read_to_string(root.checkpoint()).unwrap());
    assert_eq!(prove(&root.path, "0", &known).unwrap().checkpoint(), known.anchors[0]);
    known.anchors.drain(..2);
    let none = prove(&root.path, "0", &known).unwrap_err();
    assert!(matches!(none, ProveError::NoAnchor), "{none}");
    // One that was put back, and went on in another way: there is no proof against it.
    let anchor = fs::read_to_string(root.checkpoint()).unwrap();
    let path = root.segments().pop().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("user-88", "user-89")).unwrap();
    let known = Known { key: Some(key), anchors: vec![anchor] };
    let forged = prove(&root.path, "3", &known).unwrap_err();
    assert!(forged.to_string().contains("not those that were signed"), "{forged}");
}

#[test]
fn what_was_redacted_since_is_proven_as_it_is() {
    let root = honest(20);
    let (key, whole) = (key(&root), proven(&root, 7));
    let line = stored(&root, 7);
    let less = String::from_utf8(crate::line::redact(line.as_bytes(), 1).unwrap()).unwrap();
    let path = root.segments().remove(0);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(&line) && less != line);
    fs::write(&path, text.replace(&line, &less)).unwrap();
    let proof = proven(&root, 7);
    assert_eq!(proof, whole.without(&[Group::Actor]).unwrap());
    assert_eq!(proof.check(&key).unwrap().hidden, [Group::Actor]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_proof_panic(
        head in "(extra [A-Za-z0-9+/=]{0,80}\n)?(index [0-9]{1,20}\n)?([A-Za-z0-9+/]{43}=\n){0,70}",
        tail in "\n?(a/b\n[0-9]{1,19}\n)?.{0,40}\n?",
    ) {
        let root = crate::SigningKey::generate("audit").unwrap();
        let text = format!("c2sp.org/tlog-proof@v1\n{head}{tail}");
        if let Ok(proof) = Proof::parse(&text) {
            proptest::prop_assert_eq!(proof.to_string(), text);
            proptest::prop_assert!(proof.check(&root.verifying_key()).is_err());
            let _ = proof.without(&[Group::Actor]);
        }
    }
}

#[test]
fn a_living_trail_is_proven_while_it_rolls() {
    let root = Root::new();
    let builder = root.builder().disk(crate::disk::faulty::Faulty::fast());
    let mut trail = builder.segment_bytes(20_000).checkpoint_records(16).open().unwrap();
    write(&mut trail, 0..40);
    until(|| prove(&root.path, "15", &Known::default()).is_ok());
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut tried, mut sizes) = (0, std::collections::BTreeSet::new());
            while !done.load(std::sync::atomic::Ordering::Relaxed) || tried < 5 {
                let proof = prove(&root.path, &(tried % 16).to_string(), &Known::default());
                let proof = proof.unwrap_or_else(|error| panic!("{error}"));
                sizes.insert(proof.check(&key(&root)).unwrap().size);
                tried += 1;
            }
            sizes.len()
        });
        for n in 4..200 {
            write(&mut trail, n * 10..n * 10 + 10);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(reader.join().unwrap() > 1);
    });
    trail.close().unwrap();
    assert!(root.segments().len() > 3);
}

#[test]
fn what_is_not_there_is_told() {
    let root = honest(20);
    let told = |id: &str| prove(&root.path, id, &Known::default()).unwrap_err().to_string();
    assert!(told("no-such-id").contains("/audit --json` shows the id of each"));
    assert!(told("007").contains("no record 007") && told("00/07").contains("no record 00/07"));
    assert!(told("01/3").contains("no such writer directory"));
    assert!(told("00/99").contains("22 records so far"), "{}", told("00/99"));
    assert!(told("9223372036854775808").contains("no record"));
    assert!(told("user-3").contains("record 00/4 holds it, not as its own id"));
    let nowhere = prove(root.path.join("nowhere"), "1", &Known::default()).unwrap_err();
    assert!(matches!(nowhere, ProveError::Read(crate::ReadError::NoTrail(_))), "{nowhere}");
    // Two writers: a seq alone is no place.
    let first = root.trail();
    let second = root.trail();
    assert!(second.directory().ends_with("01"));
    assert!(told("3").contains("00/3"), "{}", told("3"));
    drop((first, second));
    fs::remove_file(root.path.join("00/verifier.key")).unwrap();
    assert!(told("00/3").contains("verifier.key is missing"));
    let key = crate::SigningKey::generate("audit").unwrap().verifying_key();
    let other = prove(&root.path, "00/3", &keyed(&key)).unwrap_err().to_string();
    assert!(other.contains("this key has not signed"), "{other}");
}

#[test]
fn the_vector_of_the_format() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/trail-format.md"));
    let page = page.unwrap();
    let begin = page.find("```\nc2sp.org/tlog-proof@v1\n").unwrap() + 4;
    let text = &page[begin..begin + page[begin..].find("```").unwrap()];
    let vkey = page.lines().find(|line| line.starts_with("audit+")).unwrap();
    let key = VerifyingKey::parse(vkey).unwrap();
    let shown = Proof::parse(text).unwrap().check(&key).unwrap();
    assert_eq!((shown.seq, shown.size, &*shown.origin), (0, 2, "audit/00000000000000ff/00"));
    assert!(page.contains(&shown.root), "{}", shown.root);
}

#[test]
fn memory_stays_flat_whatever_the_file_holds() {
    let root = honest(20);
    let path = root.segments().pop().unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() + (256 << 20)).unwrap();
    let before = resident();
    let last = proven(&root, 20);
    assert!(last.check(&key(&root)).is_ok());
    assert!(matches!(
        prove(&root.path, "nobody", &Known::default()),
        Err(ProveError::NotThere { .. })
    ));
    assert!(resident() < before + (16 << 10), "{before} {}", resident());
}
