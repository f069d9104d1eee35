//! Bodies made to overflow a stack, or to take their time.

use std::time::Duration;

use audit_core::{BodyMasker, CaptureState, Detector, How, MaskRules, MaskedBody};
use rustix::time::{ClockId, clock_gettime};

use crate::check;

type Make = fn(usize) -> String;

/// Content-Type, what it is, how to make one of `n` pieces, and how many of them.
const TABLE: &[(&str, &str, Make, usize)] = &[
    ("application/json", "open brackets", |n| "[".repeat(n), 200_000),
    ("application/json", "brackets", |n| "[".repeat(n) + &"]".repeat(n), 200_000),
    ("application/json", "nested members", |n| "{\"a\":".repeat(n), 200_000),
    ("application/json", "a long string", |n| format!("\"{}\"", "a".repeat(n)), 10 << 20),
    (
        "application/json",
        "a secret string",
        |n| format!("{{\"pin\":\"{}\"}}", "a".repeat(n)),
        10 << 20,
    ),
    ("application/json", "escapes", |n| format!("\"{}\"", "\\u0061".repeat(n)), 1_000_000),
    ("application/json", "half an escape", |n| format!("\"{}\"", "\\ud800".repeat(n)), 1_000_000),
    ("application/json", "keys", |n| members(n, |at| format!("\"k{at}\":{at}")), 1_000_000),
    ("application/json", "secret keys", |n| members(n, |at| format!("\"pin{at}\":{at}")), 500_000),
    ("application/json", "values", |n| members(n, |at| format!("\"value\":{at}")), 500_000),
    ("application/json", "pairs", |n| elements(n, "{\"value\":1,\"name\":\"pin\"}"), 200_000),
    ("application/json", "strings of JSON", |n| elements(n, "\"{\\\"pin\\\":1}\""), 200_000),
    ("application/json", "bad JSON in strings", |n| elements(n, "\"[[[[{\\\"pin\\\":1\""), 200_000),
    ("application/json", "brackets in a string", |n| format!("[\"{}\"]", "[".repeat(n)), 1 << 20),
    ("application/json", "quotes in a string", |n| format!("[\"{}\"]", "\\\"a".repeat(n)), 1 << 20),
    ("application/json", "documents", |n| "{}\n".repeat(n), 1_000_000),
    ("application/json", "pairs in a string", |n| format!("[\"{}\"]", "a=".repeat(n)), 1 << 20),
    ("application/x-ndjson", "lines", |n| "{\"pin\":1}\n".repeat(n), 500_000),
    ("application/x-ndjson", "empty lines", |n| "\n".repeat(n), 4_000_000),
    ("text/event-stream", "events", |n| "data: {\"pin\":1}\n\n".repeat(n), 200_000),
    ("text/event-stream", "one event", |n| "data: [1,\n".repeat(n), 500_000),
    ("text/event-stream", "colons", |n| ":".repeat(n), 4 << 20),
    ("application/x-www-form-urlencoded", "pairs", |n| "a=b&".repeat(n), 1_000_000),
    ("application/x-www-form-urlencoded", "secrets", |n| "pin=b&".repeat(n), 1_000_000),
    (
        "application/x-www-form-urlencoded",
        "encoded",
        |n| format!("{}=a", "%2525".repeat(n)),
        500_000,
    ),
    (
        "application/x-www-form-urlencoded",
        "brackets",
        |n| format!("a{}=1", "[a]".repeat(n)),
        500_000,
    ),
    ("application/x-www-form-urlencoded", "JSON", |n| "a={%22pin%22:1}&".repeat(n), 100_000),
    ("application/x-www-form-urlencoded", "semicolons", |n| "a=b;".repeat(n), 500_000),
    ("application/x-www-form-urlencoded", "words", |n| "a".repeat(n), 4 << 20),
    (MULTIPART, "parts", |n| PART.repeat(n) + "--b--\r\n", 100_000),
    (
        MULTIPART,
        "long head",
        |n| format!("--b\r\n{}\r\n\r\nx\r\n--b--\r\n", "a: b\r\n".repeat(n)),
        200_000,
    ),
    (
        MULTIPART,
        "near boundaries",
        |n| format!("--b\r\n\r\n{}\r\n--b--", "\r\n--bx".repeat(n)),
        500_000,
    ),
    ("application/xml", "nested", |n| "<a>".repeat(n) + &"</a>".repeat(n), 200_000),
    ("application/xml", "open", |n| "<a>".repeat(n), 200_000),
    ("application/xml", "elements", |n| format!("<a>{}</a>", "<pin>1</pin>".repeat(n)), 300_000),
    ("application/xml", "attributes", |n| format!("<a {}/>", "b='c' ".repeat(n)), 200_000),
    ("application/xml", "references", |n| format!("<a>{}</a>", "&amp;".repeat(n)), 500_000),
    ("application/xml", "pairs", |n| format!("<a>{}</a>", "<v>1</v>".repeat(n)), 300_000),
    ("application/xml", "open sections", |n| format!("<a>{}</a>", "<![CDATA[".repeat(n)), 300_000),
    ("application/xml", "open comments", |n| format!("<a>{}</a>", "<!--".repeat(n)), 500_000),
    ("text/plain", "pairs", |n| "a=".repeat(n), 1 << 20),
    ("text/plain", "quotes", |n| "pin='".repeat(n), 1 << 20),
    ("text/plain", "escaped quotes", |n| "pin=\"\\".repeat(n), 1 << 20),
    ("text/plain", "backslashes", |n| "\\".repeat(n), 4 << 20),
    ("text/plain", "URLs", |n| "http://a:".repeat(n), 500_000),
    ("text/plain", "brackets", |n| "pin=[{(".repeat(n), 500_000),
    ("text/plain", "schemes", |n| "Bearer ".repeat(n), 500_000),
    ("text/plain", "anchors", |n| "pin::&".repeat(n), 200_000),
    ("text/plain", "names in brackets", |n| "a]:".repeat(n), 300_000),
    ("text/plain", "escaped names", |n| "%]=".repeat(n), 300_000),
    ("text/plain", "header lines", |n| "cookie:a\n".repeat(n), 20_000),
    ("text/plain", "columns", |n| "(a)values(1)".repeat(n), 100_000),
    ("text/plain", "options", |n| format!("curl {}", "-u a:b ".repeat(n)), 150_000),
    ("text/plain", "tags", |n| "<a k=".repeat(n), 200_000),
    ("application/json", "pointers", |n| elements(n, "{\"path\":\"//a//b//c\"}"), 100_000),
    ("text/plain", "one word", |n| "a".repeat(n), 10 << 20),
];

