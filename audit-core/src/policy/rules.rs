//! The rules as the request path and the writer use them.

use std::ops::RangeInclusive;

use super::glob::{Glob, leads_elsewhere};
use crate::{Capture, Outcome, Reliability};

/// Most rules that settings may have: as many as [`Candidates`] has bits, less the last one.
pub(crate) const MOST_RULES: usize = Candidates::BITS - 1;

/// Rules in the order in which they are tried. The last one is for every request.
#[derive(Clone, Debug)]
pub(crate) struct Rules(Vec<Checked>);

/// One rule, checked.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) name: String,
    pub(crate) at_head: Vec<HeadCondition>,
    pub(crate) at_end: Vec<EndCondition>,
    pub(crate) says: Says,
}

/// What a rule says, with what the settings say where it is silent.
#[derive(Clone, Debug)]
pub(crate) struct Says {
    pub(crate) capture: Capture,
    pub(crate) reliability: Reliability,
    /// Bytes kept of each body.
    pub(crate) limit: usize,
    /// The place among the masks of the policy.
    pub(crate) mask: usize,
    pub(crate) sample: f64,
    pub(crate) keep_errors: bool,
    /// Nanoseconds from which on a request is always recorded.
    pub(crate) slow: Option<u64>,
}

/// What is decided by the request's head.
#[derive(Clone, Debug)]
pub(crate) enum HeadCondition {
    Methods(Vec<String>),
    Path(Glob),
}

/// What is decided when the request has ended.
#[derive(Clone, Debug)]
pub(crate) enum EndCondition {
    Route(String),
    Status(Vec<RangeInclusive<u16>>),
    Outcome(Vec<Outcome>),
    /// In nanoseconds.
    MinDuration(u64),
    /// In bytes.
    MinSize(u64),
    User(Vec<String>),
    Tenant(Vec<String>),
}

/// What is known of a request when it has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) route: Option<&'a str>,
    pub(crate) status: Option<u16>,
    pub(crate) outcome: Outcome,
    pub(crate) nanos: u64,
    /// Of the larger body.
    pub(crate) size: u64,
    pub(crate) user: Option<&'a str>,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) tenant: Option<&'a str>,
}

impl Facts<'_> {
    /// Whether the request failed.
    pub(crate) fn is_error(&self) -> bool {
        !self.outcome.succeeded(self.status)
    }
}

/// The rules that may decide on a request, by their places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Candidates([u64; 4]);

impl Candidates {
    const BITS: usize = 256;

    fn add(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(word, mut bits)| {
            std::iter::from_fn(move || {
                let bit = bits.trailing_zeros() as usize;
                bits &= bits.wrapping_sub(1);
                (bit < 64).then_some(word * 64 + bit)
            })
        })
    }
}

/// What the head of a request decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtHead {
    pub(crate) candidates: Candidates,
    /// The most that a candidate records.
    pub(crate) capture: Capture,
    /// The most that one keeps of a body.
    pub(crate) limit: usize,
    /// The most that one says.
    pub(crate) reliability: Reliability,
}

impl Rules {
    /// From rules of which the last one has no condition.
    pub(crate) fn new(rules: Vec<Checked>) -> Self {
        Self(rules)
    }

    /// Which rules may decide on a request with this head, and what they need of it. A `route`
    /// that is not known yet may become any.
    pub(crate) fn at_head(&self, method: &str, path: &str, route: Option<&str>) -> AtHead {
        let mut head = AtHead {
            candidates: Candidates::default(),
            capture: Capture::None,
            limit: 0,
            reliability: Reliability::default(),
        };
        for (at, rule) in self.0.iter().enumerate() {
            let says = &rule.says;
            if !rule.at_head.iter().all(|c| c.holds(method, path, says.capture)) {
                continue;
            }
            let may_hold = |condition: &EndCondition| match (condition, route) {
                (EndCondition::Route(wanted), Some(route)) => Some(wanted == route),
                _ => None,
            };
            let at_end = rule.at_end.iter().map(may_hold);
            if at_end.clone().any(|holds| holds == Some(false)) {
                continue;
            }
            head.candidates.add(at);
            head.capture = head.capture.max(says.capture);
            head.reliability = head.reliability.max(says.reliability);
            head.limit = head.limit.max(says.limit);
            if at_end.clone().all(|holds| holds == Some(true)) {
                break;
            }
        }
        head
    }

