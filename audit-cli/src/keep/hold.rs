//! `audit hold`.

use std::io::{self, Write as _};

use audit_trail::Held;
use serde_json::json;

use super::open;
use crate::{args::Hold, escape::Escaped, exit::Failure};

pub(crate) fn run(args: &Hold) -> Result<(), Failure> {
    let maintenance = open(&args.source, &args.signing)?;
    let reason = args.signing.reason.clone();
    match &args.name {
        Some(name) if args.release => maintenance.release(name, reason.as_deref())?,
        Some(name) => {
            let (since, until) = (args.since, args.until);
            maintenance.hold(&audit_trail::Hold { name: name.clone(), since, until, reason })?;
        }
        None => {}
    }
    let holds = maintenance.holds()?;
    drop(maintenance);
    let mut out = io::stdout().lock();
    for held in &holds {
        match args.json {
            true => writeln!(out, "{}", told(held))?,
            false => writeln!(out, "{}", Escaped(&shown(held)))?,
        }
    }
    if holds.is_empty() && !args.json {
        writeln!(out, "no hold is in force")?;
    }
    Ok(out.flush()?)
}

fn told(held: &Held) -> serde_json::Value {
    let mut told = json!({ "name": held.name, "directory": held.directory, "seq": held.seq });
    let text = |time: Option<audit_core::Timestamp>| time.map(|time| time.to_string());
    let times = [("since", held.since), ("until", held.until), ("time", held.time)];
    for (member, value) in times.map(|(member, time)| (member, text(time))) {
        if let Some(value) = value {
            told[member] = json!(value);
        }
    }
    if let Some(reason) = &held.reason {
        told["reason"] = json!(reason);
    }
    told
}

fn shown(held: &Held) -> String {
    let range = match (held.since, held.until) {
        (None, None) => "all records".to_owned(),
        (Some(since), None) => format!("records since {since}"),
        (None, Some(until)) => format!("records before {until}"),
        (Some(since), Some(until)) => format!("records since {since} and before {until}"),
    };
    let placed = held.time.map_or_else(String::new, |time| format!(", placed {time}"));
    let reason = held.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    format!("{}: {range}{placed}{reason}", held.name)
}