const MULTIPART: &str = "multipart/form-data; boundary=b";
const PART: &str = "--b\r\nContent-Disposition: form-data; name=\"pin\"\r\n\r\n1\r\n";

fn members(n: usize, member: impl Fn(usize) -> String) -> String {
    let members: Vec<_> = (0..n).map(member).collect();
    format!("{{{}}}", members.join(","))
}

fn elements(n: usize, element: &str) -> String {
    format!("[{}0]", format!("{element},").repeat(n))
}

/// The time that this thread was on a processor: what others do meanwhile is not in it.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The time that masking takes, whole and cut.
fn time(masker: &mut BodyMasker, content_type: &str, body: &str) -> Duration {
    let began = spent();
    masker.body(content_type, body.as_bytes(), usize::MAX);
    masker.body(content_type, body.as_bytes(), body.len() - 1);
    spent() - began
}

/// Most tries of a body, since others use the caches of the machine too. What takes sixteen times
/// as long does so in each of them.
const TRIES: usize = 4;

#[test]
fn no_body_overflows_and_four_times_as_much_takes_four_times_as_long() {
    let mut masker = check::masker(How::Redact);
    for (content_type, what, make, n) in TABLE {
        let (quarter, whole) = (make(n / 4), make(*n));
        let mut long = time(&mut masker, content_type, &whole);
        // What is over at once is linear enough, and too short to compare.
        if long < Duration::from_millis(40) {
            continue;
        }
        let mut short = time(&mut masker, content_type, &quarter);
        for _ in 1..TRIES {
            if long < short * 8 {
                break;
            }
            long = long.min(time(&mut masker, content_type, &whole));
            short = short.min(time(&mut masker, content_type, &quarter));
        }
        assert!(long < short * 8, "{content_type}, {what}: {short:?}, then {long:?}");
        assert!(long < Duration::from_secs(20), "{content_type}, {what}: {long:?}");
    }
}

