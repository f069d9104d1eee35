//! What stands in the way of a start.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{verifying::quiet, *};

/// Puts something in the place of a file or folder, or makes it unsafe.
type Put = fn(&Path);

fn gone(path: &Path) {
    if path.symlink_metadata().is_ok() {
        fs::rename(path, path.with_extension("old")).unwrap();
    }
}

const PUTS: &[(&str, Put)] = &[
    ("a pipe", |path| {
        gone(path);
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }),
    ("a folder", |path| {
        gone(path);
        fs::create_dir(path).unwrap();
        fs::write(path.join("x"), "x").unwrap();
    }),
    ("a link", |path| {
        gone(path);
        symlink(path.with_extension("old"), path).unwrap();
    }),
    ("a link to nothing", |path| {
        gone(path);
        symlink("nothing", path).unwrap();
    }),
    ("a second name", |path| {
        if path.is_file() {
            fs::hard_link(path, path.with_extension("twin")).unwrap();
        } else {
            gone(path);
            symlink("nothing", path).unwrap();
        }
    }),
    ("a file that others can write", |path| {
        if path.symlink_metadata().is_err() {
            fs::write(path, "x").unwrap();
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }),
];

/// What is in a folder, one level deep: names, kinds and contents.
fn seen(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut seen: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("LOCK"))
        .map(|path| {
            let meta = path.symlink_metadata().unwrap();
            let text =
                if meta.is_file() { fs::read_to_string(&path).unwrap() } else { String::new() };
            (path, format!("{:o} {text}", meta.permissions().mode()))
        })
        .collect();
    seen.sort();
    seen
}

#[test]
fn nothing_in_a_directory_stops_a_start() {
    let names =
        ["LOCK", "verifier.key", "checkpoint", "announced", "00000000000000000000.jsonl", ""];
    for name in names {
        for (what, put) in PUTS {
            if name.is_empty() && *what == "a folder" {
                // As if it were new.
                continue;
            }
            let root = Root::new();
            let mut trail = quiet(&root).open().unwrap();
            write(&mut trail, 0..3);
            trail.close().unwrap();
            let place = root.path.join("00");
            put(&if name.is_empty() { place.clone() } else { place.join(name) });
            let before = place.is_dir().then(|| seen(&place));
            let mut trail = quiet(&root).open().unwrap_or_else(|e| panic!("{name}, {what}: {e}"));
            assert!(trail.directory().ends_with("01"), "{name}, {what}");
            write(&mut trail, 3..5);
            trail.close().unwrap();
            assert_eq!(place.is_dir().then(|| seen(&place)), before, "{name}, {what}: evidence");
            let told = fs::read_to_string(&files(&root.path.join("01"), ".jsonl")[0]).unwrap();
            assert!(told.contains("00 was left as it is: "), "{name}, {what}: {told}");
            assert!(told.contains("\"n\":3"), "{name}, {what}");
        }
    }
}

#[test]
fn nothing_under_a_temporary_name_is_in_the_way() {
    for (what, put) in PUTS {
        let root = Root::new();
        quiet(&root).open().unwrap().close().unwrap();
        for name in ["checkpoint.new", "announced.new", "verifier.key.new", ".checkpoint.new"] {
            put(&root.path.join("00").join(name));
        }
        let mut trail = quiet(&root).open().unwrap();
        write(&mut trail, 0..40);
        trail.close().unwrap();
        assert!(trail.directory().ends_with("00"), "{what}");
        assert!(root.segments().len() > 1, "{what}");
    }
}

#[test]
fn what_a_killed_writer_left_under_them_is_removed() {
    let root = Root::new();
    quiet(&root).open().unwrap().close().unwrap();
    let name = |end: &str| root.path.join(format!("00/.checkpoint.{}{end}", uuid::Uuid::now_v7()));
    fs::write(name(".new"), "half a no").unwrap();
    let (other, folder) = (name(".old"), name(".new"));
    fs::write(&other, "not ours").unwrap();
    fs::create_dir(&folder).unwrap();
    quiet(&root).open().unwrap().close().unwrap();
    assert_eq!(root.files(".new"), [folder]);
    assert!(other.exists());
}

#[test]
fn a_folder_in_place_of_the_checkpoint_is_moved_away_while_it_runs() {
    let root = Root::new();
    let mut trail = quiet(&root).open().unwrap();
    fs::remove_file(root.checkpoint()).unwrap();
    fs::create_dir_all(root.checkpoint().join("full")).unwrap();
    write(&mut trail, 0..40);
    trail.close().unwrap();
    assert!(root.segments().len() > 1 && root.checkpoint().is_file());
    assert!(root.files(".bad")[0].join("full").is_dir());
}

#[test]
fn when_all_hundred_are_left_the_error_says_why() {
    let root = Root::new();
    fs::create_dir(&root.path).unwrap();
    fs::set_permissions(&root.path, fs::Permissions::from_mode(0o700)).unwrap();
    for number in 1..100 {
        fs::write(root.path.join(format!("{number:02}")), "").unwrap();
    }
    let first = quiet(&root).open().unwrap();
    let error = quiet(&root).open().unwrap_err().to_string();
    assert!(error.contains("in use (1) or were left as they are (99)"), "{error}");
    assert!(error.contains("(01 was left as it is: ") && error.contains("/01"), "{error}");
    drop(first);
}

#[test]
fn a_root_that_is_unsafe_is_an_error() {
    for (what, put) in PUTS {
        let root = Root::new();
        quiet(&root).open().unwrap().close().unwrap();
        put(&root.path);
        if root.path.is_dir() && !what.contains("others") && !root.path.is_symlink() {
            // A folder in its place is another root.
            continue;
        }
        assert!(quiet(&root).open().is_err(), "{what}");
    }
}
