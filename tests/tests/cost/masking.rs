//! Allocations of the masker, on the writer's thread: what clients write often takes none for each
//! of its parts.

use audit_core::{BodyMasker, CaptureState, Detector, MaskRules};

const FORM: &str = "application/x-www-form-urlencoded";
const XML: &str = "application/xml";

/// A type, what begins a body of it, what is repeated, and what ends it.
const BODIES: &[(&str, &str, &str, &str)] = &[
    ("application/json", "[", "{\"k\":1,\"pin\":2},", "1]"),
    ("application/json", "[", "\"\\u0061b c\",", "1]"),
    ("application/json", "[", "\"a: b <c>\",", "1]"),
    (FORM, "", "a=1&", "a=1"),
    (FORM, "", "pin=1&", "a=1"),
    (FORM, "", "+=+&", "a=1"),
    (FORM, "", "%25=%25&", "a=1"),
    (FORM, "", "user%5Bname%5D=ann&", "a=1"),
    (FORM, "", "user[name]=ann&", "a=1"),
    (XML, "<a>", "<b/>", "</a>"),
    (XML, "<a>", "<b c='1'>d</b>", "</a>"),
    (XML, "<a>", "<pin>1</pin>", "</a>"),
    ("text/event-stream", "", "id:a\n", "data: 1\n\n"),
    ("text/event-stream", "", "data:1\n\n", "data: 1\n\n"),
    ("text/plain", "", "v=a ", "x"),
    ("text/plain", "", "é=", "x"),
    ("text/plain", "", "%]=", "x"),
    ("text/plain", "", "?a=", "x"),
    ("text/plain", "", "-u a:b ", "x"),
    ("text/plain", "", "[pin]: 1 ", "x"),
];

/// Allocations of one body, whose names and buffers are known from one like it.
fn of_body((content_type, begin, piece, end): (&str, &str, &str, &str), times: usize) -> u64 {
    let body = format!("{begin}{}{end}", piece.repeat(times));
    let mut masker = BodyMasker::new(MaskRules::new().detect(Detector::ALL));
    let mut mask = || masker.body(content_type, body.as_bytes(), usize::MAX).state;
    assert_eq!(mask(), CaptureState::Full, "{piece}");
    allocation_counter::measure(|| {
        std::hint::black_box(mask());
    })
    .count_total
}

#[test]
fn no_part_of_a_body_takes_memory_of_its_own() {
    for body in BODIES {
        let (few, many) = (of_body(*body, 250), of_body(*body, 4_000));
        println!("{}, {:?}: {few} for 250, {many} for 4000", body.0, body.2);
        // Sixteen times as long: what is written grows by doubling.
        assert!(many <= few + 8, "{}", body.2);
    }
}
