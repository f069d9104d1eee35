//! From a document to settings: what is known is set, what is not is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{
    ConfigError, Origin, Settings, Value,
    document::{Entry, Node, Source, Table},
    keys::{KEYS, Key, RULE_KEYS, closest},
    probe::{Keyed, probe},
    problem::{Place, Problems},
};
use crate::Rule;

/// Reads one document.
pub(super) struct Reader<'a> {
    source: Source<'a>,
    problems: Problems,
    /// Where each key stands, as `compile` names it, and of which rule it is.
    places: BTreeMap<String, (Range<usize>, Option<usize>)>,
    /// What was set last: the key and where it stands.
    set: Vec<(&'static str, Range<usize>)>,
    /// Rules of which something was not set.
    spoiled: BTreeSet<usize>,
    pub(super) origins: BTreeMap<String, Origin>,
}

impl<'a> Reader<'a> {
    pub(super) fn read(
        name: &'a str,
        text: &'a str,
        settings: &mut Settings,
    ) -> Result<Self, ConfigError> {
        let source = Source::new(name, text);
        let table = source.parse()?;
        let mut reader = Self {
            source,
            problems: Problems::default(),
            places: BTreeMap::new(),
            set: Vec::new(),
            spoiled: BTreeSet::new(),
            origins: BTreeMap::new(),
        };
        let mut read = settings.clone();
        reader.sections(table, &mut read);
        reader.together(read.clone());
        match std::mem::take(&mut reader.problems).into_error() {
            Some(error) => Err(error),
            None => {
                *settings = read;
                Ok(reader)
            }
        }
    }

    fn sections(&mut self, table: Table, settings: &mut Settings) {
        let (rules, sections): (Table, Table) =
            table.into_iter().partition(|entry| entry.key == "rule");
        self.keys(sections, "", "", &KEYS, settings);
        for (key, at) in std::mem::take(&mut self.set) {
            self.origins.insert(key.to_owned(), self.origin(&at));
            self.places.insert(key.to_owned(), (at, None));
        }
        for entry in rules {
            let tables = match entry.node {
                Node::Tables(tables) => tables,
                Node::Value(Value::List(items), _) if items.is_empty() => Vec::new(),
                _ => {
                    let why = "is not a list of tables: write [[rule]] above each";
                    self.problem("rule", why, &entry.at);
                    continue;
                }
            };
            settings.rules.clear();
            self.origins.insert("rule".to_owned(), self.origin(&entry.at));
            self.places.insert("rule".to_owned(), (entry.at, None));
            for (at, table) in tables.into_iter().enumerate() {
                let rule = self.rule(at, table);
                settings.rules.push(rule);
            }
        }
    }

    fn rule(&mut self, at: usize, table: Table) -> Rule {
        let name = table.iter().find_map(|entry| match &entry.node {
            Node::Value(Value::Text(name), _) if entry.key == "name" => Some(&**name),
            _ => None,
        });
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        // As it is called where it has no name.
        let known = format!("rule.{}", name.unwrap_or_else(|| format!("rule-{}", at + 1)));
        let mut rule = Rule::default();
        let problems = self.problems.count;
        self.keys(table, "", &format!("{known}."), &RULE_KEYS, &mut rule);
        if self.problems.count > problems {
            self.spoiled.insert(at);
        }
        for (key, place) in std::mem::take(&mut self.set) {
            let numbered = format!("rule[{}].{key}", at + 1);
            self.origins.insert(numbered.clone(), self.origin(&place));
            // Rules of one name are told apart by their number; the first has the name.
            let named = self.places.entry(format!("{known}.{key}"));
            named.or_insert_with(|| (place.clone(), Some(at)));
            self.places.insert(numbered, (place, Some(at)));
        }
        rule
    }

    /// Sets what stands below `within`; `before` is what messages have before the key.
    fn keys<S: Keyed>(
        &mut self,
        table: Table,
        within: &str,
        before: &str,
        keys: &[Key<S>],
        into: &mut S,
    ) {
        for entry in table {
            let name = format!("{within}{}", entry.key);
            let below = format!("{name}.");
            if let Some(key) = keys.iter().find(|key| key.name == name) {
                self.key(key, entry, before, into);
            } else if keys.iter().any(|key| key.name.starts_with(&below)) {
                match entry.node {
                    Node::Table(table) => self.keys(table, &below, before, keys, into),
                    _ => {
                        let why = format!("is not a table; write [{before}{name}] above its keys");
                        self.problem(&format!("{before}{name}"), &why, &entry.at);
                    }
                }
            } else {
                self.unknown(&name, &entry, before, keys);
            }
        }
    }

