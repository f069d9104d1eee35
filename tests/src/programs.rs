//! The programs that tests start: examples and the `audit` command.
//!
//! They are built if they are missing or older than what they are made of: `cargo test -p
//! audit-tests` does not do that by itself.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// What the programs are made of, below the workspace.
const SOURCES: [&str; 7] = [
    "Cargo.lock",
    "audit-actix",
    "audit-cli",
    "audit-core",
    "audit-tower",
    "audit-trail",
    "examples",
];

/// An example, such as a testbed.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    program(&format!("examples/{name}"), &["--package", "audit-examples", "--example", name])
}

/// The `audit` command.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn audit() -> PathBuf {
    program("audit", &["--package", "audit-cli"])
}

fn program(file: &str, what: &[&str]) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // TARGET/PROFILE/deps/this
    let this = std::env::current_exe().expect("a path");
    let profile = this.parent().and_then(Path::parent).expect("a target directory");
    let program = profile.join(file);
    let built = program.metadata().and_then(|meta| meta.modified()).ok();
    let newest = SOURCES.iter().map(|part| newest(&workspace().join(part))).max();
    if built < newest {
        build(what, profile);
    }
    program
}

fn build(what: &[&str], profile: &Path) {
    let target = profile.parent().expect("a target directory");
    let profile = match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--profile", profile])
        .args(what)
        .arg("--target-dir")
        .arg(target)
        .current_dir(workspace())
        .status()
        .expect("cargo");
    assert!(built.success(), "cannot build {what:?}");
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace")
}

/// When the newest file below was changed.
fn newest(path: &Path) -> SystemTime {
    let own = path.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let below = std::fs::read_dir(path).into_iter().flatten().flatten();
    below.map(|entry| newest(&entry.path())).chain([own]).max().unwrap_or(own)
}
