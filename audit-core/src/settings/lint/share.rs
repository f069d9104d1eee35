//! Requests that leave no record by chance, and strict ones.

use super::Lint;
use crate::{Capture, Reliability};

impl Lint<'_> {
    pub(super) fn share(&mut self) {
        for at in self.rules() {
            let rule = self.rule(at);
            let says = &rule.says;
            let (sampled, records) = (says.sample < 1.0, says.capture > Capture::None);
            let (strict, keep_errors) = (says.reliability == Reliability::Strict, says.keep_errors);
            let ends = !rule.at_end.is_empty();
            let (none, slow) = (says.sample <= 0.0, says.slow.is_some());
            if strict && sampled && records {
                self.warn_rule(at, "sample", "has no effect: strict requests are always recorded");
            } else if none && !keep_errors && !slow && records {
                self.warn_rule(
                    at,
                    "sample",
                    "records nothing at all, not even what fails; if that is meant, write \
                     `capture = \"none\"`",
                );
            } else if sampled && !keep_errors && records {
                self.warn_rule(
                    at,
                    "keep_errors",
                    "is off: of requests that fail, too, only a share leaves a record",
                );
            }
            let said = self.reading.settings().rules[at].reliability == Some(Reliability::Strict);
            if said && ends && records {
                self.warn_rule(
                    at,
                    "reliability",
                    "is decided at the head: every request that may still come to this rule is \
                     strict, whatever its end turns out to be",
                );
            }
            if said && !records {
                self.warn_rule(
                    at,
                    "reliability",
                    "strict requests are recorded at the level of metadata at least, though the \
                     rule captures none",
                );
            }
        }
    }
}