/// What is dense with what is slow to look at, as honest clients write it.
const HONEST: &[(&str, &str)] = &[
    ("text/plain", "server.port=8080\nspring.datasource.url=jdbc:h2:mem\n"),
    ("text/plain", "    [id] => 5\n    [name] => Ann\n"),
    ("text/plain", "level=info msg=ok dur=12ms path=/a/b "),
    ("text/plain", "2026-11-21T20:31:00.123Z INFO [main] a.b.C: GET /a/b?c=1&d=2 200 12ms\n"),
    ("text/plain", "GET /a?user%5Bname%5D=ann&page=2 200 12ms\n"),
    ("text/plain", "INSERT INTO t (id, name) VALUES (1, 'Ann'), (2, 'Bo');\n"),
    ("text/plain", "curl -s -o out.txt -H 'accept: text/html' https://example.com/a\n"),
    ("text/plain", "<tr class=\"a\"><td id=\"7\">Ann</td></tr>\n"),
    ("text/plain", "name=Ann type=user id=7 city=Bonn\n"),
    ("text/plain", "a=1 b=2 c=3\n"),
    ("text/plain", "host: a.example\nport: 80\n"),
    ("text/plain", "ls -l -a --color=auto /tmp\n"),
    ("text/plain", "It is a cat that sat in the sun as is its wont.\n"),
    (FORM, "user%5Bname%5D=Ann+B&user%5Bcity%5D=Bonn&"),
    (FORM, "a=1&b=2&c=3&"),
    (FORM, "a=1&pin=2&"),
    (FORM, "name=colour&value=10&"),
    (FORM, "user[name]=Ann&"),
    (FORM, "q=hello+world&page=2&"),
    (FORM, "text=%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82&"),
    (FORM, "items[0][name]=Ann&items[0][value]=7&"),
    ("application/xml", "<row id='1'><name>Ann</name><at>12:30</at></row>"),
    ("application/xml", "<c><v>1</v></c>"),
    ("application/xml", "<c r=\"A1\"><v>1</v></c>"),
    ("application/xml", "<c r=\"A1\" t=\"s\" s=\"3\"><v>1</v></c>"),
    ("application/xml", "<point x=\"1.5\" y=\"2.5\"/>"),
    ("application/xml", "<entry key=\"a\" value=\"b\"/>"),
    ("application/xml", "<s:item><s:key>a</s:key><s:value>1</s:value></s:item>"),
    ("application/xml", "<string>a</string><integer>1</integer>"),
    ("application/json", "{\"op\":\"replace\",\"path\":\"/a/b\",\"value\":\"a b: c\"},"),
    ("application/json", "{\"name\":\"colour\",\"value\":\"a: b\"},"),
    ("application/json", "[\"a\",1],"),
    ("application/json", "\"12:30\","),
    ("application/json", "\"{\\\"a\\\":1,\\\"city\\\":\\\"Bonn\\\"}\","),
    (
        "application/json",
        "{\"id\":7,\"text\":\"<p>A <b>short</b> text, with <i>some</i> markup in it.</p>\"},",
    ),
    ("application/json", "\"https://example.com/a/b?page=2&q=a%20b\","),
    ("application/x-ndjson", "{\"a\":1}\n"),
    ("application/x-ndjson", "{\"id\":1,\"at\":\"12:30\"}\n"),
    ("text/event-stream", "event: tick\nid: 7\ndata: {\"a\":1}\n\n"),
    ("text/event-stream", "data:1\n\n"),
    ("text/event-stream", "data: {\"choices\":[{\"delta\":{\"content\":\" the\"}}]}\n\n"),
];

const FORM: &str = "application/x-www-form-urlencoded";

