//! Bodies that go through an exchange are masked like those that are masked alone.

use std::net::IpAddr;

use audit_core::{Auditor, Begin, BodyMasker, Capture, How, Record, RequestHead, ResponseHead};
use audit_core::{MaskedBody, OmitReason, sink::Memory};
use proptest::prelude::*;

use crate::{
    leak::leak,
    plant::{self, Format, Plant},
};

const FORMATS: &[Format] = &[
    Format::Json,
    Format::Ndjson,
    Format::Sse,
    Format::Form,
    Format::Multipart,
    Format::Xml,
    Format::Text,
];

pub(crate) struct Head<'a>(pub(crate) &'a str);

impl RequestHead for Head<'_> {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn path(&self) -> &'static str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
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
        // A fresh id could hold a piece of a secret by chance.
        each("x-request-id", b"r", false);
        if !self.0.is_empty() {
            each("content-type", self.0.as_bytes(), false);
        }
    }
}

impl ResponseHead for Head<'_> {
    fn status(&self) -> u16 {
        200
    }

    fn end_stream(&self) -> bool {
        false
    }

    fn body_size(&self) -> Option<u64> {
        None
    }

    fn headers<'a>(&'a self, mut each: impl FnMut(&'a str, &'a [u8], bool)) {
        if !self.0.is_empty() {
            each("content-type", self.0.as_bytes(), false);
        }
    }
}

/// The record of a request and a response with this body, in frames of so many bytes.
fn record(plant: &Plant, limit: usize, frame: usize) -> Record {
    let memory = Memory::new();
    let auditor = Auditor::builder()
        .capture(Capture::Full)
        .mask_rules(plant::rules(How::Redact))
        .body_types(["json", "form", "multipart", "xml", "text", "ndjson", "sse"])
        .body_limit(limit)
        .build(memory.clone())
        .expect("settings are right");
    let head = Head(&plant.content_type);
    let Begin::Record(mut exchange) = auditor.begin(&head) else { panic!("not recorded") };
    let tee = exchange.tee().expect("the request's body is captured");
    for bytes in plant.body.as_bytes().chunks(frame) {
        tee.data(bytes, false);
    }
    tee.end();
    let _ = exchange.head(&head);
    for bytes in plant.body.as_bytes().chunks(frame) {
        exchange.data(bytes, false);
    }
    exchange.end();
    drop(exchange);
    auditor.close_blocking().expect("a memory sink closes");
    memory.records().pop().expect("one record was written")
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    })]

    #[test]
    fn a_record_holds_what_the_masker_makes(
        format in proptest::sample::select(FORMATS),
        bytes in proptest::collection::vec(any::<u8>(), 24..300),
        limit in prop_oneof![1..400_usize, Just(1 << 20)],
        frame in 1..60_usize,
    ) {
        let mut plant = plant::plant(format, &bytes);
        // With a comma a type may be two, and is not captured.
        plant.content_type = plant.content_type.replace(',', "_");
        plant.body = plant.body.replace("b(c)+_,", "b(c)+__");
        let record = record(&plant, limit, frame);
        for (_, group) in record.groups() {
            let found = leak(&String::from_utf8_lossy(group), &plant.secrets);
            prop_assert_eq!(found, None, "{}", plant.body);
        }
        let alone = BodyMasker::new(plant::rules(How::Redact));
        let MaskedBody { state, reason, body, .. } =
            { alone }.body(&plant.content_type, plant.body.as_bytes(), limit);
        let entry = record.to_entry().expect("a record can be read");
        let (request, response) = (entry.request().expect("there"), entry.response().expect("there"));
        for (held, capture) in [(&request.body, &request.capture), (&response.body, &response.capture)] {
            let held = held.as_ref().map(|body| body.get());
            // Of a body that was cut before anything can be shown, a record holds nothing.
            let body = body.as_deref().filter(|body| *body != "\"\"");
            prop_assert_eq!(held, body, "{}", plant.body);
            let capture = capture.as_ref().expect("there");
            prop_assert_eq!(&capture.state, state.as_str());
            prop_assert_eq!(capture.reason.as_deref(), reason.map(OmitReason::as_str));
        }
    }
}
