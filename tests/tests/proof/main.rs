//! Both verifiers, the command's library and the standalone one, on the same trails: whole ones, and
//! ones of which one byte was changed.

mod proofs;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use audit_core::Auditor;
use audit_tests::standalone::standalone;
use audit_tower::{Capture, axum::AuditLayer};
use audit_trail::{Known, Trail, VerifyingKey, verify};
use axum::{Json, Router, body::Body, extract::Request, routing::post};
use tower::ServiceExt as _;

/// How many trails with a changed byte are tried.
const MUTANTS: usize = 500;

/// A trail of real requests in several segments with several checkpoints; not closed, if it is to
/// look like one of a process that died.
fn written(root: &Path, requests: usize, close: bool) {
    let trail = Trail::builder(root)
        .segment_bytes(12_000)
        .checkpoint_records(9)
        .checkpoint_interval(Duration::from_secs(60))
        .open()
        .expect("a trail");
    let auditor = Auditor::builder().capture(Capture::Full).build(trail).expect("settings");
    let echo = async |Json(body): Json<serde_json::Value>| Json(body);
    let app = Router::new().route("/orders", post(echo)).layer(AuditLayer::new(&auditor));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for n in 0..requests {
        let body = format!("{{\"n\":{n},\"user\":\"ann\",\"password\":\"hunter2\"}}");
        let request = Request::post("/orders?q=1").header("content-type", "application/json");
        let request = request.body(Body::from(body)).expect("a request");
        drop(runtime.block_on(app.clone().oneshot(request)).expect("an answer"));
        if n % 5 == 0 {
            auditor.flush().expect("a flush");
            // Now and then it is signed meanwhile.
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    auditor.flush().expect("a flush");
    if close {
        auditor.close_blocking().expect("a close");
    } else {
        // Its process is gone, and nothing more is written.
        std::mem::forget(auditor);
    }
}

fn ours(known: &Known, directory: &Path) -> bool {
    let verdicts = verify(directory, known, &mut |_, _| {}).expect("it can be read");
    verdicts.iter().all(audit_trail::Verdict::is_good)
}

fn key_of(directory: &Path) -> VerifyingKey {
    let text = fs::read_to_string(directory.join("verifier.key")).expect("a key");
    VerifyingKey::parse(&text).expect("a key")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for file in fs::read_dir(from).expect("a folder").flatten() {
        fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
    }
}

#[test]
fn both_verifiers_take_honest_trails() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    written(&at("closed"), 40, true);
    written(&at("again"), 20, true);
    written(&at("again"), 20, true);
    written(&at("died"), 20, false);
    // As its disk would be after the process is gone: nobody holds the copy.
    copy(&at("died/00"), &at("left/00"));
    copy(&at("died/00"), &at("recovered/00"));
    fs::remove_file(at("left/00/LOCK")).expect("it is there");
    fs::copy(at("died.key"), at("recovered.key")).expect("a copy");
    for path in ["left", "left/00", "recovered", "recovered/00"] {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(at(path), private).expect("it is ours");
    }
    written(&at("recovered"), 20, true);
    for name in ["closed", "again", "died", "left", "recovered"] {
        let directory = at(name).join("00");
        let known = Known::default();
        assert!(
            ours(&known, &directory),
            "{name}: {:?}",
            verify(&directory, &known, &mut |_, _| {})
        );
        let key = directory.join("verifier.key");
        let good = standalone(&key, None, &[directory.clone(), at(name)]);
        assert_eq!(good, [true, true], "{name}, as a directory and as a root");
        // A root that was opened twice has one directory, signed by one key.
        assert!(!at(name).join("01").exists(), "{name}");
    }
}

#[test]
fn no_changed_byte_is_missed_by_either() {
    let count = std::env::var("AUDIT_MUTANTS").ok().and_then(|text| text.parse().ok());
    let count: usize = count.unwrap_or(MUTANTS);
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("audit");
    written(&root, 40, true);
    let directory = root.join("00");
    let key = key_of(&directory);
    let anchor = folder.path().join("anchor");
    fs::copy(directory.join("checkpoint"), &anchor).expect("a copy");
    let mut known = Known::default();
    known.key = Some(key.clone());
    known.anchors.push(fs::read_to_string(&anchor).expect("a note"));
    assert!(ours(&known, &directory));
    let key_file = folder.path().join("audit.pub");
    fs::write(&key_file, format!("{key}\n")).expect("a file");
    let mut files: Vec<PathBuf> = fs::read_dir(&directory)
        .expect("a folder")
        .flatten()
        .map(|file| file.path())
        .filter(|path| {
            path.extension().is_some_and(|end| end == "jsonl") || path.ends_with("checkpoint")
        })
        .collect();
    files.sort();
    assert!(files.len() > 4, "several segments: {files:?}");
    let sizes: Vec<u64> =
        files.iter().map(|path| fs::metadata(path).expect("it is there").len()).collect();
    let all: u64 = sizes.iter().sum();
    // Any generator does, and this one is the same each time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |n: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mutants = folder.path().join("mutants");
    for batch in 0..count.div_ceil(250) {
        let mut made: Vec<(PathBuf, String)> = Vec::new();
        for n in 0..250.min(count - batch * 250) {
            let place = mutants.join(format!("{n}"));
            copy(&directory, &place);
            let mut at = below(all);
            let which = sizes
                .iter()
                .position(|size| {
                    at < *size || {
                        at -= size;
                        false
                    }
                })
                .expect("a file");
            let name = files[which].file_name().expect("a name");
            let mut bytes = fs::read(&files[which]).expect("it is there");
            let index = usize::try_from(at).expect("it fits");
            let change = u8::try_from(1 + below(255)).expect("it fits");
            bytes[index] ^= change;
            fs::write(place.join(name), bytes).expect("a file");
            made.push((place, format!("{name:?} byte {index} ^ {change}")));
        }
        let places: Vec<PathBuf> = made.iter().map(|(place, _)| place.clone()).collect();
        let theirs = standalone(&key_file, Some(&anchor), &places);
        for ((place, what), theirs) in made.iter().zip(theirs) {
            let ours = ours(&known, place);
            assert!(!ours && !theirs, "{what}: ours says {ours}, the standalone one {theirs}");
        }
        fs::remove_dir_all(&mutants).expect("it is ours");
    }
}
