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
            let same: Vec<_> = root.segments().iter().map(|p| fs::read(p).unwrap()).collect();
            assert!(same == changed, "{name}: it is evidence");
            let told = fs::read_to_string(&files(&place, ".jsonl")[0]).unwrap();
            assert!(told.contains("00 was left as it is: "), "{name}");
            assert!(crate::verify(&place, &before, &mut |_, _| {}).unwrap()[0].is_good());
        }
    }
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
