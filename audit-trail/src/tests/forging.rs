//! Proofs that somebody has changed.

use super::{
    proving::{proven, stored},
    verifying::{honest, key},
    *,
};
use crate::Proof;

#[test]
fn no_changed_byte_of_a_proof_holds() {
    let root = honest(60);
    let key = key(&root);
    let text = proven(&root, 17).to_string();
    let holds = |text: &str| Proof::parse(text).and_then(|proof| proof.check(&key)).is_ok();
    assert!(holds(&text));
    for at in 0..text.len() {
        for change in [1_u8, 2, 0x20, 0x80] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= change;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(!holds(&changed), "{at}: {changed}");
            }
        }
        if text.is_char_boundary(at) {
            assert!(!holds(&text[..at]), "cut at {at}");
            for more in ["\n", " ", "A", "="] {
                let longer = format!("{}{more}{}", &text[..at], &text[at..]);
                assert!(!holds(&longer), "{more:?} at {at}");
            }
        }
    }
    for more in ["\n", "\0", "more\n", &text] {
        assert!(!holds(&format!("{text}{more}")));
    }
    assert!(!holds(&text.replace('\n', "\r\n")));
}

#[test]
fn no_changed_byte_of_its_record_holds() {
    let root = honest(20);
    let (key, proof) = (key(&root), proven(&root, 7));
    let line = proof.record().unwrap().to_owned();
    assert!(proof.clone().with_record(&format!("{line}\n")).check(&key).is_ok());
    for at in 0..line.len() {
        for change in [1_u8, 2, 0x20] {
            let mut bytes = line.clone().into_bytes();
            bytes[at] ^= change;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(proof.clone().with_record(&changed).check(&key).is_err(), "{changed}");
        }
        let mut shorter = line.clone();
        shorter.remove(at);
        assert!(proof.clone().with_record(&shorter).check(&key).is_err(), "{shorter}");
    }
    for other in [stored(&root, 6), stored(&root, 8), format!("{line}\n\n"), format!(" {line}")] {
        assert!(proof.clone().with_record(&other).check(&key).is_err());
    }
}

/// A proof with one part exchanged for that of another.
fn mixed(one: &Proof, other: &Proof, part: usize) -> String {
    let parts = |proof: &Proof| {
        let text = proof.to_string();
        let (head, note) = text.split_once("\n\n").unwrap();
        let mut lines = head.splitn(4, '\n');
        let mut next = || lines.next().unwrap_or_default().to_owned();
        [next(), next(), next(), next(), format!("\n{note}")]
    };
    let mut mixed = parts(one);
    mixed[part] = parts(other)[part].clone();
    mixed.join("\n")
}

#[test]
fn parts_of_another_proof_do_not_fit() {
    let (root, other) = (honest(60), honest(60));
    let key = key(&root);
    let proof = proven(&root, 17);
    let holds = |text: &str| Proof::parse(text).and_then(|proof| proof.check(&key));
    assert!(holds(&mixed(&proof, &proof, 0)).is_ok());
    // Of another trail: another key, another origin, other records.
    let foreign = proven(&other, 17);
    let error = foreign.check(&key).unwrap_err();
    assert!(error.reason().contains("none that this key has signed"), "{error}");
    // Of another record, and of the same at another size.
    let neighbour = proven(&root, 18);
    let all = fs::read_to_string(root.checkpoint()).unwrap();
    fs::remove_file(root.checkpoint()).unwrap();
    let last = root.segments().pop().unwrap();
    let whole = fs::read_to_string(&last).unwrap();
    let cut = whole.rfind("{\"checkpoint\"").unwrap();
    fs::write(&last, &whole[..cut]).unwrap();
    let smaller = proven(&root, 17);
    fs::write(&last, whole).unwrap();
    fs::write(root.checkpoint(), all).unwrap();
    assert_ne!(smaller, proof);
    assert!(smaller.check(&key).unwrap().size < 62, "an older checkpoint that covers it");
    for (name, from) in [("foreign", &foreign), ("neighbour", &neighbour), ("smaller", &smaller)] {
        for part in 1..5 {
            if mixed(&proof, from, part) == proof.to_string() {
                assert!(name != "foreign" || part == 2, "{name}, {part}");
                continue;
            }
            assert!(holds(&mixed(&proof, from, part)).is_err(), "{name}, {part}");
        }
    }
}

#[test]
fn a_spelling_with_slack_is_refused() {
    let root = honest(20);
    let (key, text) = (key(&root), proven(&root, 5).to_string());
    let lines: Vec<&str> = text.lines().collect();
    let hash = lines[3];
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let slack = format!("{}B=", &hash[..hash.len() - 2]);
    let many = format!("{hash}\n").repeat(70);
    for (changed, told) in [
        (with("index 5\n", "index 05\n"), "not spelled"),
        (with("index 5\n", "index +5\n"), "not spelled"),
        (with("index 5\n", "index -5\n"), "index N"),
        (with("index 5\n", "index  5\n"), "index N"),
        (with("index 5\n", "index 6\n"), "number 5, and the proof is of 6"),
        (with("index 5\n", "index 9223372036854775808\n"), "index N"),
        (with("index 5\n", ""), "index N"),
        (with("index 5\n", "index 5\nindex 5\n"), "no hash"),
        (with("tlog-proof@v1", "tlog-proof@v2"), "first line"),
        (format!("\u{feff}{text}"), "first line"),
        (format!("\n{text}"), "first line"),
        (with(hash, &slack), "no hash"),
        (with(hash, hash.trim_end_matches('=')), "no hash"),
        (with(hash, &format!("{hash} ")), "no hash"),
        (with(hash, "AAAA"), "no hash"),
        (with(&format!("{hash}\n"), ""), "do not lead"),
        (with(hash, &format!("{hash}\n{hash}")), "do not lead"),
        (with(&format!("{hash}\n"), &many), "63 hashes"),
        (with("\n\n", "\n"), "no"),
        (with("\n\n", "\n\n\n"), "none that this key"),
        (with("\nextra ", "\nextra  "), "Base64"),
        (with("\nextra ", "\nextra \nextra "), "index N"),
        (text.replace('\n', "\r\n"), "first line"),
        (format!("{text}\n"), "none that this key"),
        (text.trim_end().to_owned(), "none that this key"),
        (String::new(), "first line"),
        (text[..text.find("\n\n").unwrap() + 2].to_owned(), "none that this key"),
    ] {
        let error = Proof::parse(&changed).and_then(|proof| proof.check(&key)).unwrap_err();
        assert!(error.reason().contains(told), "{told}: {error}: {changed}");
    }
    // A second signature line of the same key, and one of somebody else.
    let signature = lines.last().unwrap();
    assert!(Proof::parse(&format!("{text}{signature}\n")).unwrap().check(&key).is_err());
    // Without its record the proof is one of which the record is kept apart.
    let bare = Proof::parse(&with(&format!("{}\n", lines[1]), "")).unwrap();
    assert_eq!(bare.record(), None);
    assert!(bare.check(&key).unwrap_err().reason().contains("none was given"));
    assert!(bare.with_record(&stored(&root, 5)).check(&key).is_ok());
}