    fn key<S: Keyed>(&mut self, key: &Key<S>, entry: Entry, before: &str, into: &mut S) {
        let full = format!("{before}{}", key.name);
        let (value, items) = match entry.node {
            Node::Value(value, items) => (value, items),
            Node::Table(_) => (Value::Other("a table"), Vec::new()),
            Node::Tables(_) => (Value::Other("a list of tables"), Vec::new()),
        };
        let wrong = probe(key, &value);
        if wrong.is_empty() {
            (key.set)(into, &value);
            self.set.push((key.name, entry.at));
            return;
        }
        for (item, why) in wrong {
            let at = item.and_then(|item| items.get(item)).unwrap_or(&entry.at);
            self.problem(&full, &why, at);
        }
    }

    fn unknown<S>(&mut self, name: &str, entry: &Entry, before: &str, keys: &[Key<S>]) {
        let table = matches!(entry.node, Node::Table(_) | Node::Tables(_));
        let (source, at) = (&self.source, &entry.key_at);
        self.problems.add(at.start, || {
            let what = if table { "table" } else { "key" };
            let instead = match meant(name, table, keys) {
                Some("rule") => "did you mean `[[rule]]`?".to_owned(),
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are {}", beside(name, keys)),
            };
            let why = format!("there is no such {what}; {instead}");
            source.problem(&format!("{before}{name}"), &why, at)
        });
    }

    /// What is wrong only with several keys together. Each that is told is taken out, so that the
    /// next shows.
    fn together(&mut self, mut settings: Settings) {
        for at in std::mem::take(&mut self.spoiled) {
            // What is left of it could seem wrong for want of the rest.
            if let Some(rule) = settings.rules.get_mut(at) {
                *rule = Rule::new(rule.name());
            }
        }
        // Each time all of it is checked anew.
        let rounds = if self.source.is_short() { self.places.len() } else { 0 };
        for _ in 0..=rounds {
            let Err(error) = settings.clone().check() else { return };
            // Not of this document: whoever uses the settings is told.
            let Some((at, rule)) = self.places.get(error.key()).cloned() else { return };
            self.problem(error.key(), error.why(), &at);
            match rule.and_then(|at| settings.rules.get_mut(at)) {
                Some(rule) => *rule = Rule::default(),
                None if error.key() == "rule" => settings.rules.clear(),
                None => {
                    let Some(key) = KEYS.iter().find(|key| key.name == error.key()) else { return };
                    let Some(default) = (key.get)(&Settings::default()) else { return };
                    (key.set)(&mut settings, &default);
                }
            }
        }
    }

    fn problem(&mut self, key: &str, why: &str, at: &Range<usize>) {
        self.problems.add(at.start, || self.source.problem(key, why, at));
    }

    fn origin(&self, at: &Range<usize>) -> Origin {
        match self.source.place(at) {
            Place::File { name, line, .. } => Origin::File { name, line },
            Place::Environment(name) => Origin::Environment(name),
        }
    }
}

/// What there is in the same table.
fn beside<S>(name: &str, keys: &[Key<S>]) -> String {
    let within = name.rsplit_once('.').map_or(0, |(section, _)| section.len() + 1);
    let of_section =
        keys.iter().map(|key| key.name).filter(|key| key.get(..within) == name.get(..within));
    let mut names: Vec<_> = of_section.filter_map(|key| key[within..].split('.').next()).collect();
    names.dedup();
    names.join(", ")
}

/// The key or table that was likely meant: spelled like it, or the same name in another section.
fn meant<'k, S>(name: &str, table: bool, keys: &'k [Key<S>]) -> Option<&'k str> {
    let names = || keys.iter().map(|key| key.name);
    let last = name.rsplit('.').next().unwrap_or(name);
    if table {
        let sections = names().filter_map(|name| name.split_once('.')).map(|(section, _)| section);
        return closest(name, sections.chain(["rule"]));
    }
    let of = |name: &'k str| name.rsplit('.').next().unwrap_or(name);
    // Where it stands is told best by its own section.
    let section = name.rsplit_once('.').map_or("", |(section, _)| section);
    let beside = names().filter(|name| name.rsplit_once('.').map_or("", |(s, _)| s) == section);
    let beside = closest(last, beside.map(of))
        .and_then(|meant| names().find(|name| of(name) == meant && name.starts_with(section)));
    beside
        .or_else(|| names().find(|name| of(name) == last))
        .or_else(|| closest(last, names().map(of)).and_then(|m| names().find(|n| of(n) == m)))
}
