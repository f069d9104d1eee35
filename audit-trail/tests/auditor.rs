//! Records made by the core, written to a trail and read back.

use std::{net::IpAddr, time::Duration};

use audit_core::{Auditor, Begin, Outcome, RequestHead};
use audit_trail::{Item, Reader, Trail};

struct Head;

impl RequestHead for Head {
    fn method(&self) -> &str {
        "POST"
    }

    fn path(&self) -> &str {
        "/orders"
    }

    fn query(&self) -> Option<&str> {
        Some("page=2&token=hunter2")
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn version(&self) -> &'static str {
        "HTTP/1.1"
    }

    fn route(&self) -> Option<&str> {
        None
    }

    fn peer(&self) -> Option<IpAddr> {
        None
    }

    fn body_size(&self) -> Option<u64> {
        None
    }

    fn headers<'a>(&'a self, mut each: impl FnMut(&'a str, &'a [u8], bool)) {
        each("host", b"shop.example", false);
        each("user-agent", b"a \"tab\t\" and \xff", false);
    }
}

#[test]
fn every_request_is_on_disk_when_close_returns() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("audit");
    let interval = Duration::from_millis(1);
    let trail =
        Trail::builder(&root).segment_bytes(4_096).commit_interval(interval).open().unwrap();
    let auditor = Auditor::to(trail);
    for _ in 0..100 {
        match auditor.begin(&Head) {
            Begin::Record(exchange) => drop(exchange),
            _ => panic!("not recorded"),
        }
    }
    auditor.flush().unwrap();
    auditor.close_blocking().unwrap();

    let mut reader = Reader::open(&root).unwrap();
    let (mut requests, mut ops, mut seq) = (0, Vec::new(), 0);
    while let Some(item) = reader.next().unwrap() {
        let Item::Line(line) = item else { panic!("{item:?}") };
        let entry = line.entry().unwrap();
        assert_eq!((entry.seq, line.seq()), (Some(seq), seq));
        seq += 1;
        assert!(!line.text().contains("hunter2"));
        if let Some(control) = entry.control {
            ops.push(control.op);
        } else {
            requests += 1;
            assert_eq!(entry.outcome, Some(Outcome::Cancelled));
            assert_eq!(entry.request().unwrap().path.as_deref(), Some("/orders"));
        }
    }
    assert_eq!(requests, 100);
    assert_eq!(ops, ["open", "close"]);
}
