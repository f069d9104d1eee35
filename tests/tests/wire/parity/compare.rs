//! Compares what two frameworks left in their trails, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::list::{self, Difference, Scope};

/// What is another one with every request, or every process.
const OF_THE_MOMENT: [&str; 7] =
    ["id", "time", "duration_ms", "ttfb_ms", "seq", "salt", "service.instance"];

/// Compares records, and keeps which of the known differences there were.
pub(crate) struct Comparison {
    scope: Scope,
    seen: BTreeSet<&'static str>,
    unknown: Vec<String>,
}

impl Comparison {
    pub(crate) const fn new(scope: Scope) -> Self {
        Self { scope, seen: BTreeSet::new(), unknown: Vec::new() }
    }

    /// The records of one request, by axum and by actix.
    pub(crate) fn compare(&mut self, scenario: &str, axum: &Value, actix: &Value) {
        let [axum, actix] = [fields(axum), fields(actix)];
        let names: BTreeSet<_> = axum.keys().chain(actix.keys()).collect();
        for name in names {
            let (of_axum, of_actix) = (axum.get(name), actix.get(name));
            if of_axum == of_actix {
                continue;
            }
            match self.known().find(|known| known.allows(scenario, name)) {
                Some(known) => self.uses(known.name),
                None => {
                    let shown = [of_axum, of_actix].map(|value| match value {
                        Some(value) => value.to_string(),
                        None => "absent".to_owned(),
                    });
                    self.unknown.push(format!("{scenario}: {name}: {}", shown.join(" | ")));
                }
            }
        }
    }

    /// This entry of the list is needed.
    pub(crate) fn uses(&mut self, name: &'static str) {
        assert!(self.known().any(|known| known.name == name), "`{name}` is not in the list");
        self.seen.insert(name);
    }

    /// There was no difference but those of the list; and, where `all` was compared, each of them.
    pub(crate) fn end(self, all: bool) {
        assert!(self.unknown.is_empty(), "axum | actix:\n  {}", self.unknown.join("\n  "));
        let stale = self.known().map(|known| known.name).filter(|name| !self.seen.contains(name));
        let stale: Vec<_> = stale.collect();
        assert!(!all || stale.is_empty(), "in the list, but not seen: {stale:?}");
    }

    fn known(&self) -> impl Iterator<Item = &'static Difference> + use<> {
        let scope = self.scope;
        list::DIFFERENCES.iter().filter(move |difference| difference.scope == scope)
    }
}

/// The values of a record by their place, such as `request.headers.host`.
fn fields(record: &Value) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    collect(String::new(), record, &mut fields);
    fields.retain(|name, _| !OF_THE_MOMENT.contains(&name.as_str()));
    // The client's own is the same for both.
    if fields.get("request.id_source") != Some(&"inbound".into()) {
        assert!(fields.remove("request.id").is_some(), "a request without an id");
    }
    fields
}

fn collect(place: String, value: &Value, fields: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let dot = if place.is_empty() { "" } else { "." };
                collect(format!("{place}{dot}{name}"), value, fields);
            }
        }
        leaf => drop(fields.insert(place, leaf.clone())),
    }
}
