//! The scenarios: what is sent, what comes back, which records it leaves. The same for every
//! framework.

mod answers;
mod connections;
mod uploads;

use audit_core::{Entry, IdSource, Outcome};
use audit_tests::wire::Said;

use crate::pair::Framework;

/// One conversation on a connection of its own.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
    /// How many requests leave no record.
    pub(crate) excluded: usize,
    usual: Answer,
    /// Where a framework answers in its own way, and which of the known differences that is.
    own: Vec<(Framework, &'static str, Answer)>,
}

/// What comes back and what it leaves.
#[derive(Clone)]
pub(crate) struct Answer {
    begins: &'static str,
    holds: Vec<&'static [u8]>,
    lacks: Vec<&'static [u8]>,
    /// The records, in the order of the requests.
    pub(crate) records: Vec<Expected>,
}

pub(crate) enum Step {
    Send(Vec<u8>),
    /// Read the head of an answer.
    Head,
    /// Read an answer with its body.
    Answer,
}

/// What a record has to say.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) route: Option<&'static str>,
    pub(crate) status: u16,
    pub(crate) outcome: Outcome,
    pub(crate) request_size: Option<u64>,
    /// The size of a request that tells none, where its body is recorded and read to its end.
    pub(crate) counted: Option<u64>,
    pub(crate) response_size: Option<u64>,
    pub(crate) id_source: IdSource,
    pub(crate) flags: &'static [&'static str],
    pub(crate) also: fn(&Entry),
}

/// A request by GET without a body, answered with so many bytes.
fn got(path: &'static str, status: u16, size: u64) -> Expected {
    Expected {
        method: "GET",
        path,
        route: Some(path),
        status,
        outcome: Outcome::Completed,
        request_size: Some(0),
        counted: None,
        response_size: Some(size),
        id_source: IdSource::Generated,
        flags: &[],
        also: |_| {},
    }
}

/// A request by POST with a body of so many bytes.
fn posted(path: &'static str, sent: impl Into<Option<u64>>, status: u16, size: u64) -> Expected {
    Expected { method: "POST", request_size: sent.into(), ..got(path, status, size) }
}

impl Scenario {
    /// One request, which is sent at once; the server closes after it.
    fn new(name: &'static str, request: impl AsRef<[u8]>, begins: &'static str) -> Self {
        Self {
            name,
            steps: vec![Step::Send(request.as_ref().to_vec())],
            excluded: 0,
            usual: Answer::new(begins),
            own: Vec::new(),
        }
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn then_send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Send(bytes.as_ref().to_vec()))
    }

    fn holds(mut self, part: &'static (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.usual = self.usual.holds(part);
        self
    }

    fn lacks(mut self, part: &'static (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.usual = self.usual.lacks(part);
        self
    }

    fn leaves(mut self, record: Expected) -> Self {
        self.usual = self.usual.leaves(record);
        self
    }

    /// What this framework answers instead, by one of the differences of the list.
    fn but(mut self, framework: Framework, difference: &'static str, answer: Answer) -> Self {
        self.own.push((framework, difference, answer));
        self
    }

    pub(crate) fn answer(&self, framework: Framework) -> &Answer {
        let own = self.own.iter().find(|(of, ..)| *of == framework);
        own.map_or(&self.usual, |(.., answer)| answer)
    }

    /// The differences between frameworks it tells of.
    pub(crate) fn differences(&self) -> impl Iterator<Item = &'static str> {
        self.own.iter().map(|(_, difference, _)| *difference)
    }
}

impl Answer {
    const fn new(begins: &'static str) -> Self {
        Self { begins, holds: Vec::new(), lacks: Vec::new(), records: Vec::new() }
    }

    fn holds(mut self, part: &'static (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.holds.push(part.as_ref());
        self
    }

    fn lacks(mut self, part: &'static (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.lacks.push(part.as_ref());
        self
    }

    fn leaves(mut self, record: Expected) -> Self {
        self.records.push(record);
        self
    }

    /// Whether what came back is what the scenario is about.
    pub(crate) fn check(&self, said: &Said) {
        let begins = said.bytes.starts_with(self.begins.as_bytes());
        assert!(begins, "it does not begin {}: {}", self.begins, said.shown());
        for part in &self.holds {
            let holds = said.holds(part);
            assert!(holds, "`{}` is missing: {}", part.escape_ascii(), said.shown());
        }
        for part in &self.lacks {
            assert!(!said.holds(part), "`{}` is there", part.escape_ascii());
        }
    }
}

const CLOSE: &str = "host: h\r\nconnection: close\r\n";
const OK: &str = "HTTP/1.1 200 ";

fn get(name: &'static str, target: &str, begins: &'static str) -> Scenario {
    Scenario::new(name, format!("GET {target} HTTP/1.1\r\n{CLOSE}\r\n"), begins)
}

pub(crate) fn all() -> Vec<Scenario> {
    [answers::all(), uploads::all(), connections::all()].into_iter().flatten().collect()
}
