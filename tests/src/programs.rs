//! The programs that tests start: examples and the `audit` command.
//!
//! They are built when a test first asks for them: `cargo test -p audit-tests` does not do that by
//! itself, and one that is left from an older build would be the wrong thing to test.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

/// An example, such as a testbed.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    program(&format!("examples/{name}"), &["--example", name])
}

/// The `audit` command.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn audit() -> PathBuf {
    program("audit", &["--bin", "audit"])
}

fn program(file: &str, what: &[&str]) -> PathBuf {
    static BUILT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    // TARGET/PROFILE/deps/this
    let this = std::env::current_exe().expect("a path");
    let profile = this.parent().and_then(Path::parent).expect("a target directory");
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !built.contains(file) {
        build(what, profile);
        built.insert(file.to_owned());
    }
    profile.join(file)
}

fn build(what: &[&str], profile: &Path) {
    let target = profile.parent().expect("a target directory");
    let profile = match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    // From the root and without a package: with the features that a build of the whole workspace
    // has, so that nothing is built twice there.
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--profile", profile])
        .args(what)
        .arg("--target-dir")
        .arg(target)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace"))
        .status()
        .expect("cargo");
    assert!(built.success(), "cannot build {what:?}");
}
