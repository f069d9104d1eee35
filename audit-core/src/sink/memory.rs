//! Records kept in memory, for tests and small viewers.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Sink, SinkError};
use crate::{Entry, Record};

/// Keeps the newest records in memory. Clones share one store.
///
/// ```
/// use audit_core::{Auditor, sink::Memory};
/// let memory = Memory::new();
/// let auditor = Auditor::to(memory.clone());
/// // … requests …
/// auditor.flush().unwrap();
/// assert_eq!(memory.entries().len(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Memory {
    records: Arc<Mutex<VecDeque<Record>>>,
    most: usize,
}

impl Memory {
    /// Keeps the newest 10,000 records.
    #[must_use]
    pub fn new() -> Self {
        Self::with_most(10_000)
    }

    /// Keeps the newest `most` records.
    #[must_use]
    pub fn with_most(most: usize) -> Self {
        Self { records: Arc::default(), most: most.max(1) }
    }

    /// The records kept, oldest first. Call `flush` on the auditor before, so that none is
    /// still on its way.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.lock().iter().cloned().collect()
    }

    /// The records kept, oldest first, as a reader sees them.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.records().iter().filter_map(|record| record.to_entry().ok()).collect()
    }

    /// Forgets all records.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Record>> {
        // Nothing in the critical sections leaves the queue half changed.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Sink for Memory {
    fn write(&mut self, record: &Record) -> Result<(), SinkError> {
        let mut records = self.lock();
        if records.len() == self.most {
            records.pop_front();
        }
        records.push_back(record.clone());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}
