//! `audit erase`.

use std::collections::{BTreeMap, HashSet};

use audit_core::Group;
use audit_trail::{Item, Line, Maintenance, Reader};
use serde_json::json;

use super::{open, redacted_json, show_redacted, tell};
use crate::{
    args::Erase,
    escape::Escaped,
    exit::Failure,
    talk::{plural, say},
};

/// Records hold so much of a name, in bytes.
const LONGEST: usize = 256;

pub(crate) fn run(args: &Erase) -> Result<(), Failure> {
    if args.user.trim().is_empty() {
        return Err(Failure::Usage("--user is empty: name one user".to_owned()));
    }
    if args.user.len() > LONGEST {
        let why = "--user is longer than 256 bytes: give the first 256, which is what records hold";
        return Err(Failure::Usage(why.to_owned()));
    }
    let wanted = Wanted::new(&args.user);
    if args.how.signing.reason.as_deref().is_some_and(|reason| wanted.is_in(reason)) {
        let why = "the reason names the user, and a reason stays for ever: name the case instead";
        return Err(Failure::Usage(why.to_owned()));
    }
    let maintenance = open(&args.source, &args.how.signing)?;
    let announced = wanted.requests(&maintenance, args.how.dry_run)?;
    let mut pick = |line: &Line| match wanted.acts_in(line) || is_announced(&announced, line) {
        true => Group::ALL.to_vec(),
        false if args.mentions => wanted.mentions(line),
        false => Vec::new(),
    };
    let (reason, dry_run) = (args.how.signing.reason.clone(), args.how.dry_run);
    let done = maintenance.redact(&audit_trail::Redact { reason, dry_run }, &mut pick)?;
    drop(maintenance);
    let held = done
        .iter()
        .flatten()
        .flat_map(|one| one.held.iter().map(|(seq, _)| (&one.directory, *seq)));
    let held = held
        .filter_map(|(path, seq)| Some((path.file_name()?.to_string_lossy().into_owned(), seq)));
    let mentions = mentions(args, &wanted, &held.collect())?;
    let of = |directory: &std::path::Path| {
        let name = directory.file_name().map(|name| name.to_string_lossy().into_owned());
        name.and_then(|name| mentions.get(&name)).copied().unwrap_or_default()
    };
    tell(
        done,
        args.how.json,
        |one| {
            let mut told = redacted_json(one, dry_run);
            let left = of(&one.directory);
            told["mentions"] = json!({ "groups": left.groups, "core": left.core });
            told["left"] = json!(left.own);
            told
        },
        |out, one| {
            show_redacted(out, one, dry_run)?;
            let left = of(&one.directory);
            if left.own > 0 {
                let records = plural(left.own, "record");
                let text =
                    format!("  {records} of theirs came meanwhile and stand there: run it again");
                writeln!(out, "{}", Escaped(&text))?;
            }
            if left.groups > 0 {
                let records = plural(left.groups, "other record");
                let text =
                    format!("  {records} mention them: --mentions redacts the groups that do");
                writeln!(out, "{}", Escaped(&text))?;
            }
            if left.core > 0 {
                let records = plural(left.core, "record");
                let text = format!(
                    "  {records} hold the text in the core (tenant, module, action, service), which \
                     cannot be redacted"
                );
                writeln!(out, "{}", Escaped(&text))?;
            }
            Ok(())
        },
        |one| !one.held.is_empty() || one.unsigned > 0,
    )
}

/// Records that still hold the text, in a writer directory.
#[derive(Clone, Copy, Default)]
struct Left {
    groups: u64,
    core: u64,
    /// Their own, which came meanwhile.
    own: u64,
}

/// Is it what a strict request has left before its record, and the record is among these?
fn is_announced(ids: &HashSet<String>, line: &Line) -> bool {
    if ids.is_empty() || line.kind() != "control" {
        return false;
    }
    let record = line.entry().ok().and_then(|entry| entry.control?.record);
    record.is_some_and(|id| ids.contains(&id))
}

fn mentions(
    args: &Erase,
    wanted: &Wanted,
    held: &HashSet<(String, u64)>,
) -> Result<BTreeMap<String, Left>, Failure> {
    let mut found: BTreeMap<String, Left> = BTreeMap::new();
    let mut reader = Reader::open(&args.source)?;
    while let Some(item) = reader.next()? {
        let Item::Line(line) = item else { continue };
        if !wanted.is_in(line.text()) {
            continue;
        }
        if wanted.acts_in(&line) {
            // In a dry run the records of theirs are still there.
            if !args.how.dry_run && !held.contains(&(line.writer().to_owned(), line.seq())) {
                found.entry(line.writer().to_owned()).or_default().own += 1;
            }
            continue;
        }
        let left = found.entry(line.writer().to_owned()).or_default();
        let core = line.text().split('\t').next().unwrap_or_default();
        left.core += u64::from(wanted.is_in(core));
        left.groups += u64::from(!wanted.mentions(&line).is_empty());
    }
    if !found.is_empty() && !args.how.json && args.how.dry_run {
        say("in a dry run, mentions are those that would be left without --mentions");
    }
    Ok(found)
}

