//! A testbed with the layer and a trail; and one beside it without.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use audit_core::Entry;
use audit_tests::{
    testbed::Testbed,
    trail::{Follower, told},
    wire::{Said, Wire},
};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

impl Framework {
    pub(crate) const ALL: [Self; 2] = [Self::Axum, Self::Actix];

    pub(crate) const fn testbed(self) -> &'static str {
        match self {
            Self::Axum => "testbed_axum",
            Self::Actix => "testbed_actix",
        }
    }

    /// What was said, so that it can be compared.
    pub(crate) fn comparable(self, said: &Said) -> Said {
        match self {
            Self::Axum => said.clone(),
            // It keeps headers in a hash map, whose order is another one each time.
            Self::Actix => said.sorted(),
        }
    }
}

/// Keeps tests that put the machine under load, and tests that measure time, from each other.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A testbed with the layer and a trail.
pub(crate) struct Audited {
    pub(crate) testbed: Testbed,
    pub(crate) trail: Follower,
    pub(crate) root: PathBuf,
    folder: tempfile::TempDir,
}

impl Audited {
    pub(crate) fn start(framework: Framework, capture: &str) -> Self {
        Self::start_as(framework, capture, "buffered")
    }

    pub(crate) fn start_as(framework: Framework, capture: &str, reliability: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::start_with(framework, folder, &["--audit", capture, "--reliability", reliability])
    }

    /// With its trail in this folder.
    pub(crate) fn start_with(
        framework: Framework,
        folder: tempfile::TempDir,
        flags: &[&str],
    ) -> Self {
        let root = folder.path().join("trail");
        let trail = root.to_str().expect("a path");
        let testbed = Testbed::start(framework.testbed(), &[flags, &["--trail", trail]].concat());
        let trail = Follower::open(&root);
        Self { testbed, trail, root, folder }
    }

    pub(crate) fn connect(&self) -> Wire {
        Wire::connect(self.testbed.addr)
    }

    /// A connection on which a path was asked for.
    pub(crate) fn ask(&self, target: &str) -> Wire {
        let mut wire = self.connect();
        wire.send(format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n"));
        wire
    }

    /// The next record, which is of a request for this path.
    pub(crate) fn record(&mut self, path: &str) -> Entry {
        self.record_as_json(path).0
    }

    pub(crate) fn record_as_json(&mut self, path: &str) -> (Entry, Value) {
        let (record, text) = self.trail.requests_with_text(1).remove(0);
        let found = record.request().and_then(|request| request.path.as_deref());
        assert_eq!(found, Some(path), "{}", told(&record));
        (record, serde_json::from_str(&text).expect("JSON"))
    }

    /// Stops it. The trail holds nothing more and is in order.
    pub(crate) fn end(mut self, panics: usize) {
        self.testbed.stop_cleanly(panics);
        self.trail.ends_well();
        self.folder.close().expect("a folder");
    }
}

/// The same conversation without the layer and with it.
pub(crate) struct Pair {
    pub(crate) bare: Testbed,
    pub(crate) audited: Audited,
}

impl Pair {
    pub(crate) fn start(framework: Framework, capture: &str) -> Self {
        Self::start_as(framework, capture, "buffered")
    }

    pub(crate) fn start_as(framework: Framework, capture: &str, reliability: &str) -> Self {
        let bare = Testbed::start(framework.testbed(), &["--audit", "off"]);
        Self { bare, audited: Audited::start_as(framework, capture, reliability) }
    }

    /// What both said: without the layer, with it.
    pub(crate) fn both(&self, talk: impl Fn(Wire) -> Vec<u8>) -> [Said; 2] {
        let addrs = [self.bare.addr, self.audited.testbed.addr];
        addrs.map(|addr| Said::new(&talk(Wire::connect(addr))))
    }

    /// Stops both, which have panicked so often.
    pub(crate) fn end(mut self, panics: usize) {
        self.bare.stop_cleanly(panics);
        self.audited.end(panics);
    }
}
