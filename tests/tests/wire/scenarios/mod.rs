//! The scenarios: what is sent, what comes back, which records it leaves. The same for every
//! framework.

mod answers;
mod connections;
mod uploads;

use audit_core::{Entry, IdSource, Outcome};

/// One conversation on a connection of its own.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
    /// How the answers begin.
    begins: &'static str,
    holds: Vec<&'static [u8]>,
    lacks: Vec<&'static [u8]>,
    /// The records it leaves, in order.
    pub(crate) records: Vec<Expected>,
    /// How many requests leave none.
    pub(crate) excluded: usize,
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
            begins,
            holds: Vec::new(),
            lacks: Vec::new(),
            records: Vec::new(),
            excluded: 0,
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
    pub(crate) fn check(&self, said: &audit_tests::wire::Said) {
        assert!(
            said.bytes.starts_with(self.begins.as_bytes()),
            "it does not begin {}",
            self.begins
        );
        for part in &self.holds {
            assert!(said.holds(part), "`{}` is missing", part.escape_ascii());
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