/// Whom to erase.
struct Wanted {
    user: String,
    /// The ways the name is spelled in JSON, and in paths and queries.
    spelled: Vec<String>,
}

impl Wanted {
    fn new(user: &str) -> Self {
        let json = serde_json::Value::from(user).to_string();
        let json = json.trim_matches('"').to_owned();
        let percent = |keep: &str, upper: bool| {
            let byte = |b: &u8| match b {
                b if b.is_ascii_alphanumeric() || keep.as_bytes().contains(b) => {
                    char::from(*b).to_string()
                }
                b if upper => format!("%{b:02X}"),
                b => format!("%{b:02x}"),
            };
            user.as_bytes().iter().map(byte).collect::<String>()
        };
        let mut spelled = vec![json];
        for keep in ["-._~", "-._~@+:", "-._~@"] {
            spelled.extend([true, false].map(|upper| percent(keep, upper)));
        }
        // In queries and forms.
        spelled.push(percent("-._~ ", true).replace(' ', "+"));
        spelled.sort_unstable();
        spelled.dedup();
        Self { user: user.to_owned(), spelled }
    }

    /// The ids of this user's requests: what announced them was written before the user was known.
    fn requests(&self, trail: &Maintenance, dry_run: bool) -> Result<HashSet<String>, Failure> {
        let id = |line: &Line| line.entry().ok()?.id;
        let found = trail.find(dry_run, &mut |line| {
            (line.kind() == "request" && self.acts_in(line)).then(|| id(line))?
        })?;
        let (adopted, ids): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.adopted);
        let mut ids: HashSet<_> = ids.into_iter().map(|one| one.what).collect();
        let mut adopted: HashSet<_> = adopted.into_iter().map(|one| one.what).collect();
        if !adopted.is_empty() {
            // Somebody with the files could have put a record of theirs behind the last checkpoint that has the id
            // of another's request. That other record was not taken over.
            let others = trail.find(dry_run, &mut |line| {
                let other = line.kind() == "request" && !self.acts_in(line);
                other.then(|| id(line))?.filter(|id| adopted.contains(id))
            })?;
            for other in others.into_iter().filter(|one| !one.adopted) {
                adopted.remove(&other.what);
            }
        }
        ids.extend(adopted);
        Ok(ids)
    }

    /// Is it one of the records of this user?
    fn acts_in(&self, line: &Line) -> bool {
        if !self.is_in(line.text()) {
            return false;
        }
        let Ok(entry) = line.entry() else { return false };
        let is = |value: &Option<String>| value.as_deref() == Some(&*self.user);
        entry.actor().is_some_and(|actor| is(&actor.user) || is(&actor.user_id))
    }

    /// The groups in which the name occurs.
    fn mentions(&self, line: &Line) -> Vec<Group> {
        let groups = line.groups().filter(|(_, value)| self.is_in(value));
        groups.map(|(group, _)| group).collect()
    }

    /// Does it occur, as a word of its own?
    fn is_in(&self, text: &str) -> bool {
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        self.spelled.iter().any(|name| {
            text.match_indices(&**name).any(|(at, found)| {
                let (before, after) = (&text[..at], &text[at + found.len()..]);
                !part(before.chars().next_back()) && !part(after.chars().next())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_a_word_in_every_spelling() {
        let wanted = Wanted::new("ann.b@example.com");
        for text in [
            r#"{"user":"ann.b@example.com"}"#,
            "/users/ann.b%40example.com/orders",
            "q=ann.b%40example.com&x=1",
            "Mail from <ann.b@example.com>.",
        ] {
            assert!(wanted.is_in(text), "{text}");
        }
        for text in ["joann.b@example.com", "ann.b@example.community", "ann@example.com", ""] {
            assert!(!wanted.is_in(text), "{text}");
        }
        let odd = Wanted::new("Ann \"é\" B");
        assert!(odd.is_in(r#"{"user":"Ann \"é\" B"}"#));
        assert!(odd.is_in("name=Ann+%22%C3%A9%22+B"));
        assert!(odd.is_in("/Ann%20%22%c3%a9%22%20B"));
    }
}
