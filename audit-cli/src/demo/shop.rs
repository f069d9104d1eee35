//! The shop: answers in this process, driven the way an adapter drives an application.

use std::{
    net::{IpAddr, Ipv4Addr},
    panic::resume_unwind,
    thread,
    time::Duration,
};

use audit_core::{AuditContext, Auditor, Begin, BodyAction, RequestHead, ResponseHead};

use super::script::{How, Step};

/// Where pieces of a body end.
const CHUNK: usize = 4 * 1024;

/// A request on its way.
struct Request<'a> {
    step: &'a Step,
    id: &'a str,
    size: u64,
}

impl RequestHead for Request<'_> {
    fn method(&self) -> &str {
        self.step.method
    }

    fn path(&self) -> &str {
        self.step.path
    }

    fn query(&self) -> Option<&str> {
        self.step.query
    }

    fn authority(&self) -> Option<&str> {
        Some("shop.example")
    }

    fn version(&self) -> &'static str {
        "HTTP/1.1"
    }

    fn route(&self) -> Option<&str> {
        self.step.route
    }

    fn peer(&self) -> Option<IpAddr> {
        // An address for documentation: it belongs to nobody.
        Some(Ipv4Addr::new(192, 0, 2, self.step.client).into())
    }

    fn body_size(&self) -> Option<u64> {
        Some(self.size)
    }

    fn headers<'a>(&'a self, mut each: impl FnMut(&'a str, &'a [u8], bool)) {
        each("x-request-id", self.id.as_bytes(), false);
        self.step.headers.iter().for_each(|(name, value)| each(name, value.as_bytes(), false));
    }
}

struct Response<'a>(&'a Step);

impl ResponseHead for Response<'_> {
    fn status(&self) -> u16 {
        self.0.status
    }

    fn end_stream(&self) -> bool {
        self.0.answer.is_empty()
    }

    fn body_size(&self) -> Option<u64> {
        Some(self.0.answer.len() as u64)
    }

    fn headers<'a>(&'a self, mut each: impl FnMut(&'a str, &'a [u8], bool)) {
        let headers = self.0.answer_headers.iter();
        headers.for_each(|(name, value)| each(name, value.as_bytes(), false));
    }
}

/// Sends one request through the audit to the shop.
pub(super) fn serve(auditor: &Auditor, step: &Step, id: &str) {
    let body = match step.how {
        How::Uploads(times) => format!("[{}null]", step.body.repeat(times)),
        _ => step.body.to_owned(),
    };
    let request = Request { step, id, size: body.len() as u64 };
    let Begin::Record(mut exchange) = auditor.begin(&request) else { return };
    if let Some(tee) = exchange.tee() {
        body.as_bytes().chunks(CHUNK).for_each(|chunk| tee.data(chunk, false));
        tee.end();
    }
    let context = exchange.context();
    if exchange.run(|| handle(step, &context)).is_err() {
        return;
    }
    if exchange.head(&Response(step)) == BodyAction::PassOn {
        return;
    }
    let answer = step.answer.as_bytes();
    if step.how == How::ClientLeaves {
        // Dropped before its end, as a server drops the body of a connection that is gone.
        exchange.data(&answer[..answer.len() / 2], false);
    } else {
        exchange.data(answer, true);
    }
}

/// The handler.
fn handle(step: &Step, audit: &AuditContext) {
    if let Some(user) = step.user {
        audit.user(user).tenant("acme");
    }
    if step.name == "order" {
        audit.module("sales").action("create").metadata("items", 2);
    }
    match step.how {
        How::Slowly(millis) => thread::sleep(Duration::from_millis(millis)),
        // Like `panic!`, without a report of it on stderr: this one is part of the show.
        How::Panics(message) => resume_unwind(Box::new(message)),
        How::Answered | How::ClientLeaves | How::Uploads(_) => {}
    }
}
