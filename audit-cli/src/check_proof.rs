//! `audit check-proof`: whether a proof of one record holds.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read as _, Write},
    path::Path,
};

use audit_core::Entry;
use audit_trail::{BadProof, Proof, Proven, VerifyingKey};
use serde_json::json;

use crate::{
    args::CheckProof,
    detail,
    escape::{Escaped, EscapedJson},
    exit::Failure,
    key, show,
    talk::plural,
};

/// No record's line is longer, in bytes.
const LINE: usize = 1 << 20;

pub(crate) fn run(args: &CheckProof) -> Result<(), Failure> {
    let key = key::key(&args.key)?;
    let text = read(args.file.as_deref(), Proof::MAX_BYTES)?;
    let line = args.record.as_deref().map(|file| read(Some(file), LINE)).transpose()?;
    let anchors = args.anchor.iter().map(|file| key::read(file)).collect::<Result<Vec<_>, _>>()?;
    let held = hold(&text, line.as_deref(), &anchors, &key);
    let anchored = !anchors.is_empty();
    let mut out = io::stdout().lock();
    match (&held, args.json) {
        (Ok((proof, proven)), false) => tell(&mut out, proof, proven, &key, anchored)?,
        (Ok((proof, proven)), true) => told(&mut out, proof, proven, &key, anchored)?,
        (Err(error), false) => writeln!(out, "{}", Escaped(&error.to_string()))?,
        (Err(error), true) => {
            writeln!(out, "{}", json!({ "good": false, "why": error.reason() }))?;
        }
    }
    out.flush()?;
    held.map(drop).map_err(|_| Failure::No)
}

fn hold(
    text: &[u8],
    line: Option<&[u8]>,
    anchors: &[String],
    key: &VerifyingKey,
) -> Result<(Proof, Proven), BadProof> {
    let utf8 = |text| std::str::from_utf8(text).map_err(|_| BadProof::from("it is not UTF-8"));
    if text.len() > Proof::MAX_BYTES {
        return Err("it is longer than any proof".into());
    }
    let mut proof = Proof::parse(utf8(text)?)?;
    if let Some(line) = line {
        proof = proof.with_record(utf8(line)?);
    }
    let proven = proof.check(key)?;
    // A key signs a text in one way, so the same checkpoint is the same text.
    if !anchors.is_empty() && !anchors.iter().any(|anchor| anchor == proof.checkpoint()) {
        return Err(
            "it holds, but its checkpoint is not one that you have kept: ask for a proof that \
            was made with `audit prove --anchor`"
                .into(),
        );
    }
    Ok((proof, proven))
}

/// A file, or stdin; of one that is longer, one byte more.
fn read(file: Option<&Path>, most: usize) -> Result<Vec<u8>, Failure> {
    let file = file.filter(|file| file.as_os_str() != "-");
    let name = file.map_or("stdin".into(), |file| file.display().to_string());
    let failed = |error: io::Error| Failure::Io(format!("cannot read {name}: {error}"));
    let mut from: Box<dyn io::Read> = match file {
        Some(file) => Box::new(File::open(file).map_err(failed)?),
        None => Box::new(io::stdin().lock()),
    };
    let mut bytes = Vec::new();
    from.by_ref().take(most as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// For people.
fn tell(
    out: &mut impl Write,
    proof: &Proof,
    proven: &Proven,
    key: &VerifyingKey,
    anchored: bool,
) -> io::Result<()> {
    let Proven { origin, seq, size, root, .. } = proven;
    writeln!(out, "the proof holds: this is record {seq} of {origin}")?;
    writeln!(out, "  signed by: {key}, the key that you gave")?;
    writeln!(out, "  checkpoint: of {}, root {root}", plural(*size, "record"))?;
    if anchored {
        writeln!(out, "  anchored: this is a checkpoint that you have kept")?;
    }
    if !proven.hidden.is_empty() {
        let hidden: Vec<&str> = proven.hidden.iter().map(|group| group.as_str()).collect();
        writeln!(out, "  not shown: {}", hidden.join(", "))?;
    }
    let record = proof.record().unwrap_or_default();
    // A kind that this version does not know is shown as it stands.
    if let Ok(entry) = Entry::parse(record) {
        show::line(out, &entry, false)?;
    }
    detail::write(out, record)
}

/// For programs: the record is as it was stored, byte for byte but on a terminal.
fn told(
    out: &mut impl Write,
    proof: &Proof,
    proven: &Proven,
    key: &VerifyingKey,
    anchored: bool,
) -> io::Result<()> {
    let told = json!({
        "good": true,
        "origin": proven.origin,
        "seq": proven.seq,
        "size": proven.size,
        "root": proven.root,
        "key": key.to_string(),
        "anchored": anchored,
        "hidden": proven.hidden,
    });
    let told = told.to_string();
    // It was checked to be one JSON object.
    let told = format!(
        "{},\"record\":{}}}",
        told.strip_suffix('}').unwrap_or_default(),
        proof.record().unwrap_or("null")
    );
    match io::stdout().is_terminal() {
        true => writeln!(out, "{}", EscapedJson(&told)),
        false => writeln!(out, "{told}"),
    }
}
