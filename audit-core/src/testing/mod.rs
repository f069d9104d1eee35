//! For the tests of applications: is there one record, and is no secret in it?
//!
//! ```
//! use audit_core::{Auditor, sink::Memory, testing};
//!
//! let memory = Memory::new();
//! let auditor = Auditor::to(memory.clone());
//! // … one request through the audited application …
//! # struct Head;
//! # impl audit_core::RequestHead for Head {
//! #     fn method(&self) -> &str { "GET" }
//! #     fn path(&self) -> &str { "/reset" }
//! #     fn query(&self) -> Option<&str> { Some("token=hunter2") }
//! #     fn authority(&self) -> Option<&str> { None }
//! #     fn version(&self) -> &'static str { "HTTP/1.1" }
//! #     fn route(&self) -> Option<&str> { None }
//! #     fn peer(&self) -> Option<std::net::IpAddr> { None }
//! #     fn body_size(&self) -> Option<u64> { None }
//! #     fn headers<'a>(&'a self, _: impl FnMut(&'a str, &'a [u8], bool)) {}
//! # }
//! # drop(auditor.begin(&Head));
//! let entry = testing::assert_one_record(&auditor, &memory);
//! assert_eq!(entry.request().unwrap().path.as_deref(), Some("/reset"));
//! testing::assert_no_leak(&memory.records(), "hunter2");
//! ```

mod spelling;

use crate::{Auditor, Entry, Kind, Record, sink::Memory};

/// The one record of a request that `memory` holds, once everything accepted has been written.
///
/// # Panics
///
/// If there is none, or more than one. Control records do not count.
#[must_use]
pub fn assert_one_record(auditor: &Auditor, memory: &Memory) -> Entry {
    if let Err(error) = auditor.flush() {
        panic!("the records could not be written: {error}");
    }
    let records = memory.records();
    let mut requests = records.iter().filter(|record| record.kind() == Kind::Request);
    let one = match (requests.next(), requests.next()) {
        (Some(one), None) => one.to_entry(),
        (None, _) => panic!(
            "there is no record of a request; {:?} - is the request excluded, or still in flight?",
            auditor.counters()
        ),
        (Some(_), Some(_)) => {
            panic!("there is more than one record of a request: {}", requests.count() + 2)
        }
    };
    match one {
        Ok(entry) => entry,
        Err(error) => panic!("the record cannot be read: {error}"),
    }
}

/// That no record holds a secret: as it is, in other case, with JSON escapes, percent-encoded,
/// with character references, in Base64 or hex, with spaces, dashes or NULs in between, or in two
/// or three of these, one in the other.
///
/// Choose a secret that cannot occur by chance: eight characters, some of them punctuation.
///
/// # Panics
///
/// If one does. The message tells the record and the spelling, and not the secret.
pub fn assert_no_leak<'r>(records: impl IntoIterator<Item = &'r Record>, secret: &str) {
    for (at, record) in records.into_iter().enumerate() {
        if let Some(spelling) = find_leak(&record.to_json(), secret) {
            let record = record.to_json().replace(secret, "<the secret>");
            panic!("record {at} holds the secret, {spelling}: {record}");
        }
    }
}

/// How a text spells a secret, if it does: for logs, metrics and messages, where
/// [`assert_no_leak`] is for records. An empty secret is in no text.
#[must_use]
pub fn find_leak(text: &str, secret: &str) -> Option<String> {
    spelling::find(text, secret)
}