/// Pieces of what takes longer than a mebibyte of it may: a body of them meets the end of its
/// steps, wherever it is, and one of the default limit never does.
const DENSE: &[(&str, &str)] = &[
    ("text/plain", "-u a:b "),
    ("text/plain", "<a k="),
    ("text/plain", "name=pin v=1 "),
    ("text/plain", "-1="),
    ("text/plain", "\\a="),
    ("text/plain", "%]="),
    ("text/plain", "é="),
    ("text/plain", "?a="),
    (FORM, "%u0061%3D:"),
    (FORM, "+=+&"),
    (FORM, "%25=%25&"),
    (FORM, "a[b]=1&"),
    (FORM, "a[%5D]to=1&"),
    (FORM, "x%5B%5D=1&"),
    ("application/xml", "<pin>1</pin>"),
    ("application/xml", "<b/>"),
    ("application/xml", "--><a k='é' pin='1'/>"),
    ("application/json", "\"{\\\"a\\\":\\\"{\\\\\\\"a\\\\\\\":1}\\\"}\","),
    ("application/json", "\"\\\"[a=\","),
    ("application/json", "\"<a>\","),
    ("application/json", "\"<p>A <b>short</b> text.</p>\","),
    ("application/json", "{\"path\":\"////////////////\"},"),
    ("application/json", "{\"path\":\"~\"},"),
    ("application/x-ndjson", "{}\n"),
    ("text/event-stream", "event:[a]\ndata:a=\n\n"),
];

fn many(content_type: &str, piece: &str, bytes: usize) -> String {
    let pieces = piece.repeat(bytes / piece.len());
    match content_type {
        "application/xml" => format!("<r>{pieces}</r>"),
        "application/json" => format!("[{pieces}1]"),
        _ => pieces,
    }
}

fn is_stopped(masked: &MaskedBody) -> bool {
    match masked.body {
        Some(_) => masked.masked.iter().any(|place| place.field == "sensitive"),
        None => true,
    }
}

#[test]
fn a_mebibyte_meets_its_steps_where_it_takes_too_long() {
    let mut masker = BodyMasker::new(MaskRules::new().detect(Detector::ALL));
    let mut wrong = Vec::new();
    for masker in [&mut masker, &mut check::masker(How::Redact)] {
        for (content_type, piece) in HONEST {
            let body = many(content_type, piece, 1 << 20);
            let masked = masker.body(content_type, body.as_bytes(), usize::MAX);
            if masked.state != CaptureState::Full || is_stopped(&masked) {
                wrong.push((content_type, piece, 1 << 20));
            }
        }
    }
    for (content_type, piece) in DENSE {
        for (bytes, stops) in [(8 << 10, false), (1 << 20, true)] {
            let body = many(content_type, piece, bytes);
            let masked = masker.body(content_type, body.as_bytes(), usize::MAX);
            if is_stopped(&masked) != stops {
                wrong.push((content_type, piece, bytes));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_behind_the_last_step_is_redacted_or_omitted() {
    let mut masker = check::masker(How::Redact);
    // What costs all steps, and a secret behind it that nothing would tell from the rest.
    for (content_type, piece, end) in [
        ("text/plain", "%]=", " x pin=hunter2"),
        ("text/plain", "\\a=", " a Bearer hunter2xyz"),
        ("text/plain", "a]b]:", " curl -u ann:hunter2"),
        (FORM, "%25%25%25=%25%25%25&", "pin=hunter2"),
        (FORM, "%25%25%25=%25%25%25&", "a=%7B%22pin%22:%22hunter2%22%7D"),
        ("application/xml", "<a>&lt;b>=</a>", "<pin>hunter2</pin>"),
        ("application/json", "{\"path\":\"////////\"},", "\"{\\\"pin\\\":\\\"hunter2\\\"}\","),
        ("application/json", "{\"path\":\"////////\"},", "\"a pin=hunter2\","),
        ("application/json", "{\"path\":\"////////\"},", "{\"path\":\"/a\",\"pin\":\"hunter2\"},"),
        ("application/x-ndjson", "{}\n", "{\"pin\":\"hunter2\"}\n"),
    ] {
        let pieces = piece.repeat((256 << 10) / piece.len());
        let body = match content_type {
            "application/xml" => format!("<r>{pieces}{end}</r>"),
            "application/json" => format!("[{pieces}{end}1]"),
            _ => format!("{pieces}{end}"),
        };
        for limit in [usize::MAX, body.len() - 1] {
            let masked = masker.body(content_type, body.as_bytes(), limit);
            assert!(!masked.to_json().contains("hunter2"), "{piece}{end}");
            assert!(is_stopped(&masked), "{piece}");
        }
    }
}
