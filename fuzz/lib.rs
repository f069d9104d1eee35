//! What the targets do with the bytes they are given.

#[path = "../audit-core/tests/masking/check.rs"]
mod check;
#[path = "../audit-core/tests/masking/plant/mod.rs"]
mod plant;

use std::cell::RefCell;

use audit_core::{BodyMasker, How};

use crate::plant::Format;

thread_local! {
    static MASKERS: RefCell<[BodyMasker; 2]> =
        RefCell::new([How::Redact, How::Remove].map(check::masker));
}

/// JSON and lines of it.
pub fn json(bytes: &[u8]) {
    let types = ["application/json", "application/x-ndjson", ""];
    run(&[Format::Json, Format::Ndjson], &types, bytes);
}

/// Forms.
pub fn form(bytes: &[u8]) {
    run(&[Format::Form], &["application/x-www-form-urlencoded"], bytes);
}

/// Multipart forms.
pub fn multipart(bytes: &[u8]) {
    let types = ["multipart/form-data; boundary=b", "multipart/form-data; boundary=\"----b\""];
    run(&[Format::Multipart], &types, bytes);
}

/// XML.
pub fn xml(bytes: &[u8]) {
    run(&[Format::Xml], &["application/xml", "application/soap+xml; charset=utf-8"], bytes);
}

/// Text and streams of events.
pub fn text(bytes: &[u8]) {
    run(&[Format::Text, Format::Sse], &["text/plain", "text/event-stream"], bytes);
}

/// The lowest bit of the first byte says what the others are: a body as it is, or what a body
/// with a secret in it is drawn from. The bits above say how it is masked, and as what.
fn run(formats: &[Format], content_types: &[&str], bytes: &[u8]) {
    let [first, second, rest @ ..] = bytes else { return };
    let choice = usize::from(first >> 2);
    let remove = usize::from(first >> 1 & 1);
    let cut = usize::from(*second) * rest.len() / 256;
    MASKERS.with_borrow_mut(|maskers| {
        let masker = &mut maskers[remove];
        if first & 1 == 1 {
            let content_type = content_types[choice % content_types.len()];
            check::mask(masker, content_type, rest, usize::MAX);
            check::mask(masker, content_type, rest, cut);
        } else {
            let format = formats[choice % formats.len()];
            let plant = plant::plant(format, rest);
            let len = plant.body.len();
            let cuts = (1..=8).map(|at| (usize::from(*second) + 1) * at * 31 % len.max(1));
            check::planted(format, masker, &plant, plant::glimpse, cuts);
        }
    });
}
