//! `audit prune`.

use audit_trail::Pruned;
use serde_json::{Value, json};

use super::{open, shown, tell};
use crate::{args::Prune, escape::Escaped, exit::Failure, key, talk::plural};

pub(crate) fn run(args: &Prune) -> Result<(), Failure> {
    let anchors = args.anchor.iter().map(|file| key::read(file)).collect::<Result<_, _>>()?;
    let maintenance = open(&args.source, &args.how.signing)?;
    let dry_run = args.how.dry_run;
    let what = audit_trail::Prune {
        before: Some(args.before),
        anchors,
        force: args.force,
        reason: args.how.signing.reason.clone(),
        dry_run,
    };
    let done = maintenance.prune(&what)?;
    drop(maintenance);
    tell(
        done,
        args.how.json,
        |one| told(one, dry_run),
        |out, one| {
            let directory = shown(&one.directory);
            let (segments, bytes) = (plural(one.segments, "segment"), size(one.bytes));
            let text = match (one.segments, dry_run) {
                (0, _) => format!("{directory}: nothing to remove"),
                (_, true) => format!(
                    "{directory}: would remove {segments}, {bytes}: the records from {} on and before {}",
                    one.from, one.to
                ),
                (_, false) => format!(
                    "{directory}: removed {segments}, {bytes}: the records from {} on and before {}",
                    one.from, one.to
                ),
            };
            writeln!(out, "{}", Escaped(&text))?;
            if let Some(why) = &one.kept {
                writeln!(out, "{}", Escaped(&format!("  more is old enough and stays: {why}")))?;
            }
            Ok(())
        },
        |_| false,
    )
}

fn told(done: &Pruned, dry_run: bool) -> Value {
    let mut told = json!({
        "directory": done.directory,
        "dry_run": dry_run,
        "segments": done.segments,
        "bytes": done.bytes,
        "from": done.from,
        "to": done.to,
    });
    if let Some(why) = &done.kept {
        told["kept"] = json!(why);
    }
    told
}

/// `12 KiB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["bytes", "KiB", "MiB", "GiB"];
    let mut unit = 0;
    let mut left = bytes;
    while left >= 10_240 && unit + 1 < UNITS.len() {
        left /= 1024;
        unit += 1;
    }
    format!("{left} {}", UNITS[unit])
}
