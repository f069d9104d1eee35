//! What a start leaves that was cut off before it signed anything.

use std::{
    process::Command,
    sync::{Arc, Mutex},
};

use super::{
    attacks::lines,
    verifying::{honest, key, quiet, verdict},
    *,
};
use crate::{
    Known, Verdict,
    disk::faulty::{Fate, Faulty},
    verify,
};

/// A folder and all in it, one level deep, but what is no file.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    private(to);
    for file in fs::read_dir(from).into_iter().flatten().flatten() {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn private(folder: &Path) {
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
}

/// Both verdicts; the other program's as its exit code and its text.
pub(super) fn both(root: &Path, known: &Known) -> (Vec<Verdict>, i32, String) {
    let key = root.with_extension("pub");
    fs::write(&key, known.key.as_ref().unwrap().to_string()).unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/verify_trail.py");
    let output = Command::new("python3").arg(program).arg(key).arg(root).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (verify(root, known, &mut |_, _| {}).unwrap(), output.status.code().unwrap(), text)
}

/// The root as each call to the disk of a start in 01 found it, and after it.
fn moments(root: &Root) -> Vec<PathBuf> {
    let base = root.path.with_file_name("moments");
    let (made, path) = (Arc::new(Mutex::new(0)), root.path.clone());
    let (counted, to) = (Arc::clone(&made), base.clone());
    let keep = move || {
        let mut number = counted.lock().unwrap();
        let place = to.join(number.to_string());
        fs::create_dir_all(&place).unwrap();
        private(&place);
        copy(&path.join("00"), &place.join("00"));
        copy(&path.join("01"), &place.join("01"));
        *number += 1;
    };
    let at_each = keep.clone();
    let disk = Faulty::new(move |_| {
        at_each();
        Fate::Done
    });
    let trail = quiet(root).disk(disk).open().unwrap();
    assert!(trail.directory().ends_with("01"));
    keep();
    drop(trail);
    let count = *made.lock().unwrap();
    (0..count).map(|number| base.join(number.to_string())).collect()
}

#[test]
fn a_start_that_was_killed_at_any_call_is_no_forgery() {
    let root = Root::new();
    let first = quiet(&root).open().unwrap();
    let known = Known { key: Some(key(&root)), ..Known::default() };
    let mut moments = moments(&root);
    assert!(moments.len() > 20, "{}", moments.len());
    // And with what was written last there in part.
    let whole = moments.last().unwrap().clone();
    let name = "01/00000000000000000000.jsonl";
    let bytes = fs::read(whole.join(name)).unwrap();
    for cut in (0..bytes.len()).step_by(7) {
        let place = whole.with_file_name(format!("cut{cut}"));
        for writer in ["00", "01"] {
            copy(&whole.join(writer), &place.join(writer));
        }
        private(&place);
        fs::write(place.join(name), &bytes[..cut]).unwrap();
        fs::remove_file(place.join("01/checkpoint")).unwrap();
        moments.push(place);
    }
    for place in moments {
        let (ours, code, theirs) = both(&place, &known);
        let told = format!("{}: {ours:?} {theirs}", place.display());
        assert!(ours.iter().all(|one| one.broken.is_empty()), "{told}");
        assert!(!theirs.contains("FAIL"), "{told}");
        assert_eq!(ours.iter().all(Verdict::is_good), code == 0, "{told}");
        // Also by itself, with what key it has.
        if fs::read_dir(place.join("01")).unwrap().next().is_none() {
            assert!(verify(place.join("01"), &Known::default(), &mut |_, _| {}).is_err());
        } else {
            let alone = verify(place.join("01"), &Known::default(), &mut |_, _| {}).unwrap();
            assert!(alone[0].broken.is_empty(), "{told}");
        }
        // And with the key: nobody can tell there that another directory is signed by it.
        let (ours, code, theirs) = both(&place.join("01"), &known);
        assert_eq!(ours[0].is_good(), ours[0].is_signed(), "{told}, alone: {ours:?}");
        assert_eq!(ours[0].is_good(), code == 0, "{told}, alone: {ours:?} {theirs}");
        // The next start takes it.
        fs::copy(root.path.with_extension("key"), place.with_extension("key")).unwrap();
        let open = || Trail::builder(&place).disk(Faulty::fast()).open().unwrap();
        let (one, mut two) = (open(), open());
        assert!(two.directory().ends_with("01"), "{told}");
        two.close().unwrap();
        drop(one);
        let (ours, code, theirs) = both(&place, &known);
        assert!(code == 0 && ours.iter().all(Verdict::is_good), "{told}, then {theirs}");
    }
    drop(first);
}

#[test]
fn with_a_key_or_an_anchor_something_must_be_signed() {
    let root = honest(20);
    let anchor = fs::read_to_string(root.checkpoint()).unwrap();
    let first = lines(&root.segments()[0]);
    let known = Known { key: Some(key(&root)), ..Known::default() };
    root.segments().into_iter().for_each(|path| fs::remove_file(path).unwrap());
    fs::remove_file(root.checkpoint()).unwrap();
    // Nothing, a header, and the `open` record behind it.
    for kept in 0..3 {
        if kept > 0 {
            fs::write(root.path.join("00/00000000000000000000.jsonl"), first[..kept].concat())
                .unwrap();
        }
        let found = verdict(&root, &Known::default());
        assert!(found.is_good() && !found.is_signed(), "it was put back to its beginning: {found}");
        let (ours, code, theirs) = both(&root.path, &known);
        assert!(!ours[0].is_good() && code == 1, "{ours:?} {theirs}");
        assert!(ours[0].to_string().contains("nothing here is signed by this key"), "{ours:?}");
        let anchored = Known { key: None, anchors: vec![anchor.clone()] };
        assert!(!verdict(&root, &anchored).is_good());
    }
}

#[test]
fn a_root_that_is_made_to_look_like_a_directory_is_no_new_one() {
    for name in ["LOCK", "x.jsonl"] {
        let root = honest(5);
        let known = Known { key: Some(key(&root)), ..Known::default() };
        fs::write(root.path.join(name), "").unwrap();
        let (ours, code, theirs) = both(&root.path, &known);
        assert!(!ours[0].broken.is_empty() && code == 1, "{ours:?} {theirs}");
        assert!(theirs.contains("no checkpoint"), "{theirs}");
        let alone = verify(&root.path, &Known::default(), &mut |_, _| {}).unwrap();
        assert!(!alone[0].broken.is_empty(), "{alone:?}");
    }
}

#[test]
fn what_is_more_than_a_start_leaves_fails() {
    let strip = |line: &String| !line.starts_with("{\"checkpoint\"");
    for (what, change) in [
        ("nothing more", (|_| {}) as fn(&mut Vec<String>)),
        ("with the first line damaged", |all| all[0] = "x\n".into()),
        ("with a line damaged before it", |all| all.insert(1, "x\n".into())),
        ("numbered wrongly", |all| drop(all.remove(1))),
        ("a strict request", |all| {
            all.truncate(2);
            all.push(
                "{\"seq\":1,\"kind\":\"control\",\"control\":{\"op\":\"intent\"},\"id\":\"x\"}\n"
                    .into(),
            );
        }),
        ("one that looks like the start", |all| {
            all.truncate(2);
            all.push("{\"seq\":1,\"kind\":\"event\",\"control\":{\"op\":\"open\"}}\n".into());
        }),
    ] {
        let root = honest(5);
        let known = Known { key: Some(key(&root)), ..Known::default() };
        let other = quiet(&root).open().unwrap();
        drop(quiet(&root).open().unwrap());
        drop(other);
        let mut all: Vec<_> = lines(&root.segments()[0]).into_iter().filter(strip).collect();
        change(&mut all);
        fs::remove_file(root.checkpoint()).unwrap();
        fs::write(&root.segments()[0], all.concat()).unwrap();
        let (ours, code, theirs) = both(&root.path, &known);
        assert!(!ours[0].broken.is_empty() && ours[1].is_good(), "{what}: {ours:?}");
        assert!(code == 1 && theirs.contains("00: integrity FAIL"), "{what}: {theirs}");
        // Nor does a writer go on with whole records of it; what is damaged it moves away.
        let place = quiet(&root).open().unwrap().directory().to_owned();
        let damaged = what.contains("damaged") || what.contains("wrongly");
        assert!(place.ends_with(if damaged { "00" } else { "01" }), "{what}: {place:?}");
    }
}
