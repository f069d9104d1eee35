//! What somebody with the files, and without the key, can try; and what the next writer does.

use super::{
    attacks::{ATTACKS, lines},
    verifying::{honest, key, quiet, verdict},
    *,
};
use crate::{Known, SigningKey};

#[test]
fn every_attack_is_found_and_named() {
    for (name, attack, told) in ATTACKS {
        let root = honest(60);
        let known = Known { key: Some(key(&root)), ..Known::default() };
        attack(&root);
        let found = verdict(&root, &known);
        assert!(!found.is_good(), "{name}: {found}");
        let all: Vec<_> =
            found.broken.iter().chain(&found.tail_damage).map(ToString::to_string).collect();
        let all = format!("{found}; {}", all.join("; "));
        assert!(all.contains(told), "{name}: {all}");
    }
}

#[test]
fn a_roll_back_shows_against_an_anchor_only() {
    let root = Root::new();
    let mut trail = quiet(&root).open().unwrap();
    write(&mut trail, 0..5);
    trail.close().unwrap();
    let copy: Vec<_> = ["checkpoint", "00000000000000000000.jsonl"]
        .map(|name| {
            (root.path.join("00").join(name), fs::read(root.path.join("00").join(name)).unwrap())
        })
        .into();
    let mut trail = quiet(&root).open().unwrap();
    write(&mut trail, 5..10);
    trail.close().unwrap();
    let anchor = fs::read_to_string(root.checkpoint()).unwrap();
    copy.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    let mut known = Known { key: Some(key(&root)), ..Known::default() };
    assert!(verdict(&root, &known).is_good());
    known.anchors.push(anchor);
    let found = verdict(&root, &known);
    assert!(found.to_string().contains("an anchor covers 14 records, and 7 are there"), "{found}");
}

