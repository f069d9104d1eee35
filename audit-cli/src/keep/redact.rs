//! `audit redact`.

use std::{cell::RefCell, collections::BTreeSet};

use audit_trail::{ALL_GROUPS, Line};

use super::{open, redacted_json, show_redacted, tell};
use crate::{args::Redact, exit::Failure, talk::say};

pub(crate) fn run(args: &Redact) -> Result<(), Failure> {
    let ids: BTreeSet<&str> = args.ids.iter().map(String::as_str).collect();
    let groups = if args.group.is_empty() { ALL_GROUPS.to_vec() } else { args.group.clone() };
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
        |one| !one.held.is_empty(),
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
