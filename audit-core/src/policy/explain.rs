//! Why a request is recorded as it is.

use std::{fmt, time::Duration};

use super::{
    Config, EndCondition, HeadCondition, Sampled,
    rules::{Checked, Facts},
};
use crate::{Capture, Outcome, Reliability};

/// A request, as far as it is told, to ask what the settings make of it.
///
/// What is not told is taken to be an answer with status 200 at once, with no body, to nobody in
/// particular; of a request that panicked or was upgraded, with status 500 or 101; of one that was
/// cancelled, that there was no answer yet.
#[derive(Clone, Debug)]
pub struct Question {
    method: String,
    path: String,
    route: Option<String>,
    status: Option<u16>,
    outcome: Outcome,
    duration: Duration,
    size: u64,
    user: Option<String>,
    tenant: Option<String>,
}

impl Question {
    /// About a request for this path, as it would be received: percent-encoded, without a query.
    #[must_use]
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            route: None,
            status: None,
            outcome: Outcome::Completed,
            duration: Duration::ZERO,
            size: 0,
            user: None,
            tenant: None,
        }
    }

    /// Matched by the route with this template.
    #[must_use]
    pub fn route(mut self, template: impl Into<String>) -> Self {
        self.route = Some(template.into());
        self
    }

    /// Answered with this status.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// That ended so. Where there is no response, the status does not count.
    #[must_use]
    pub const fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// That took so long.
    #[must_use]
    pub const fn duration(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// Whose larger body has so many bytes.
    #[must_use]
    pub const fn size(mut self, bytes: u64) -> Self {
        self.size = bytes;
        self
    }

    /// Of this user, by name or id.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Of this tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    fn facts(&self) -> Facts<'_> {
        let status = match self.outcome {
            Outcome::ServiceError | Outcome::Interrupted => None,
            Outcome::Cancelled => self.status,
            Outcome::Panicked => self.status.or(Some(500)),
            Outcome::Upgraded => self.status.or(Some(101)),
            Outcome::Completed | Outcome::BodyError => self.status.or(Some(200)),
        };
        Facts {
            route: self.route.as_deref(),
            status,
            outcome: self.outcome,
            nanos: u64::try_from(self.duration.as_nanos()).unwrap_or(u64::MAX),
            size: self.size,
            user: self.user.as_deref(),
            user_id: self.user.as_deref(),
            tenant: self.tenant.as_deref(),
        }
    }
}

/// What the settings make of a request, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The status that was asked about, if there is an answer.
    pub status: Option<u16>,
    /// The exclusion that leaves no record, whatever the rules say.
    pub excluded: Option<String>,
    /// Every rule in order, up to the one that decides; none for an excluded request.
    pub rules: Vec<Tried>,
    /// The name of the rule that decides.
    pub rule: String,
    /// How much is recorded.
    pub capture: Capture,
    /// How much is gathered until the request ends, since a rule may ask for it then.
    pub gathered: Capture,
    /// Bytes kept of each body.
    pub body_limit: usize,
    /// What a response says about its record.
    pub reliability: Reliability,
    /// Whether the built-in names are masked.
    pub built_in_masks: bool,
    /// What is masked besides: the selector, and how.
    pub masks: Vec<(String, &'static str)>,
    /// The share of requests such as this one that leave a record; 1 for one that always does.
    pub sample_rate: f64,
    /// Why it leaves a record, or none, or one by chance.
    pub why: String,
}

/// One rule that was tried.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tried {
    /// Its name.
    pub name: String,
    /// Whether it decides.
    pub decides: bool,
    /// The conditions that do not hold; for the rule that decides, those that do.
    pub conditions: Vec<String>,
}