#[test]
fn another_key_or_another_trail_is_none() {
    let (root, other) = (honest(20), honest(20));
    let known = Known { key: Some(key(&root)), ..Known::default() };
    // All of another folder, its own key with it.
    fs::remove_dir_all(root.path.join("00")).unwrap();
    fs::rename(other.path.join("00"), root.path.join("00")).unwrap();
    let found = verdict(&root, &known);
    assert!(!found.is_good(), "{found}");
    let alone = verdict(&root, &Known::default());
    assert!(alone.is_good() && !alone.pinned, "consistent in itself, and no more");
    // Of the same owner: the key is the same, and the anchor is not.
    let root = Root::new();
    let mut anchors = Vec::new();
    let key_file = root.path.with_file_name("k");
    for name in ["one", "two"] {
        let path = root.path.join(name);
        if name == "one" {
            fs::create_dir_all(&root.path).unwrap();
            let text = SigningKey::generate("k").unwrap().to_text();
            fs::write(&key_file, text).unwrap();
            std::os::unix::fs::PermissionsExt::set_mode(
                &mut fs::metadata(&key_file).unwrap().permissions(),
                0o600,
            );
            fs::set_permissions(&key_file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
        }
        let mut trail = Trail::builder(&path).key_file(&key_file).open().unwrap();
        write(&mut trail, 0..3);
        trail.close().unwrap();
        anchors.push(fs::read_to_string(path.join("00/checkpoint")).unwrap());
    }
    let swapped = crate::verify(
        root.path.join("two"),
        &Known { key: None, anchors: anchors[..1].to_vec() },
        &mut |_, _| {},
    );
    let swapped = swapped.unwrap().remove(0);
    assert!(swapped.to_string().contains("none of the directories here"), "{swapped}");
}

#[test]
fn segments_of_another_directory_do_not_pass() {
    let (root, other) = (honest(60), honest(60));
    let known = Known { key: Some(key(&root)), ..Known::default() };
    fs::copy(&other.segments()[1], &root.segments()[1]).unwrap();
    let found = verdict(&root, &known);
    assert!(found.to_string().contains("another directory"), "{found}");
}

#[test]
fn the_next_writer_leaves_what_was_changed_and_says_so() {
    let mut left = 0;
    for (name, attack, _) in ATTACKS {
        let root = honest(60);
        let before = Known { key: Some(key(&root)), ..Known::default() };
        attack(&root);
        let changed: Vec<_> = root.segments().iter().map(|p| fs::read(p).unwrap()).collect();
        let mut trail = quiet(&root).open().unwrap();
        write(&mut trail, 100..103);
        let place = trail.directory().to_owned();
        trail.close().unwrap();
        // Whatever was done, the log goes on, and what was signed and changed is still found.
        let after = verdict(&root, &before);
        if after.is_good() {
            // What a checkpoint is in the way of can be put right, and is told.
            let all: String =
                root.segments().iter().map(|p| fs::read_to_string(p).unwrap()).collect();
            assert!(all.contains("its file `checkpoint` was none"), "{name}: {after}");
        }
        if place.ends_with("01") {
            left += 1;
            let same: Vec<_> = root.segments().iter().map(|p| fs::read(p).unwrap()).collect();
            assert!(same == changed, "{name}: it is evidence");
            let told = fs::read_to_string(&files(&place, ".jsonl")[0]).unwrap();
            assert!(told.contains("00 was left as it is: "), "{name}");
            assert!(crate::verify(&place, &before, &mut |_, _| {}).unwrap()[0].is_good());
        }
    }
    assert!(left > 5, "{left}: those that change the last segment, or what was published");
}

#[test]
fn garbage_and_whole_records_in_the_tail_are_moved_away_or_named() {
    let root = Root::new();
    let mut trail = quiet(&root).open().unwrap();
    write(&mut trail, 0..3);
    trail.checkpoint();
    write(&mut trail, 3..5);
    trail.sync().unwrap();
    drop(trail);
    let path = root.segments().remove(0);
    let mut all = lines(&path);
    let forged = all.last().unwrap().replace("\"seq\":5", "\"seq\":6").replace("user-4", "eve");
    all.push(forged);
    all.push("garbage".into());
    fs::write(&path, all.concat()).unwrap();
    assert!(verdict(&root, &Known::default()).tail_damage.is_some());
    quiet(&root).open().unwrap().close().unwrap();
    let found = verdict(&root, &Known::default());
    assert!(found.is_good(), "{found}");
    assert_eq!(found.unsealed, [(4, 6)], "trusted as the file was, and said so for ever");
}

/// Rewrites all records of writer 00 into one segment without a checkpoint, and states their tree in
/// the header of a next one that is empty.
fn launder(root: &Root) {
    let records: Vec<String> = root
        .segments()
        .iter()
        .flat_map(|path| lines(path))
        .filter(|l| l.starts_with("{\"seq\""))
        .collect();
    let first = lines(&root.segments()[0]).remove(0);
    let mut tree = crate::tree::Tree::default();
    let mut text = first.clone();
    // One more than was published, so that its size is never met.
    let more = format!("{{\"seq\":{},\"kind\":\"event\"}}\n", records.len());
    for line in records.iter().map(|line| line.replace("user-", "eve-")).chain([more]) {
        tree.push(crate::line::leaf(line.trim_end().as_bytes()).unwrap());
        text += &line;
    }
    root.segments().into_iter().for_each(|path| fs::remove_file(path).unwrap());
    let Some(crate::segment::Header::Known { origin, .. }) =
        crate::segment::parse_header(first.trim_end().as_bytes())
    else {
        panic!("no header")
    };
    let at = |from| root.path.join("00").join(crate::files::file_name(from));
    for (path, text) in [(at(0), text), (at(tree.size()), crate::segment::header(&origin, &tree))] {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
}

#[test]
fn no_writer_signs_a_history_that_somebody_else_has_written() {
    let root = honest(60);
    let known = Known { key: Some(key(&root)), ..Known::default() };
    launder(&root);
    assert!(!verdict(&root, &known).is_good());
    let trail = quiet(&root).open().unwrap();
    assert!(trail.directory().ends_with("01"));
    drop(trail);
    assert!(!verdict(&root, &known).is_good());

    // Nor where the header is that of anything.
    let root = honest(60);
    let known = Known { key: Some(key(&root)), ..Known::default() };
    let zeros = crate::tree::Tree::from_roots(1024, vec![[0; 32]]).unwrap();
    let header = lines(&root.segments()[0]).remove(0);
    let origin = header.split('"').nth(7).unwrap().to_owned();
    let path = root.path.join("00").join(crate::files::file_name(1024));
    fs::write(&path, crate::segment::header(&origin, &zeros)).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(quiet(&root).open().unwrap().directory().ends_with("01"));
    assert!(!verdict(&root, &known).is_good());
}

#[test]
fn a_checkpoint_of_another_directory_vouches_for_nothing() {
    let root = Root::new();
    let (mut one, mut two) = (quiet(&root).open().unwrap(), quiet(&root).open().unwrap());
    write(&mut one, 0..3);
    write(&mut two, 3..40);
    one.close().unwrap();
    two.close().unwrap();
    fs::copy(root.path.join("01/checkpoint"), root.checkpoint()).unwrap();
    let trail = quiet(&root).open().unwrap();
    assert!(!trail.directory().ends_with("00"));
    drop(trail);
    assert!(!verdict(&root, &Known::default()).is_good());
}

#[test]
fn a_copy_of_a_checkpoint_in_the_tail_is_moved_away() {
    for which in [0, 1] {
        let root = Root::new();
        let mut trail = quiet(&root).open().unwrap();
        write(&mut trail, 0..3);
        trail.close().unwrap();
        let path = root.segments().remove(0);
        let mut all = lines(&path);
        let notes: Vec<_> = all.iter().filter(|l| l.starts_with("{\"check")).cloned().collect();
        all.push(notes[which].clone());
        fs::write(&path, all.concat()).unwrap();
        let before = verdict(&root, &Known::default());
        assert!(before.broken.is_empty() && before.tail_damage.is_some(), "{before}");
        let trail = quiet(&root).open().unwrap();
        assert!(trail.directory().ends_with("00"), "{which}");
        trail.checkpoint();
        drop(trail);
        let after = verdict(&root, &Known::default());
        assert!(after.is_good(), "{after}");
    }
}

#[test]
fn an_anchor_that_is_none_and_a_copy_of_a_directory_are_told() {
    let root = honest(20);
    let note = fs::read_to_string(root.checkpoint()).unwrap();
    for wrong in [
        note.replace("\n22\n", "\n23\n"),
        note.replace('\n', "\r\n"),
        format!("{note}\n"),
        note.lines().next().unwrap().to_owned(),
        "x".to_owned(),
        String::new(),
    ] {
        let known = Known { key: Some(key(&root)), anchors: vec![wrong.clone()] };
        let found = verdict(&root, &known);
        assert!(!found.is_good(), "{wrong:?}: {found}");
    }
    fs::create_dir(root.path.join("01")).unwrap();
    for file in fs::read_dir(root.path.join("00")).unwrap().flatten() {
        fs::copy(file.path(), root.path.join("01").join(file.file_name())).unwrap();
    }
    let found = crate::verify(&root.path, &Known::default(), &mut |_, _| {}).unwrap();
    assert!(found[0].is_good() && !found[1].is_good(), "{found:?}");
}
