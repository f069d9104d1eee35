//! What is wrong with settings that were read, and where.

use std::{fmt, io, path::PathBuf};

use super::compile::SECRET_ITSELF;

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

/// Most problems that are told of one document. More help nobody, and a file may have a million.
pub(super) const MOST: usize = 100;

/// What is found to be wrong, each with its place in the document.
#[derive(Default)]
pub(super) struct Problems {
    told: Vec<(usize, Problem)>,
    /// The first that is not told.
    first: Option<Problem>,
    pub(super) count: usize,
}

impl Problems {
    pub(super) fn add(&mut self, at: usize, problem: impl FnOnce() -> Problem) {
        self.count += 1;
        if self.told.len() < MOST {
            self.told.push((at, problem()));
        } else if self.first.is_none() {
            self.first = Some(problem());
        }
    }

    /// As many as are told, in the order of the document; none where there is none.
    pub(super) fn into_error(mut self) -> Option<ConfigError> {
        self.told.sort_by_key(|(at, _)| *at);
        let mut problems: Vec<_> = self.told.into_iter().map(|(_, problem)| problem).collect();
        if let Some(first) = self.first {
            let why = format!("{}; and {} more", first.why, self.count - MOST - 1);
            problems.push(Problem { why, ..first });
        }
        (!problems.is_empty()).then_some(ConfigError::Wrong(problems))
    }
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    File {
        name: String,
        line: usize,
        column: usize,
        /// The line, or of a long one the part around the column.
        text: String,
        /// So many characters of it are before the problem.
        indent: usize,
        width: usize,
    },
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
    /// environment variable, and where a secret stands in the line.
    #[must_use]
    pub fn excerpt(&self) -> Option<String> {
        let Place::File { text, indent, width, .. } = &self.place else { return None };
        if self.why == SECRET_ITSELF {
            return None;
        }
        // Tabs stay, so that the carets stand below what they point at.
        let before: String =
            text.chars().take(*indent).map(|c| if c == '\t' { c } else { ' ' }).collect();
        let left = text.chars().count().saturating_sub(*indent);
        Some(format!("{text}\n{before}{}", "^".repeat((*width).min(left).max(1))))
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
