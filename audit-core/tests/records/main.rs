//! What reaches a sink: no secret, and valid JSON, whatever a request and an application hold.

mod any;
mod explain;
mod rules;
mod secrets;
mod strict;
mod who;

use std::net::IpAddr;

use audit_core::{Auditor, AuditorBuilder, Begin, Capture, Record, RequestHead, ResponseHead};
use audit_core::{Exchange, sink::Memory};

type Headers = Vec<(String, Vec<u8>, bool)>;

#[derive(Clone, Debug, Default)]
struct Request {
    method: String,
    path: String,
    query: Option<String>,
    authority: Option<String>,
    route: Option<String>,
    peer: Option<IpAddr>,
    headers: Headers,
}

impl RequestHead for Request {
    fn method(&self) -> &str {
        &self.method
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    fn version(&self) -> &'static str {
        "HTTP/1.1"
    }

    fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }

    fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    fn body_size(&self) -> Option<u64> {
        None
    }

    fn headers<'a>(&'a self, mut each: impl FnMut(&'a str, &'a [u8], bool)) {
        self.headers.iter().for_each(|(name, value, sensitive)| each(name, value, *sensitive));
    }
}

#[derive(Clone, Debug)]
struct Response(u16, Headers);

impl ResponseHead for Response {
    fn status(&self) -> u16 {
        self.0
    }

    fn end_stream(&self) -> bool {
        false
    }

    fn body_size(&self) -> Option<u64> {
        None
    }

    fn headers<'a>(&'a self, mut each: impl FnMut(&'a str, &'a [u8], bool)) {
        self.1.iter().for_each(|(name, value, sensitive)| each(name, value, *sensitive));
    }
}

/// The record of one request under these settings. All memory is given back after it.
fn record(
    settings: impl FnOnce(AuditorBuilder) -> AuditorBuilder,
    request: &Request,
    drive: impl FnOnce(Exchange),
) -> Record {
    let memory = Memory::new();
    let builder = settings(Auditor::builder().capture(Capture::Headers));
    let auditor = builder.build(memory.clone()).expect("settings are right");
    let Begin::Record(exchange) = auditor.begin(request) else { panic!("not recorded") };
    drive(exchange);
    auditor.close_blocking().expect("a memory sink closes");
    let counters = auditor.counters();
    assert_eq!((counters.written, counters.memory_bytes), (1, 0));
    memory.records().pop().expect("one record was written")
}
