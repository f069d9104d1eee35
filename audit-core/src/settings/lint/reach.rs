//! Rules that decide on nothing, and settings that record nothing.

use super::Lint;
use crate::{
    Capture,
    policy::{Never, Steps},
};

impl Lint<'_> {
    pub(super) fn reach(&mut self) {
        let settings = self.reading.settings();
        if self.config.exclusions.are_all() {
            self.warn("exclude.paths", "excludes every request, but for odd paths (with `..`, or escapes): nothing else is recorded");
            return;
        }
        let records = |at| self.rule(at).says.capture > Capture::None;
        if !(0..=settings.rules.len()).any(records) {
            let why = "and no rule records more: nothing is recorded";
            self.warn("auditor.capture", format!("`none`, {why}"));
        }
        let mut steps = Steps::default();
        for at in self.rules() {
            let Some(never) = self.config.rules.never(at, &self.config.exclusions, &mut steps)
            else {
                continue;
            };
            let why = match never {
                Never::Contradicts => {
                    "decides on no request: its conditions never hold together".to_owned()
                }
                Never::Taken(by) => format!(
                    "is never reached: {} before it already {} all of its requests; put it first, \
                     or leave it out",
                    rules(&by),
                    if by.len() == 1 { "takes" } else { "take" }
                ),
                Never::TakenButOdd(by) => format!(
                    "is reached only by odd requests (`OPTIONS *`, paths with `..` or escapes): {} \
                     before it already {} the rest; put it first, or leave it out",
                    rules(&by),
                    if by.len() == 1 { "takes" } else { "take" }
                ),
                Never::Excluded => {
                    "is never reached: [exclude] leaves out all of its requests, and counts more \
                     than rules"
                        .to_owned()
                }
                Never::ExcludedButOdd => {
                    "is reached only by odd paths (with `..`, or escapes): [exclude] leaves out \
                     the rest of its requests, and counts more than rules"
                        .to_owned()
                }
            };
            self.warn_rule(at, "", why);
        }
    }
}

fn rules(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("{} {}", if names.len() == 1 { "rule" } else { "rules" }, names.join(", "))
}
