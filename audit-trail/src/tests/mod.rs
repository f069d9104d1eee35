//! Tests of the parts together, against real files.

mod agreeing;
mod attacks;
mod begun;
mod faults;
mod follow;
mod forging;
mod images;
mod interference;
mod interrupted;
mod leaving;
mod maintaining;
mod misled;
mod obstacles;
mod proving;
mod pruning;
mod reading;
mod recovery;
mod stopped;
mod tampering;
mod verifying;
mod writing;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use audit_core::sink::Sink as _;

use crate::{Builder, Item, Line, Reader, Trail};

/// A root in a folder that goes away with it.
struct Root {
    _temp: tempfile::TempDir,
    path: PathBuf,
}

impl Root {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("audit");
        Self { _temp: temp, path }
    }

    fn builder(&self) -> Builder {
        Trail::builder(&self.path).commit_interval(Duration::from_millis(2))
    }

    fn trail(&self) -> Trail {
        self.builder().open().unwrap()
    }

    /// A trail that does not wait for the disk.
    fn fast_trail(&self) -> Trail {
        self.builder().disk(crate::disk::faulty::Faulty::fast()).open().unwrap()
    }

    /// The files of writer 00 whose names end so, in order.
    fn files(&self, end: &str) -> Vec<PathBuf> {
        files(&self.path.join("00"), end)
    }

    /// What writer 00 has published.
    fn checkpoint(&self) -> PathBuf {
        self.path.join("00/checkpoint")
    }

    fn segments(&self) -> Vec<PathBuf> {
        self.files(".jsonl")
    }

    /// All items, as short texts.
    fn items(&self) -> Vec<String> {
        drain(&mut Reader::open(&self.path).unwrap()).iter().map(short).collect()
    }

    /// What remains in items when control records are left out.
    fn records(&self) -> Vec<String> {
        self.items().into_iter().filter(|item| item.starts_with('#')).collect()
    }
}

fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(end))
        .collect();
    found.sort();
    found
}

/// The checkpoint in a line, if it holds one.
fn note_of(line: &str) -> Option<String> {
    crate::note::from_line(line.as_bytes())
}

/// Takes record number `n` and does not commit it.
fn push(trail: &Trail, n: usize) {
    let time = audit_core::Timestamp::now();
    let core = format!("\"kind\":\"event\",\"n\":{n},\"time\":\"{time}\"");
    let group = format!("{{\"user\":\"user-{n}\"}}");
    trail.push(core.as_bytes(), [("actor", group.as_bytes())].into_iter()).unwrap();
}

fn write(trail: &mut Trail, numbers: std::ops::Range<usize>) {
    numbers.for_each(|n| push(trail, n));
    trail.commit().unwrap();
}

fn drain(reader: &mut Reader) -> Vec<Item> {
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

/// `#n` for record n, the op for a control record, `!` and the reason for damage.
fn short(item: &Item) -> String {
    match item {
        Item::Damaged(damage) => format!("!{}", damage.reason),
        Item::Line(line) => short_line(line),
    }
}

fn short_line(line: &Line) -> String {
    let value: serde_json::Value = serde_json::from_str(line.text()).unwrap();
    assert_eq!(value["seq"], line.seq());
    match value["control"]["op"].as_str() {
        Some(op) => op.to_owned(),
        None => format!("#{}", value["n"]),
    }
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("#{n}")).collect()
}

/// Waits until it is so; at most 5 s.
fn until(mut so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < Duration::from_secs(5), "it did not come to be so");
        std::thread::sleep(Duration::from_millis(5));
    }
}
