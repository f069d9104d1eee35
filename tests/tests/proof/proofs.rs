//! Both checkers of proofs of single records, the command's library and the standalone one: on honest
//! ones, and on ones of which one byte was changed.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use audit_core::Group;
use audit_trail::{Known, Proof, VerifyingKey, prove};

use super::{key_of, written};

/// How many changed bytes are tried.
const MUTANTS: usize = 2_000;

/// What the standalone checker answers for each of these texts.
fn standalone(key: &VerifyingKey, proofs: &[Vec<u8>]) -> Vec<bool> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools");
    let program = "import sys\n\
        sys.path.insert(0, sys.argv[1])\n\
        sys.dont_write_bytecode = True\n\
        import check_proof\n\
        key = check_proof.Key(sys.argv[2])\n\
        for line in sys.stdin:\n\
        \x20   try:\n\
        \x20       check_proof.check(key, bytes.fromhex(line))\n\
        \x20       print(0)\n\
        \x20   except ValueError:\n\
        \x20       print(1)\n";
    let mut child = Command::new("python3")
        .args(["-c", program])
        .arg(tools)
        .arg(key.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut list = String::new();
    for proof in proofs {
        proof.iter().for_each(|byte| write!(list, "{byte:02x}").expect("memory"));
        list.push('\n');
    }
    let mut stdin = child.stdin.take().expect("a pipe");
    let feeding = std::thread::spawn(move || stdin.write_all(list.as_bytes()));
    let output = child.wait_with_output().expect("an answer");
    feeding.join().expect("no panic").expect("all of it is read");
    assert!(output.status.success(), "the standalone checker failed");
    let text = String::from_utf8(output.stdout).expect("text");
    let good: Vec<bool> = text.lines().map(|code| code == "0").collect();
    assert_eq!(good.len(), proofs.len());
    good
}

fn ours(key: &VerifyingKey, proof: &[u8]) -> bool {
    let text = std::str::from_utf8(proof).ok();
    text.and_then(|text| Proof::parse(text).ok()).is_some_and(|proof| proof.check(key).is_ok())
}

#[test]
fn both_checkers_take_honest_proofs_and_no_changed_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("audit");
    written(&root, 40, true);
    let key = key_of(&root.join("00"));
    let mut known = Known::default();
    known.key = Some(key.clone());
    let mut honest = Vec::new();
    for seq in 0..42 {
        let proof = prove(&root, &format!("00/{seq}"), &known).expect("a proof");
        let groups = [&[Group::Actor][..], &[Group::Request, Group::Response], &[Group::Error]];
        honest.push(proof.to_string().into_bytes());
        for groups in groups {
            let less = proof.clone().without(groups).expect("groups");
            honest.push(less.to_string().into_bytes());
        }
    }
    for (place, good) in standalone(&key, &honest).into_iter().enumerate() {
        assert!(good && ours(&key, &honest[place]), "proof {place}, by the standalone one {good}");
    }
    let count = std::env::var("AUDIT_MUTANTS").ok().and_then(|text| text.parse().ok());
    // Any generator does, and this one is the same each time.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |n: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("it fits") % n
    };
    let mut changed = Vec::new();
    for _ in 0..count.unwrap_or(MUTANTS) {
        let mut proof = honest[below(honest.len())].clone();
        let (at, byte) = (below(proof.len()), u8::try_from(below(255) + 1).expect("it fits"));
        match below(4) {
            0 => drop(proof.remove(at)),
            1 => proof.insert(at, byte),
            2 => proof.truncate(at),
            _ => proof[at] ^= byte,
        }
        // One end of line more or less of the same can be the same text.
        if !honest.contains(&proof) {
            changed.push(proof);
        }
    }
    for (proof, theirs) in changed.iter().zip(standalone(&key, &changed)) {
        let ours = ours(&key, proof);
        let text = String::from_utf8_lossy(proof);
        assert!(!ours && !theirs, "ours says {ours}, the standalone one {theirs}: {text}");
    }
}
