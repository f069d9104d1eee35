//! Settings as text.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::{
    Reading, Value,
    keys::{KEYS, Key, RULE_KEYS},
};
use crate::Rule;

impl Reading {
    /// All settings, as a file that would set them; with `origins`, a comment on each line says
    /// where it comes from. What only code can say (functions that mask, `capture_up_to`) is not
    /// in it.
    #[must_use]
    pub fn to_toml(&self, origins: bool) -> String {
        let mut text = String::new();
        let mut section = "";
        for key in KEYS.iter() {
            let Some(value) = (key.get)(self.settings()) else { continue };
            let (of, name) = parts(key.name);
            if of != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{gap}[{of}]");
                section = of;
            }
            self.line(&mut text, key.name, name, &value, origins);
        }
        for (at, rule) in self.settings().rules.iter().enumerate() {
            text += "\n[[rule]]\n";
            for key in RULE_KEYS.iter() {
                let Some(value) = (key.get)(rule) else { continue };
                self.line(&mut text, &in_rule(at, key.name), key.name, &value, origins);
            }
        }
        text
    }

    fn line(&self, text: &mut String, key: &str, name: &str, value: &Value, origin: bool) {
        let _ = match origin {
            true => writeln!(text, "{name} = {value}  # {}", self.origin(key)),
            false => writeln!(text, "{name} = {value}"),
        };
    }

    /// All settings as JSON: an object in which each section is one, and `rule` a list; with
    /// `origins`, a list of keys with their values and where they come from.
    #[must_use]
    pub fn to_json(&self, origins: bool) -> String {
        if origins {
            let one = |(key, value): (String, Value)| {
                let origin = self.origin(&key).to_string();
                json!({ "key": key, "value": value.to_json(), "origin": origin })
            };
            return self.all().into_iter().map(one).collect::<Json>().to_string();
        }
        let mut sections = Map::new();
        let mut rules: Vec<Json> = self.settings().rules.iter().map(|_| json!({})).collect();
        for (key, value) in self.all() {
            let (of, name) = parts(&key);
            let rule =
                of.strip_prefix("rule[").and_then(|rest| rest.strip_suffix(']')?.parse().ok());
            let table = match rule.and_then(|number: usize| rules.get_mut(number - 1)) {
                Some(rule) => rule,
                None => sections.entry(of).or_insert_with(|| json!({})),
            };
            match name.split_once('.') {
                Some((inner, name)) => table[inner][name] = value.to_json(),
                None => table[name] = value.to_json(),
            }
        }
        sections.insert("rule".to_owned(), rules.into());
        Json::Object(sections).to_string()
    }

    fn all(&self) -> Vec<(String, Value)> {
        let settings = self.settings();
        let keys = KEYS.iter().filter_map(|key| Some((key.name.to_owned(), (key.get)(settings)?)));
        let rules = settings.rules.iter().enumerate().flat_map(|(at, rule)| {
            let value = move |key: &Key<Rule>| Some((in_rule(at, key.name), (key.get)(rule)?));
            RULE_KEYS.iter().filter_map(value)
        });
        keys.chain(rules).collect()
    }
}

fn in_rule(at: usize, key: &str) -> String {
    format!("rule[{}].{key}", at + 1)
}

/// The section, or the rule, and the key in it.
fn parts(key: &str) -> (&str, &str) {
    key.split_once('.').unwrap_or((key, ""))
}
