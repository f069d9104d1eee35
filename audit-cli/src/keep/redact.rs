//! `audit redact`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use audit_core::Group;
use audit_trail::{Item, Line, Reader};

use super::{open, redacted_json, show_redacted, tell};
use crate::{args::Redact, exit::Failure, talk::say};

pub(crate) fn run(args: &Redact) -> Result<(), Failure> {
    let named = ids(args)?;
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
    let maintenance = open(&args.source, &args.how)?;
    let (reason, dry_run) = (args.how.signing.reason.clone(), args.how.dry_run);
    let done = maintenance.redact(&audit_trail::Redact { reason, dry_run }, &mut pick)?;
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
fn ids(args: &Redact) -> Result<BTreeSet<String>, Failure> {
    let seq = |text: &str| text.parse().ok().filter(|seq: &u64| seq.to_string() == text);
    let writer = |name: &str| name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_digit());
    let (mut ids, mut places) = (BTreeSet::new(), BTreeMap::new());
    for text in &args.ids {
        let place = match text.split_once('/') {
            Some((name, rest)) if writer(name) => seq(rest).map(|seq| (Some(name), seq)),
            Some(_) => None,
            None => seq(text).map(|seq| (None, seq)),
        };
        match place {
            Some(place) => drop(places.insert(text, place)),
            None => drop(ids.insert(text.clone())),
        }
    }
    if places.is_empty() {
        return Ok(ids);
    }
    let mut found: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
    let mut reader = Reader::open(&args.source)?;
    while let Some(item) = reader.next()? {
        let Item::Line(line) = item else { continue };
        let is = |(name, seq): (Option<&str>, u64)| {
            seq == line.seq() && name.is_none_or(|name| name == line.writer())
        };
        for (text, _) in places.iter().filter(|(_, place)| is(**place)) {
            let id = line.entry().ok().and_then(|entry| entry.id);
            found.entry(text).or_default().extend(id);
        }
    }
    for text in places.keys() {
        match found.get(text).map(|ids| ids.iter().collect::<Vec<_>>()) {
            Some(one) if one.len() == 1 => ids.extend(one.into_iter().cloned()),
            Some(several) if several.len() > 1 => {
                let why = format!("{} writers have a record {text}: say NN/{text}", several.len());
                return Err(Failure::Usage(why));
            }
            _ => return Err(Failure::Refused(format!("there is no record {text}"))),
        }
    }
    Ok(ids)
}
