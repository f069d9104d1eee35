//! Compares what two frameworks left in their trails, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::list::{self, DIFFERENCES};
use crate::pair::Framework;

/// What is another one with every request, or every process.
const OF_THE_MOMENT: [&str; 7] =
    ["id", "time", "duration_ms", "ttfb_ms", "seq", "salt", "service.instance"];

/// Compares records, and keeps which of the known differences there were.
#[derive(Default)]
pub(crate) struct Comparison {
    compared: BTreeSet<String>,
    /// Differences, and the scenarios they were seen in.
    seen: BTreeSet<(&'static str, String)>,
    unknown: Vec<String>,
}

impl Comparison {
    /// The records of one request, by axum and by actix.
    pub(crate) fn compare(&mut self, scenario: &str, axum: &Value, actix: &Value) {
        self.compared.insert(scenario.to_owned());
        let [axum, actix] = [fields(axum), fields(actix)];
        let names: BTreeSet<_> = axum.keys().chain(actix.keys()).collect();
        for name in names {
            let (of_axum, of_actix) = (axum.get(name), actix.get(name));
            if of_axum == of_actix {
                continue;
            }
            match DIFFERENCES.iter().find(|known| known.allows(scenario, name)) {
                Some(known) => drop(self.seen.insert((known.name, scenario.to_owned()))),
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

    /// The answers of this scenario differ as the list says.
    pub(crate) fn differs(&mut self, difference: &'static str, scenario: &str) {
        let known = DIFFERENCES.iter().find(|known| known.name == difference);
        let known = known.unwrap_or_else(|| panic!("`{difference}` is not in the list"));
        let listed = known.scenarios.is_empty() || known.scenarios.contains(&scenario);
        assert!(listed, "`{difference}` does not list `{scenario}`");
        self.seen.insert((difference, scenario.to_owned()));
    }

    /// There was no difference but those of the list; and, where records were compared `whole`,
    /// each of those.
    pub(crate) fn end(self, whole: bool) {
        assert!(self.unknown.is_empty(), "axum | actix:\n  {}", self.unknown.join("\n  "));
        let expected = DIFFERENCES.iter().flat_map(|known| {
            let compared = |name: &&&str| self.compared.contains(**name);
            let scenarios = known.scenarios.iter().filter(compared);
            scenarios.map(|scenario| (known.name, (*scenario).to_owned()))
        });
        let stale: Vec<_> = expected.filter(|expected| !self.seen.contains(expected)).collect();
        assert!(!whole || stale.is_empty(), "in the list, but not seen: {stale:?}");
    }
}

/// Runs the same for every framework. What it records under a name is the same for all.
pub(crate) fn alike(run: impl Fn(Framework, &mut Vec<(&'static str, Value)>)) {
    let [axum, actix] = Framework::ALL.map(|framework| {
        let mut records = Vec::new();
        run(framework, &mut records);
        records
    });
    let mut comparison = Comparison::default();
    assert_eq!(axum.len(), actix.len());
    for ((name, axum), (same, actix)) in axum.iter().zip(&actix) {
        assert_eq!(name, same);
        assert!(list::MORE_SCENARIOS.contains(name), "`{name}` has to be in the list");
        comparison.compare(name, axum, actix);
    }
    comparison.end(true);
}

/// The values of a record by their place, such as `request.headers.host`.
fn fields(record: &Value) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    collect(String::new(), record, &mut fields);
    fields.retain(|name, _| !OF_THE_MOMENT.contains(&name.as_str()));
    if let Some(masked) = fields.get_mut("masked").and_then(Value::as_array_mut) {
        // In the order of the headers.
        masked.sort_by_key(Value::to_string);
    }
    if fields.get("outcome") == Some(&"cancelled".into()) {
        // As much as went out before the client left.
        fields.remove("response.size");
    }
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
