//! `audit prove`: one record, for somebody who does not have the trail.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use audit_trail::{Known, ProveError, prove};
use serde_json::json;

use crate::{
    args::Prove,
    exit::Failure,
    key::{key, read},
    talk::say,
};

pub(crate) fn run(args: &Prove) -> Result<(), Failure> {
    let mut known = Known::default();
    known.key = args.key.as_deref().map(key).transpose()?;
    for file in &args.anchor {
        known.anchors.push(read(file)?);
    }
    let proof = prove(&args.source, &args.id, &known).map_err(told)?;
    let proof =
        proof.without(&args.without).map_err(|error| Failure::Refused(error.to_string()))?;
    let text = proof.to_string();
    if let Some(file) = &args.out {
        save(file, &text)?;
    }
    let mut out = io::stdout().lock();
    match (&args.out, args.json) {
        (None, false) => out.write_all(text.as_bytes())?,
        (file, true) => {
            let mut told = json!({
                "seq": proof.seq(),
                "pinned": known.key.is_some(),
                "bytes": text.len(),
            });
            match file {
                Some(file) => told["file"] = json!(file),
                None => told["proof"] = json!(text),
            }
            writeln!(out, "{told}")?;
        }
        (Some(file), false) => say(format_args!(
            "wrote {}: check it with `audit check-proof {0} --key KEY`",
            file.display()
        )),
    }
    Ok(out.flush()?)
}

/// That there is no proof is an answer, and not a failure.
fn told(error: ProveError) -> Failure {
    match error {
        ProveError::Read(error) => error.into(),
        ProveError::NoKey(_) => Failure::Io(error.to_string()),
        ProveError::WhichWriter { .. } => Failure::Usage(error.to_string()),
        error => Failure::Refused(error.to_string()),
    }
}

/// It holds what the record holds, so nobody else reads it.
fn save(file: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::Io(format!(
            "{} exists already, and is left as it is: name another file",
            file.display()
        )),
        _ => Failure::Io(format!("cannot write {}: {error}", file.display())),
    };
    let mut made =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    made.write_all(text.as_bytes()).and_then(|()| made.sync_all()).map_err(|error| {
        // Half a proof is none.
        let _ = fs::remove_file(file);
        failed(error)
    })
}
