//! What is wrong with settings that were read, and where.

use std::{fmt, io, path::PathBuf};

/// Why settings were not read. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no reading the file.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What stands there cannot be: every problem, in the order of the file.
    #[error("{}", lines(.0))]
    Wrong(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// One thing that is wrong: shown as `audit.toml:3:11: auditor.capture: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub(super) place: Place,
    pub(super) key: String,
    pub(super) why: String,
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    File { name: String, line: usize, column: usize, text: String, width: usize },
    Environment(String),
}

impl Problem {
    /// The key, such as `client.trusted_proxies` or `rule.orders.status`; empty where the file is
    /// no TOML.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong with its value, and what is allowed.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The line of the file, from 1. None for an environment variable.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self.place {
            Place::File { line, .. } => Some(line),
            Place::Environment(_) => None,
        }
    }

    /// The line as it stands in the file, and below it carets where the problem is. None for an
    /// environment variable.
    #[must_use]
    pub fn excerpt(&self) -> Option<String> {
        let Place::File { column, text, width, .. } = &self.place else { return None };
        // Tabs stay, so that the carets stand below what they point at.
        let indent: String =
            text.chars().take(column - 1).map(|c| if c == '\t' { c } else { ' ' }).collect();
        let left = text.chars().count().saturating_sub(column - 1);
        Some(format!("{text}\n{indent}{}", "^".repeat((*width).min(left).max(1))))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.why)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, column, .. } => write!(f, "{name}:{line}:{column}"),
            Self::Environment(name) => write!(f, "environment {name}"),
        }
    }
}