impl Config {
    /// What becomes of a request.
    pub(crate) fn explain(&self, question: &Question) -> Explanation {
        let (method, path) = (&*question.method, &*question.path);
        let facts = question.facts();
        let head = self.rules.at_head(method, path, question.route.as_deref());
        let at = self.rules.at_end(head.candidates, &facts);
        let rule = self.rules.get(at);
        let says = &rule.says;
        let mask = &self.masks[says.mask];
        let excluded = self.exclusions.why(method, path);
        // Decided at the head, where some rule records something.
        let begins = excluded.is_none() && head.capture > Capture::None;
        let strict = begins && head.reliability == Reliability::Strict;
        let (sample_rate, why) = match (&excluded, says.capture) {
            (Some(why), _) => (0.0, format!("no record: excluded by {why}")),
            (None, _) if strict => (1.0, "always recorded: it is strict".to_owned()),
            (None, Capture::None) => {
                (0.0, format!("no record: the rule `{}` captures none", rule.name))
            }
            (None, _) => sampled(rule, &facts),
        };
        Explanation {
            rules: if excluded.is_some() { Vec::new() } else { self.tried(question, at) },
            excluded,
            rule: rule.name.clone(),
            capture: if strict { says.capture.max(Capture::Metadata) } else { says.capture },
            status: facts.status,
            gathered: if begins { head.capture.max(self.capture_up_to) } else { Capture::None },
            body_limit: says.limit,
            reliability: if strict { Reliability::Strict } else { Reliability::Buffered },
            built_in_masks: mask.masks_built_in(),
            masks: mask.told(),
            sample_rate,
            why,
        }
    }

    fn tried(&self, question: &Question, deciding: usize) -> Vec<Tried> {
        let facts = question.facts();
        (0..=deciding)
            .map(|at| {
                let rule = self.rules.get(at);
                let decides = at == deciding;
                let (method, path) = (&question.method, &question.path);
                let capture = rule.says.capture;
                let head = rule
                    .at_head
                    .iter()
                    .filter(|c| c.holds(method, path, capture) == decides)
                    .map(ToString::to_string);
                let end = rule.at_end.iter().filter(|c| c.holds(&facts) == decides);
                let conditions = head.chain(end.map(ToString::to_string)).collect();
                Tried { name: rule.name.clone(), decides, conditions }
            })
            .collect()
    }
}

fn sampled(rule: &Checked, facts: &Facts<'_>) -> (f64, String) {
    let says = &rule.says;
    let share = says.sample;
    // The greatest lot is out of every share but the whole.
    match says.sampled(u64::MAX, facts) {
        Sampled::In(_) if share >= 1.0 => (1.0, "always recorded".to_owned()),
        Sampled::In(_) if says.keep_errors && facts.is_error() => {
            (1.0, format!("always recorded: it failed, whatever `sample = {share}` says"))
        }
        Sampled::In(_) => {
            (1.0, format!("always recorded: it is slow, whatever `sample = {share}` says"))
        }
        Sampled::Out if share <= 0.0 => (0.0, "no record: `sample = 0`".to_owned()),
        Sampled::Out => (share, format!("recorded by chance: `sample = {share}`")),
    }
}

impl fmt::Display for HeadCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Methods(methods) => write!(f, "method is {}", methods.join(" or ")),
            Self::Path(glob) => write!(f, "path matches {glob}"),
        }
    }
}

impl fmt::Display for EndCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route(template) => write!(f, "route is {template}"),
            Self::Status(ranges) => {
                let texts: Vec<_> = ranges
                    .iter()
                    .map(|range| match (*range.start(), *range.end()) {
                        (from, to) if from == to => from.to_string(),
                        (from, to) if from % 100 == 0 && to == from + 99 => {
                            format!("{}xx", from / 100)
                        }
                        (from, to) => format!("{from}-{to}"),
                    })
                    .collect();
                write!(f, "status is {}", texts.join(" or "))
            }
            Self::Outcome(outcomes) => {
                let words: Vec<_> = outcomes.iter().map(|outcome| outcome.as_str()).collect();
                write!(f, "outcome is {}", words.join(" or "))
            }
            Self::MinDuration(nanos) => {
                write!(f, "it takes at least {:?}", Duration::from_nanos(*nanos))
            }
            Self::MinSize(bytes) => write!(f, "a body has at least {bytes} bytes"),
            Self::User(users) => write!(f, "user is {}", users.join(" or ")),
            Self::Tenant(tenants) => write!(f, "tenant is {}", tenants.join(" or ")),
        }
    }
}
