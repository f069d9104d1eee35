//! What is taken out of a trail: while requests are written, and killed at any system call. What was taken out is
//! in no file, and both verifiers take what is left.

mod killed;
mod load;
mod many;
mod strict;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use audit_tests::{programs, standalone::standalone};
use audit_trail::{Known, verify};

/// Runs the `audit` command.
fn audit(args: &[&str]) -> Output {
    Command::new(programs::audit()).args(args).output().expect("it starts")
}

/// Runs it, and it says yes.
fn done(args: &[&str]) -> String {
    let output = audit(args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{args:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.file_type().expect("a type").is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

/// Those in which a text occurs, in any spelling that it could have there.
fn with_text(root: &Path, text: &str) -> Vec<PathBuf> {
    let has = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    loop {
        let read = |path: PathBuf| fs::read(&path).map(|bytes| (path, bytes));
        let read: Result<Vec<_>, _> = files(root).into_iter().map(read).collect();
        match read {
            Ok(all) => {
                let found = all.into_iter().filter(|(_, bytes)| has(bytes));
                return found.map(|(path, _)| path).collect();
            }
            // One was renamed or removed meanwhile: it may stand under another name.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Both verifiers take it.
fn verifies(root: &Path, what: &str) {
    let verdicts = verify(root, &Known::default(), &mut |_, _| {}).expect("it can be read");
    for verdict in &verdicts {
        assert!(verdict.is_good(), "{what}: {verdict}");
    }
    let key = root.join("00/verifier.key");
    assert_eq!(standalone(&key, None, &[root.to_owned()]), [true], "{what}");
}
