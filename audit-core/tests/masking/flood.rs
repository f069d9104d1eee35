//! More hostile bodies than the writer can mask in time: bodies go, records stay.

use audit_core::{Auditor, Begin, Capture, sink::Memory};

use crate::captured::Head;

#[test]
fn a_flood_of_hostile_bodies_costs_bodies_and_no_record() {
    const REQUESTS: usize = 10_000;
    // What takes longest for its size: a document in a string, again and again.
    let body = format!("[{}0]", r#""{\"a\":\"{\\\"pin\\\":1}\"}","#.repeat(600));
    let memory = Memory::new();
    let auditor = Auditor::builder()
        .capture(Capture::Request)
        .body_limit(64 * 1024)
        .build(memory.clone())
        .expect("settings are right");
    for _ in 0..REQUESTS {
        let head = Head("application/json");
        let Begin::Record(mut exchange) = auditor.begin(&head) else { panic!("not recorded") };
        if let Some(tee) = exchange.tee() {
            tee.data(body.as_bytes(), true);
        }
        let _ = exchange.head(&head);
        exchange.end();
    }
    let counters = auditor.counters();
    assert_eq!((counters.accepted, counters.dropped), (REQUESTS as u64, 0), "{counters:?}");
    auditor.close_blocking().expect("a memory sink closes");
    assert_eq!(auditor.counters().memory_bytes, 0);
    let mut kept = 0;
    let entries = memory.entries();
    assert_eq!(entries.len(), REQUESTS);
    for entry in &entries {
        let capture = entry.request().and_then(|request| request.capture.as_ref()).expect("there");
        match capture.reason.as_deref() {
            None => kept += 1,
            reason => assert_eq!(reason, Some("memory")),
        }
    }
    assert!((1..REQUESTS).contains(&kept), "{kept} bodies were kept");
}
