//! What a testbed leaves in its trail.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use audit_core::{Entry, Kind};
use audit_trail::{Damaged, Item, Reader};

use crate::audited::PATIENCE;

/// Reads a trail on, while it grows.
#[derive(Debug)]
pub struct Follower {
    reader: Reader,
    /// The records of requests that nobody asked for yet, with their text.
    waiting: Vec<(Entry, String)>,
    /// All control records so far.
    pub controls: Vec<Entry>,
    /// All damage so far.
    pub damage: Vec<Damaged>,
    /// The seq of every record so far.
    pub seqs: Vec<u64>,
}

impl Follower {
    /// Reads from the beginning.
    #[must_use]
    pub fn open(root: &Path) -> Self {
        let reader = Reader::open(root).expect("a trail");
        let (waiting, controls) = (Vec::new(), Vec::new());
        Self { reader, waiting, controls, damage: Vec::new(), seqs: Vec::new() }
    }

    /// The next `n` records of requests, as soon as they are there.
    pub fn requests(&mut self, n: usize) -> Vec<Entry> {
        self.requests_with_text(n).into_iter().map(|(entry, _)| entry).collect()
    }

    /// The same, with the line that each is in the trail.
    pub fn requests_with_text(&mut self, n: usize) -> Vec<(Entry, String)> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.read();
            if self.waiting.len() >= n {
                return self.waiting.drain(..n).collect();
            }
            let so_far: Vec<_> = self.waiting.iter().map(|(entry, _)| told(entry)).collect();
            assert!(Instant::now() < deadline, "{n} records expected, found: {so_far:?}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// All records of requests that are there now.
    pub fn rest(&mut self) -> Vec<Entry> {
        self.read();
        self.waiting.drain(..).map(|(entry, _)| entry).collect()
    }

    /// The control records with this operation.
    #[must_use]
    pub fn ops(&self, op: &str) -> Vec<&Entry> {
        let is = |entry: &&Entry| entry.control.as_ref().is_some_and(|control| control.op == op);
        self.controls.iter().filter(is).collect()
    }

    /// What must hold of a trail whose writer was closed: nothing more, nothing lost, nothing
    /// damaged.
    pub fn ends_well(&mut self) {
        let more: Vec<_> = self.rest().iter().map(told).collect();
        assert!(more.is_empty(), "records nobody expected: {more:?}");
        assert_eq!(self.damage, []);
        assert_eq!(self.ops("gap").len(), 0);
        let last = self.controls.last().and_then(|entry| entry.control.as_ref());
        assert_eq!(last.map(|control| &control.op[..]), Some("close"));
        assert!(self.seqs.iter().copied().eq(0..self.seqs.len() as u64), "{:?}", self.seqs);
    }

    fn read(&mut self) {
        while let Some(item) = self.reader.next().expect("a trail that can be read") {
            match item {
                Item::Line(line) => {
                    let entry = line.entry().unwrap_or_else(|e| panic!("{e}: {}", line.text()));
                    self.seqs.push(line.seq());
                    match entry.kind {
                        Kind::Request => self.waiting.push((entry, line.text().to_owned())),
                        _ => self.controls.push(entry),
                    }
                }
                Item::Damaged(damage) => self.damage.push(damage),
                other => panic!("unknown: {other:?}"),
            }
        }
    }
}

/// A record in short.
#[must_use]
pub fn told(entry: &Entry) -> String {
    let request = entry.request();
    let method = request.and_then(|request| request.method.as_deref()).unwrap_or("-");
    let path = request.and_then(|request| request.path.as_deref()).unwrap_or("-");
    let outcome = entry.outcome.map_or("-", audit_core::Outcome::as_str);
    let status = entry.status().unwrap_or(0);
    format!("{method} {} {outcome} {status}", &path[..path.floor_char_boundary(60)])
}

/// All files of a trail and the secret beside it, with what they hold.
#[must_use]
pub fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    collect(root, &mut found);
    let mut beside = root.as_os_str().to_owned();
    beside.push(".secret");
    if let Ok(secret) = std::fs::read(&beside) {
        found.push((beside.into(), secret));
    }
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => collect(&path, found),
            false => {
                let bytes = std::fs::read(&path).expect("a file");
                found.push((path, bytes));
            }
        }
    }
}
