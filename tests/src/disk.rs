//! A sink that works, fails or hangs, as a test says, and knows what is durable.
#![allow(clippy::unwrap_used)] // A helper that fails fails its test.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use audit_core::{
    Auditor, AuditorBuilder, Entry, Kind, Record, Reliability, Sink, sink::SinkError,
};

use crate::audited::PATIENCE;

/// What it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// What it is asked to.
    #[default]
    Works,
    /// It takes nothing.
    Fails,
    /// It takes records and does not return from making them durable.
    Hangs,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    records: Vec<Record>,
    durable: usize,
}

/// Its handle; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<(Mutex<State>, Condvar)>);

impl Disk {
    /// An auditor of strict requests that writes to a new one. They are refused after 300 ms.
    #[must_use]
    pub fn strict() -> (Auditor, Self) {
        Self::strict_with(|settings| settings)
    }

    /// The same with other settings.
    #[must_use]
    pub fn strict_with(settings: impl FnOnce(AuditorBuilder) -> AuditorBuilder) -> (Auditor, Self) {
        let disk = Self::default();
        let within = Duration::from_millis(300);
        let builder = Auditor::builder().reliability(Reliability::Strict).strict_within(within);
        (settings(builder).build(disk.clone()).unwrap(), disk)
    }

    /// From now on it does this.
    pub fn set(&self, mode: Mode) {
        self.0.0.lock().unwrap().mode = mode;
        self.0.1.notify_all();
    }

    /// What is durable: operations of control records, outcomes of requests.
    #[must_use]
    pub fn durable(&self) -> Vec<String> {
        let state = self.0.0.lock().unwrap();
        state.records[..state.durable].iter().map(told).collect()
    }

    /// The records of requests, when the auditor is closed. Each intent is followed by its record.
    #[must_use]
    pub fn ended(&self, auditor: &Auditor) -> Vec<Entry> {
        self.set(Mode::Works);
        auditor.close_blocking().unwrap();
        let c = auditor.counters();
        let ended = c.excluded + c.sampled_out + c.discarded + c.dropped + c.accepted;
        assert_eq!((c.started, c.accepted, c.in_flight), (ended, c.written, 0), "{c:?}");
        assert_eq!(c.memory_bytes, 0, "{c:?}");
        let entries: Vec<_> =
            self.0.0.lock().unwrap().records.iter().map(|r| r.to_entry().unwrap()).collect();
        for (at, intent) in entries.iter().enumerate() {
            let control = intent.control.as_ref();
            if let Some(id) = control.filter(|c| c.op == "intent").and_then(|c| c.record.as_ref()) {
                let is =
                    |entry: &&Entry| entry.kind == Kind::Request && entry.id.as_ref() == Some(id);
                assert_eq!(entries[at..].iter().filter(is).count(), 1, "{entries:#?}");
            }
        }
        entries.into_iter().filter(|entry| entry.kind == Kind::Request).collect()
    }

    /// Waits until so many records were taken, durable or not.
    pub async fn taken(&self, records: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.0.0.lock().unwrap().records.len() < records {
            assert!(Instant::now() < deadline, "waited in vain: {self:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn told(record: &Record) -> String {
    let entry = record.to_entry().unwrap();
    match (entry.control, entry.outcome) {
        (Some(control), _) => control.op,
        (None, outcome) => outcome.unwrap().to_string(),
    }
}

impl Sink for Disk {
    fn write(&mut self, record: &Record) -> Result<(), SinkError> {
        let mut state = self.0.0.lock().unwrap();
        if state.mode == Mode::Fails {
            return Err(SinkError::unavailable("full"));
        }
        state.records.push(record.clone());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        let mut state = self.0.0.lock().unwrap();
        while state.mode == Mode::Hangs {
            state = self.0.1.wait(state).unwrap();
        }
        if state.mode == Mode::Fails {
            return Err(SinkError::unavailable("full"));
        }
        state.durable = state.records.len();
        Ok(())
    }
}
