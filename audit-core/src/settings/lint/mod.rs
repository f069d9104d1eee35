//! What is likely not meant in settings that can be.

use std::fmt;

use super::{BadSetting, Code, Origin, Reading, compile};
use crate::policy::{Checked, Config};

mod masks;
mod network;
mod patterns;
mod reach;
mod share;

/// Most warnings that are told. More help nobody.
const MOST: usize = 1_000;

/// Something that can be set, and is likely not meant: shown as
/// `audit.toml:12: rule.orders.path: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    key: String,
    why: String,
    origin: Origin,
}

impl Warning {
    /// The key, such as `client.trusted_proxies` or `rule.orders.path`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is unlikely about it, and what to do.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Where it was read.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.origin, self.key, self.why)
    }
}

impl Reading {
    /// What is likely not meant: rules that are never reached, patterns that match nothing, bodies
    /// that are recorded unmasked, and the like; in the order in which it was read. That there is
    /// nothing of it is no promise.
    ///
    /// ```
    /// use audit_core::settings::Reading;
    ///
    /// let mut reading = Reading::default();
    /// reading.text("audit.toml", "[client]\ntrusted_proxies = [\"0.0.0.0/0\"]\n")?;
    /// let warnings = reading.lint()?;
    /// assert_eq!(warnings[0].key(), "client.trusted_proxies");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first setting that cannot be.
    pub fn lint(&self) -> Result<Vec<Warning>, BadSetting> {
        let config = compile(self.settings(), &Code::default())?;
        let mut lint = Lint { reading: self, config, warnings: Vec::new() };
        lint.reach();
        lint.patterns();
        lint.masks();
        lint.network();
        lint.share();
        let mut warnings = lint.warnings;
        // What comes from one line stays in the order of the checks.
        warnings.sort_by_key(|warning| warning.origin.line());
        if warnings.len() > MOST {
            warnings.truncate(MOST);
            warnings[MOST - 1].why += "; and there are more";
        }
        Ok(warnings)
    }
}

/// What the checks look at, and what they find.
struct Lint<'a> {
    reading: &'a Reading,
    config: Config,
    warnings: Vec<Warning>,
}

impl Lint<'_> {
    fn warn(&mut self, key: &str, why: impl Into<String>) {
        let origin = self.reading.origin(key);
        self.warnings.push(Warning { key: key.to_owned(), why: why.into(), origin });
    }

    /// Of a rule, by its place; `key` may be empty, for all of it.
    fn warn_rule(&mut self, at: usize, key: &str, why: impl Into<String>) {
        let name = &self.rule(at).name;
        let shown = match key {
            "" => format!("rule.{name}"),
            key => format!("rule.{name}.{key}"),
        };
        let origin = self.reading.origin_of_rule(at, key);
        self.warnings.push(Warning { key: shown, why: why.into(), origin });
    }

    /// Rules as they were checked; behind those that are set comes the one of the settings.
    fn rule(&self, at: usize) -> &Checked {
        self.config.rules.get(at)
    }

    /// The places of the rules that are set.
    fn rules(&self) -> std::ops::Range<usize> {
        0..self.reading.settings().rules.len()
    }
}

#[cfg(test)]
mod tests;
