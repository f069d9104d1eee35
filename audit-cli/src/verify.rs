//! `audit verify`: whether a trail still is what was signed.

use std::io::{self, Write};

use audit_trail::{Known, Verdict};
use serde_json::{Value, json};

use crate::{
    args::Verify,
    escape::Escaped,
    exit::Failure,
    key::{key, read},
    progress::Progress,
    talk,
};

pub(crate) fn run(args: &Verify) -> Result<(), Failure> {
    let mut known = Known::default();
    known.key = args.key.as_deref().map(key).transpose()?;
    for file in &args.anchor {
        known.anchors.push(read(file)?);
    }
    let mut progress = Progress::new("verifying");
    let verdicts =
        audit_trail::verify(&args.source, &known, &mut |done, all| progress.tell(done, all));
    drop(progress);
    let verdicts = verdicts?;
    let mut out = io::stdout().lock();
    for verdict in &verdicts {
        match args.json {
            true => writeln!(out, "{}", told(verdict))?,
            false => show(&mut out, verdict)?,
        }
    }
    out.flush()?;
    match verdicts.iter().all(Verdict::is_good) {
        true => Ok(()),
        false => Err(Failure::No),
    }
}

/// For people.
fn show(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    let mut say = |text: String| writeln!(out, "{}", Escaped(&text));
    let directory = verdict.directory.display();
    let records = talk::plural(verdict.size, "record");
    match verdict.broken.is_empty() {
        true if !verdict.is_signed() => say(format!(
            "{directory}: nothing is signed: a start was cut off before its first checkpoint, or somebody has put it back to its beginning; the next start goes on in it"
        ))?,
        true => say(format!("{directory}: integrity ok: {records}, root {}", verdict.root))?,
        false => say(format!("{directory}: integrity FAIL"))?,
    }
    for finding in &verdict.broken {
        say(format!("  {finding}"))?;
    }
    if let Some(damage) = &verdict.tail_damage {
        say(format!(
            "  the end is damaged: {damage}; the next start of the application moves it away"
        ))?;
    }
    for name in &verdict.foreign {
        say(format!("  {name} ends in .jsonl and is no segment"))?;
    }
    for warning in &verdict.warnings {
        say(format!("  WARNING: {warning}"))?;
    }
    if let Some(fresh) = verdict.fresh {
        say(format!("  last signed: {fresh}"))?;
    }
    match verdict.pinned {
        true => say("  pinned: the key came from you".to_owned())?,
        false => say("  not pinned: the key came from the trail itself, so this shows only that it is consistent in itself; pass --key".to_owned())?,
    }
    for anchor in &verdict.anchors {
        let size = talk::plural(anchor.size, "record");
        say(match anchor.holds {
            Some(true) => {
                format!("  anchored: it still holds the {size} of a checkpoint kept elsewhere")
            }
            Some(false) => format!("  an anchor of {size} does not hold"),
            None => format!("  an anchor of {size} is older than what is left after pruning"),
        })?;
    }
    if verdict.anchors.is_empty() {
        say(
            "  not anchored: that it was put back to an older state cannot be seen; pass --anchor"
                .to_owned(),
        )?;
    }
    if verdict.pruned > 0 {
        say(format!("  pruned: the records before {}, as a signed record says", verdict.pruned))?;
    }
    if verdict.redacted > 0 {
        let count = talk::plural(verdict.redacted, "record");
        say(format!("  redacted: groups of {count}, as signed records say"))?;
    }
    for (from, to) in &verdict.unsealed {
        say(format!(
            "  adopted: records {from} to {to} were not signed when a process died; trusted as the file was"
        ))?;
    }
    if verdict.repairs > 0 {
        let times = talk::plural(verdict.repairs, "time");
        say(format!("  repaired: {times}, as records tell (audit query --kind control)"))?;
    }
    if verdict.lost > 0 {
        say(format!("  gaps: {} lost, as records tell", talk::plural(verdict.lost, "record")))?;
    }
    if verdict.tail > 0 {
        say(format!(
            "  tail: {} after the last checkpoint, which nobody vouches for yet",
            talk::plural(verdict.tail, "record")
        ))?;
    }
    Ok(())
}

/// For programs.
fn told(verdict: &Verdict) -> Value {
    let finding = |one: &audit_trail::Finding| {
        let mut told = json!({ "file": one.file, "line": one.line, "what": one.what });
        if let Some(seq) = one.seq {
            told["seq"] = json!(seq);
        }
        told
    };
    let unsealed = verdict.unsealed.iter().map(|(from, to)| json!({ "from": from, "to": to }));
    let anchors = verdict.anchors.iter().map(|one| json!({ "size": one.size, "holds": one.holds }));
    let holds = verdict.anchors.iter().filter(|anchor| anchor.holds == Some(true));
    let mut told = json!({
        "directory": verdict.directory,
        "good": verdict.is_good(),
        "integrity": match verdict.broken.is_empty() {
            true if !verdict.is_signed() => "none",
            true => "ok",
            false => "FAIL",
        },
        "broken": verdict.broken.iter().map(finding).collect::<Vec<_>>(),
        "origin": verdict.origin,
        "size": verdict.size,
        "root": verdict.root,
        "pinned": verdict.pinned,
        "anchored": holds.map(|anchor| anchor.size).max(),
        "anchors": anchors.collect::<Vec<_>>(),
        "pruned": verdict.pruned,
        "redacted": verdict.redacted,
        "unsealed": unsealed.collect::<Vec<_>>(),
        "lost": verdict.lost,
        "repairs": verdict.repairs,
        "warnings": verdict.warnings,
        "tail": verdict.tail,
        "tail_damage": verdict.tail_damage.as_ref().map(finding),
        "foreign": verdict.foreign,
    });
    if let Some(fresh) = verdict.fresh {
        told["fresh"] = json!(fresh.to_string());
    }
    told
}
