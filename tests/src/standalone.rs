//! The second verifier, `tools/verify_trail.py`.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What the standalone verifier answers for each of these directories.
///
/// # Panics
///
/// When it cannot be run.
#[must_use]
pub fn standalone(key: &Path, anchor: Option<&Path>, directories: &[PathBuf]) -> Vec<bool> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools");
    let program = "import sys, io, contextlib\n\
        sys.path.insert(0, sys.argv[1])\n\
        sys.dont_write_bytecode = True\n\
        import verify_trail\n\
        key, anchors = sys.argv[2], sys.argv[3:]\n\
        for line in sys.stdin:\n\
        \x20   with contextlib.redirect_stdout(io.StringIO()):\n\
        \x20       code = verify_trail.verify(key, line.rstrip('\\n'), anchors)\n\
        \x20   print(code)\n";
    let mut child = Command::new("python3")
        .args(["-c", program])
        .arg(tools)
        .arg(key)
        .args(anchor)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let list: String = directories.iter().map(|path| format!("{}\n", path.display())).collect();
    let mut stdin = child.stdin.take().expect("a pipe");
    let feeding = std::thread::spawn(move || stdin.write_all(list.as_bytes()));
    let output = child.wait_with_output().expect("an answer");
    feeding.join().expect("no panic").expect("all of it is read");
    assert!(output.status.success(), "the standalone verifier failed");
    let text = String::from_utf8(output.stdout).expect("text");
    let good: Vec<bool> = text
        .lines()
        .map(|code| match code {
            "0" => true,
            "1" => false,
            other => panic!("neither 0 nor 1: {other}"),
        })
        .collect();
    assert_eq!(good.len(), directories.len());
    good
}