    /// The rule that decides on a request that has ended: its place.
    pub(crate) fn at_end(&self, candidates: Candidates, facts: &Facts<'_>) -> usize {
        let holds = |at: &usize| {
            self.0.get(*at).is_some_and(|rule| rule.at_end.iter().all(|c| c.holds(facts)))
        };
        candidates.iter().find(holds).unwrap_or(self.0.len() - 1)
    }

    /// What all that may decide on a request agree on: the least that one records, and what masks
    /// it, if that is one and the same.
    pub(crate) fn agreed(&self, candidates: Candidates) -> (Capture, Option<usize>) {
        let mut says = candidates.iter().map(|at| &self.get(at).says);
        let Some(first) = says.next() else { return (Capture::None, None) };
        says.fold((first.capture, Some(first.mask)), |(capture, mask), says| {
            (capture.min(says.capture), mask.filter(|mask| *mask == says.mask))
        })
    }

    /// The rule at a place. One that does not exist is the last one.
    pub(crate) fn get(&self, at: usize) -> &Checked {
        self.0.get(at).unwrap_or(&self.0[self.0.len() - 1])
    }

    /// The rule of this name; `None`: the last one.
    pub(crate) fn named(&self, name: Option<&str>) -> Option<&Checked> {
        match name {
            Some(name) => self.0.iter().find(|rule| rule.name == name),
            None => self.0.last(),
        }
    }

    /// Whether there is more than the one that is for every request.
    pub(crate) fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    /// Whether some rule leaves out some of its requests by chance.
    pub(crate) fn sample(&self) -> bool {
        self.0.iter().any(|rule| rule.says.sample < 1.0)
    }
}

impl HeadCondition {
    /// Whether it holds for a head; `capture` is what its rule records.
    pub(crate) fn holds(&self, method: &str, path: &str, capture: Capture) -> bool {
        match self {
            Self::Methods(methods) => methods.iter().any(|wanted| wanted == method),
            // What leaves no record must not be a way around the record of something else.
            Self::Path(glob) if capture == Capture::None => {
                glob.matches(path) && !leads_elsewhere(path)
            }
            // And what asks for more must not be escaped from by escaping.
            Self::Path(glob) => {
                glob.matches(path) || decoded(path).is_some_and(|p| glob.matches(&p))
            }
        }
    }
}

fn decoded(path: &str) -> Option<String> {
    let escaped = path.contains('%');
    escaped.then(|| percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned())
}

impl EndCondition {
    /// Whether it holds for a request that has ended.
    pub(crate) fn holds(&self, facts: &Facts<'_>) -> bool {
        let is = |wanted: &[String], fact: Option<&str>| {
            fact.is_some_and(|fact| wanted.iter().any(|w| w == fact))
        };
        match self {
            Self::Route(wanted) => facts.route == Some(wanted),
            Self::Status(ranges) => {
                facts.status.is_some_and(|status| ranges.iter().any(|r| r.contains(&status)))
            }
            Self::Outcome(wanted) => wanted.contains(&facts.outcome),
            Self::MinDuration(nanos) => facts.nanos >= *nanos,
            Self::MinSize(bytes) => facts.size >= *bytes,
            Self::User(wanted) => is(wanted, facts.user) || is(wanted, facts.user_id),
            Self::Tenant(wanted) => is(wanted, facts.tenant),
        }
    }
}

/// What becomes of a request that its rule selects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sampled {
    /// It leaves a record, as this share of its like does.
    In(f64),
    /// It leaves none.
    Out,
}

impl Says {
    /// Whether a request leaves a record. `lot` was drawn for it at its head.
    pub(crate) fn sampled(&self, lot: u64, facts: &Facts<'_>) -> Sampled {
        let is_slow = || self.slow.is_some_and(|slow| facts.nanos >= slow);
        if self.sample >= 1.0 || (self.keep_errors && facts.is_error()) || is_slow() {
            return Sampled::In(1.0);
        }
        // The 53 bits that a double holds, as a number from 0 to below 1.
        let drawn = (lot >> 11) as f64 / (1_u64 << 53) as f64;
        if drawn < self.sample { Sampled::In(self.sample) } else { Sampled::Out }
    }
}

#[cfg(test)]
mod tests;
