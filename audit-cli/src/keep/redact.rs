//! `audit redact`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use audit_core::Group;
use audit_trail::{Line, Maintenance, Named};

use super::{open, redacted_json, show_redacted, tell};
use crate::{args::Redact, exit::Failure, talk::say};

pub(crate) fn run(args: &Redact) -> Result<(), Failure> {
    let maintenance = open(&args.source, &args.how.signing)?;
    let named = ids(args, &maintenance)?;
    let ids: BTreeSet<&str> = named.iter().map(String::as_str).collect();
    let groups = if args.group.is_empty() { Group::ALL.to_vec() } else { args.group.clone() };
    let missing = RefCell::new(ids.clone());
    let mut pick = |line: &Line| {
        // The cheap look first: most lines hold none.
        if !ids.iter().any(|id| line.text().contains(id)) {
            return Vec::new();
        }
        let Ok(entry) = line.entry() else { return Vec::new() };
        let own = entry.id.as_deref().filter(|id| ids.contains(id));
        let announced = entry.control.as_ref().and_then(|control| control.record.as_deref());
        if let Some(id) = own {
            missing.borrow_mut().remove(id);
        }
        match own.or(announced.filter(|id| ids.contains(id))) {
            Some(_) => groups.clone(),
            None => Vec::new(),
        }
    };
    let (reason, dry_run) = (args.how.signing.reason.clone(), args.how.dry_run);
    let done = maintenance.redact(&audit_trail::Redact { reason, dry_run }, &mut pick)?;
    drop(maintenance);
    let failed = tell(
        done,
        args.how.json,
        |one| redacted_json(one, dry_run),
        |out, one| show_redacted(out, one, dry_run),
        |one| !one.held.is_empty() || one.unsigned > 0,
    );
    for id in missing.borrow().iter() {
        say(format_args!("no record has the id {id}"));
    }
    failed?;
    match missing.borrow().is_empty() {
        true => Ok(()),
        false => Err(Failure::No),
    }
}

/// The ids of the records that were named, by id or by place.
fn ids(args: &Redact, maintenance: &Maintenance) -> Result<BTreeSet<String>, Failure> {
    let (mut ids, mut places) = (BTreeSet::new(), BTreeMap::new());
    for text in &args.ids {
        match Named::parse(text) {
            Named::Id(id) => drop(ids.insert(id.to_owned())),
            Named::Place { writer, seq } => drop(places.insert((writer, seq), text)),
        }
    }
    if places.is_empty() {
        return Ok(ids);
    }
    // By place only what is signed: anybody with the files can put another of that number behind it.
    let mut found: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    let of = maintenance.find(args.how.dry_run, &mut |line| {
        let of = [Some(line.writer()), None].map(|writer| places.get(&(writer, line.seq())));
        let named: Vec<&String> = of.into_iter().flatten().copied().collect();
        (!named.is_empty()).then(|| (named, line.entry().ok().and_then(|entry| entry.id)))
    })?;
    for (named, id) in of.into_iter().map(|one| one.what) {
        named.into_iter().for_each(|text| found.entry(text).or_default().extend(id.clone()));
    }
    for text in places.into_values() {
        match found.remove(text).as_deref() {
            Some([id]) => drop(ids.insert(id.clone())),
            Some(several @ [_, _, ..]) => {
                let why = format!("{} writers have a record {text}: say NN/{text}", several.len());
                return Err(Failure::Usage(why));
            }
            _ => {
                let why = format!("there is no record {text} that this key has signed");
                return Err(Failure::Refused(why));
            }
        }
    }
    Ok(ids)
}
