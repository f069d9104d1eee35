//! The copy of one body, by itself.

use super::*;
use crate::pipeline::Strict;

const MEMORY: usize = 1024 * 1024;
const JSON: (Coding, &[u8]) = (Coding::Identity, b"application/json");

fn open(pipe: &Pipe, declared: Option<u64>, limit: usize) -> Copied {
    let mut copied = Copied::default();
    copied.start(pipe, JSON, declared, limit);
    assert!(copied.is_open());
    copied
}

/// What a record would say, and the bytes it would hold.
fn settled(mut copied: Copied) -> (BodyEnd, Vec<u8>) {
    copied.settle(true);
    let field = copied.field().unwrap();
    if !matches!(field.end, BodyEnd::Omitted(_)) {
        assert_eq!((field.coding, field.content_type), JSON);
    }
    (field.end, field.bytes.to_vec())
}

#[test]
fn the_end_decides_how_much_there_is() {
    let pipe = Pipe::new(MEMORY, Strict::WITHIN);
    let omitted = BodyEnd::Omitted(OmitReason::Empty);
    for (declared, chunks, at_end, end, kept) in [
        (None, &["ab", "cd"][..], true, BodyEnd::Complete, "abcd"),
        (None, &["abcdefgh"], true, BodyEnd::Complete, "abcdefgh"),
        (None, &["abcd", "efghi"], true, BodyEnd::Cut, "abcdefgh"),
        (None, &["abcd", "efghi"], false, BodyEnd::Cut, "abcdefgh"),
        (None, &["ab"], false, BodyEnd::Partial, "ab"),
        (None, &["abcdefgh"], false, BodyEnd::Partial, "abcdefgh"),
        (None, &[], false, BodyEnd::Partial, ""),
        (None, &[], true, omitted, ""),
        (None, &["", ""], true, omitted, ""),
        // The declared length is an end, for an application that reads no further.
        (Some(4), &["ab", "cd"], false, BodyEnd::Complete, "abcd"),
        (Some(4), &["ab"], false, BodyEnd::Partial, "ab"),
        (Some(4), &[], false, BodyEnd::Partial, ""),
        (Some(9), &["abcdefgh"], false, BodyEnd::Cut, "abcdefgh"),
        (Some(9), &["abcdefg"], false, BodyEnd::Partial, "abcdefg"),
    ] {
        let mut copied = open(&pipe, declared, 8);
        chunks.iter().for_each(|chunk| copied.data(&pipe, chunk.as_bytes()));
        if at_end {
            copied.at_end();
        }
        let expected = (end, kept.as_bytes().to_vec());
        assert_eq!(settled(copied), expected, "{declared:?} {chunks:?} {at_end}");
    }
}

#[test]
fn the_size_is_known_at_the_end_only() {
    let pipe = Pipe::new(MEMORY, Strict::WITHIN);
    let mut copied = open(&pipe, None, 2);
    copied.data(&pipe, b"abcdef");
    assert_eq!(copied.size(), None);
    copied.at_end();
    assert_eq!(copied.size(), Some(6));
}

#[test]
fn of_a_body_that_nobody_told_of_nothing_is_missing() {
    let pipe = Pipe::new(MEMORY, Strict::WITHIN);
    let mut copied = open(&pipe, None, 8);
    copied.settle(false);
    assert_eq!(copied.field().unwrap().end, BodyEnd::Omitted(OmitReason::Empty));
}

#[test]
fn a_limit_of_nothing_keeps_nothing() {
    let pipe = Pipe::new(MEMORY, Strict::WITHIN);
    let mut copied = open(&pipe, None, 0);
    copied.data(&pipe, b"a");
    assert_eq!(settled(copied), (BodyEnd::Cut, Vec::new()));
}

#[test]
fn what_a_buffer_holds_is_reserved() {
    let pipe = Pipe::new(MEMORY, Strict::WITHIN);
    let mut copied = open(&pipe, None, 100_000);
    for _ in 0..300 {
        copied.data(&pipe, &[b'x'; 1000]);
        assert!(copied.reserved >= copied.buffer.len());
        assert_eq!(pipe.counters().memory_bytes, copied.reserved as u64);
    }
    assert!(copied.buffer.len() == 100_000 + JSON.1.len());
    assert!(copied.reserved <= 100_000 + CONTENT_TYPE);
}

#[test]
fn without_room_it_is_given_up_and_counts_on() {
    let pipe = Pipe::new(MEMORY, Strict::WITHIN);
    let mut copied = open(&pipe, None, MEMORY);
    copied.data(&pipe, &vec![b'x'; MEMORY / 4]);
    assert!(copied.is_open());
    copied.data(&pipe, &vec![b'x'; MEMORY / 2]);
    assert!(!copied.is_open());
    // For records.
    assert_eq!((pipe.counters().memory_bytes, copied.buffer.capacity()), (0, 0));
    copied.at_end();
    assert_eq!(copied.size(), Some(MEMORY as u64 * 3 / 4));
    assert_eq!(settled(copied), (BodyEnd::Omitted(OmitReason::Memory), Vec::new()));
}

#[test]
fn none_begins_while_the_writer_lags() {
    let pipe = Pipe::new(MEMORY, Strict::WITHIN);
    assert!(pipe.reserve(MEMORY / 2 + 1));
    let mut copied = Copied::default();
    copied.start(&pipe, JSON, None, 8);
    assert!(!copied.is_open());
    assert_eq!(settled(copied), (BodyEnd::Omitted(OmitReason::Memory), Vec::new()));
}

#[test]
fn a_buffer_serves_the_next_request_unless_it_is_outsize() {
    let pipe = Pipe::new(MEMORY, Strict::WITHIN);
    for (len, kept) in [(KEEP - CONTENT_TYPE, true), (KEEP + 1, false)] {
        let mut copied = open(&pipe, None, len);
        copied.data(&pipe, &vec![b'x'; len]);
        pipe.release(copied.reserved);
        copied.renew();
        assert!(copied.is_off() && copied.buffer.is_empty() && copied.reserved == 0);
        assert_eq!(copied.buffer.capacity() > 0, kept);
        copied.start(&pipe, JSON, None, len);
        assert_eq!(copied.reserved, copied.buffer.capacity());
        copied.at_end();
        assert_eq!(settled(copied).0, BodyEnd::Omitted(OmitReason::Empty));
    }
}

#[test]
fn what_was_omitted_keeps_its_reason() {
    let pipe = Pipe::new(MEMORY, Strict::WITHIN);
    let mut copied = Copied::default();
    assert!(!copied.leave_out(OmitReason::Memory) && copied.field().is_none());
    copied.omit(OmitReason::Encoding);
    copied.data(&pipe, b"x");
    assert!(!copied.leave_out(OmitReason::Policy));
    assert_eq!(settled(copied).0, BodyEnd::Omitted(OmitReason::Encoding));
    let mut copied = open(&pipe, None, 8);
    copied.data(&pipe, b"x");
    copied.settle(true);
    assert!(copied.leave_out(OmitReason::Policy));
    assert_eq!(settled(copied), (BodyEnd::Omitted(OmitReason::Policy), Vec::new()));
}
