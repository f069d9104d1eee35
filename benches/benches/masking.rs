//! The masker of JSON bodies beside plain validation and beside masking through a document, on
//! an order of 4 KiB with three masked fields.

use std::{hint::black_box, net::IpAddr, time::Duration};

use audit_core::{
    Auditor, Begin, BodyMasker, Capture, CaptureState, Detector, MaskRules, RequestHead,
    sink::Memory,
};
use criterion::{
    Criterion, Throughput, criterion_group, criterion_main,
    measurement::{Measurement, ValueFormatter, WallTime},
};
use rustix::time::{ClockId, clock_gettime};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// The processor's time for this process, the writer's thread with it: what others do on the same
/// machine does not count.
struct Cpu;

impl Measurement for Cpu {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
    }

    fn end(&self, start: Duration) -> Duration {
        self.start().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// An order as shops send them.
fn order() -> String {
    let item = |n: u32| {
        json!({
            "sku": format!("SKU-{n:05}"), "description": "A plain product, blue, medium size",
            "quantity": n % 7 + 1, "unit_price": format!("{}.50", n * 3), "currency": "EUR",
            "discounts": [{"code": "SPRING", "percent": 5}], "gift": n.is_multiple_of(2),
            "warehouse": {"id": n % 5, "city": "Rotterdam", "shelf": format!("{}-{}", n, n + 1)},
        })
    };
    let order = json!({
        "order_no": "SI-2026-0042", "placed_at": "2026-11-21T20:31:00.123456Z",
        "customer": {
            "name": "Ann Example", "email": "ann@example.com", "phone": "+31 20 123 4567",
            "address": {"street": "High Street 12", "postcode": "1234 AB", "city": "Amsterdam"},
        },
        "payment": {"method": "card", "card_number": "4111 1111 1111 1111", "cvv": 123, "pin": "0000"},
        "items": (0..16).map(item).collect::<Vec<_>>(),
        "notes": "Leave it with the neighbours at number 14 if nobody is at home.",
        "total": 1234.5,
    });
    order.to_string()
}

/// Masking as it is done with a document in memory.
fn through_value(text: &str) -> String {
    fn mask(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match name.as_str() {
                        "card_number" | "cvv" | "pin" => *value = "[redacted]".into(),
                        _ => mask(value),
                    }
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(mask),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(text).unwrap_or_default();
    mask(&mut value);
    value.to_string()
}

fn masking(c: &mut Criterion<Cpu>) {
    let order = order();
    let mut masker = BodyMasker::new(MaskRules::new());
    let masked = masker.body("application/json", order.as_bytes(), usize::MAX);
    assert_eq!((masked.state, masked.masked.len()), (CaptureState::Full, 3));
    let body: Value = masked.body.and_then(|b| serde_json::from_str(&b).ok()).unwrap_or_default();
    assert_eq!(body, serde_json::from_str::<Value>(&through_value(&order)).unwrap_or_default());

    let mut group = c.benchmark_group("masking");
    group.throughput(Throughput::Bytes(order.len() as u64));
    group.bench_function("serde_json, validation only", |b| {
        b.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(order.as_bytes())).is_ok());
    });
    group.bench_function("audit, masked", |b| {
        b.iter(|| masker.body("application/json", black_box(order.as_bytes()), usize::MAX));
    });
    group.bench_function("serde_json::Value, masked", |b| {
        b.iter(|| through_value(black_box(&order)));
    });
    group.finish();
}

/// Names beside the built-in ones, one of them in no ASCII, and all detectors.
fn rules() -> MaskRules {
    let rules = MaskRules::new().fields(["v", "salary", "größe"]);
    let rules = rules.and_then(|rules| rules.except(["token_count"]));
    rules.unwrap_or_default().detect(Detector::ALL)
}

/// The worst known inputs for each engine, a mebibyte of each: what a client can make the writer
/// spend. Where the masker stops, that is the time until it does.
fn hostile(c: &mut Criterion<Cpu>) {
    let inputs: [(&str, &str, &str, &str, &str); 53] = [
        ("json, small members", "application/json", "{", "\"k\":1,", "\"k\":1}"),
        ("json, masked members", "application/json", "{", "\"pin\":1,", "\"k\":1}"),
        ("json, names of their own", "application/json", "{", "", "\"k\":1}"),
        ("json, escaped strings", "application/json", "[", "\"\\u0061=\",", "1]"),
        ("json, json in strings", "application/json", "[", r#""{\"a\":\"{\\\"a\\\":1}\"}","#, "1]"),
        ("json, pairs", "application/json", "[", r#"{"name":"a","v":1},"#, "1]"),
        ("form, short pairs", "application/x-www-form-urlencoded", "", "a=1&", "a=1"),
        ("form, masked pairs", "application/x-www-form-urlencoded", "", "pin=1&", "a=1"),
        (
            "multipart, line feeds",
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n",
            "\n",
            "\r\n--b--",
        ),
        ("lines, one digit", "application/x-ndjson", "", "1\n", "1"),
        ("sse, blank lines", "text/event-stream", "", "\n", "data: 1\n\n"),
        ("xml, attributes", "application/xml", "<a>", "<b c='1'/>", "</a>"),
        ("text, names", "text/plain", "", "v=a ", "x"),
        ("text, not ascii", "text/plain", "", "é=", "x"),
        ("text, words", "text/plain", "", "pas_word-a ", "x"),
        ("text, detectors", "text/plain", "", "1-", "x"),
        ("json, brackets in strings", "application/json", "[", "\"[[[[]]]]\",", "1]"),
        ("json, line feeds in a string", "application/json", "[\"", "\\n", "\"]"),
        ("json, pointers", "application/json", "[", r#"{"path":"////////////////"},"#, "1]"),
        ("form, separators", "application/x-www-form-urlencoded", "a=1", "&", "a=1"),
        ("form, percent signs", "application/x-www-form-urlencoded", "", "%25=%25&", "a=1"),
        ("form, plus signs", "application/x-www-form-urlencoded", "", "+=+&", "a=1"),
        ("form, nested names", "application/x-www-form-urlencoded", "", "a[b]=1&", "a=1"),
        ("lines, empty objects", "application/x-ndjson", "", "{}\n", "1"),
        ("sse, one letter", "text/event-stream", "", "id:a\n", "data: 1\n\n"),
        ("sse, events", "text/event-stream", "", "data:1\n\n", "data: 1\n\n"),
        ("xml, names and values", "application/xml", "<a>", "<k>a</k><v>1</v>", "</a>"),
        ("text, tokens", "text/plain", "", "eyJa.", "x"),
        ("text, queries", "text/plain", "", "?a=", "x"),
        ("text, brackets", "text/plain", "", "v]:", "x"),
        ("text, escapes", "text/plain", "", "%]=", "x"),
        ("text, backslashes", "text/plain", "", "\\a=", "x"),
        ("text, options", "text/plain", "", "-1=", "x"),
        ("text, commands", "text/plain", "curl ", "-u a:b ", "x"),
        ("text, tags", "text/plain", "", "<a k=", "x"),
        ("text, columns", "text/plain", "(a,b,c,d,e,pin,v,w) values ", "(a=,b=,c=),", "x"),
        ("text, told names", "text/plain", "", "name=pin v=1 ", "x"),
        ("text, header lines", "text/plain", "", "cookie:a\n", "x"),
        ("form, brackets", "application/x-www-form-urlencoded", "", "a[%5D]to=1&", "a=1"),
        ("form, old escapes", "application/x-www-form-urlencoded", "", "%u0061%3D:", "&a=1"),
        ("form, semicolons", "application/x-www-form-urlencoded", "", ":;[.", "&a=1"),
        ("form, told names", "application/x-www-form-urlencoded", "name=pin&", "v=1&", "a=1"),
        (
            "multipart, escapes",
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n",
            "%]=",
            "\r\n--b--",
        ),
        ("xml, empty elements", "application/xml", "<a>", "<b/>", "</a>"),
        ("xml, values", "application/xml", "<a>", "<v>1</v>", "</a>"),
        ("xml, pairs in attributes", "application/xml", "<a>", "--><a k='é' v='1'/>", "</a>"),
        ("json, text in strings", "application/json", "[", "\"\\\"[a=\",", "1]"),
        ("json, elements in strings", "application/json", "[", "\"<a>\",", "1]"),
        ("json, short pointers", "application/json", "[", r#"{"path":"~"},"#, "1]"),
        (
            "json, differences",
            "application/json",
            "[",
            r#"{"op":"add","path":"/a/é","value":"a=b"},"#,
            "1]",
        ),
        ("json, arrays of pairs", "application/json", "[", "[\"pin\",1],", "1]"),
        ("lines, texts", "application/x-ndjson", "", "\"\"\n", "1"),
        ("sse, names", "text/event-stream", "", "event:[a]\ndata:a=\n\n", "data: 1\n\n"),
    ];
    let mut masker = BodyMasker::new(rules());
    let mut group = c.benchmark_group("hostile");
    group
        .sample_size(10)
        .measurement_time(Duration::from_millis(500))
        .warm_up_time(Duration::from_millis(100));
    for (name, content_type, begin, piece, end) in inputs {
        let body = match piece {
            "" => {
                (0..60_000).fold(begin.to_owned(), |body, n| body + &format!("\"name_{n}\":{n},"))
                    + end
            }
            piece => format!("{begin}{}{end}", piece.repeat((1 << 20) / piece.len())),
        };
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| masker.body(content_type, black_box(body.as_bytes()), usize::MAX));
        });
    }
    group.finish();
}

/// The head of a request, of which one place is hostile.
#[derive(Default)]
struct Head {
    path: String,
    query: Option<String>,
    host: Option<String>,
    headers: Vec<(String, String)>,
}

impl Head {
    fn new(place: &str, piece: &str) -> Self {
        let text = |len: usize| piece.repeat(len / piece.len());
        let mut head = Self { path: "/".to_owned(), ..Self::default() };
        match place {
            "path" => head.path = text(2000),
            "query" => head.query = Some(text(4000)),
            "host" => head.host = Some(text(250)),
            "user-agent" => head.headers.push((place.to_owned(), text(500))),
            "x-forwarded-for" => head.headers = vec![(place.to_owned(), text(500)); 10],
            "x" => head.headers = (0..96).map(|n| (format!("x-{n}"), text(1000))).collect(),
            _ => head.headers = vec![(place.to_owned(), text(1000)); 96],
        }
        head
    }

    fn len(&self) -> usize {
        let texts = [Some(&self.path), self.query.as_ref(), self.host.as_ref()];
        let headers = self.headers.iter().map(|(_, value)| value.len());
        texts.into_iter().flatten().map(String::len).sum::<usize>() + headers.sum::<usize>()
    }
}

impl RequestHead for Head {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        self.host.as_deref()
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
        self.headers.iter().for_each(|(name, value)| each(name, value.as_bytes(), false));
    }
}

/// The same for the heads of requests: from the request to the sink, a mebibyte of one place.
fn heads(c: &mut Criterion<Cpu>) {
    let inputs = [
        ("accept", "text/html "),
        ("path", "/"),
        ("path", "]:v."),
        ("query", "]:v:"),
        ("query", "%2525é:"),
        ("host", "]:v:"),
        ("user-agent", "%]="),
        ("x-forwarded-for", "%_:"),
        ("cookie", "a=;"),
        ("referer", "%a="),
        ("location", "%2525a="),
        ("x", "v]:"),
        ("x", "%25:"),
    ];
    let sink = Memory::with_most(1);
    let builder = Auditor::builder().capture(Capture::Headers).mask_rules(rules());
    let Ok(auditor) = builder.memory(256 << 20).build(sink) else { return };
    let mut group = c.benchmark_group("hostile heads");
    group.sample_size(10).measurement_time(Duration::from_millis(500));
    for (place, piece) in inputs {
        let head = Head::new(place, piece);
        group.bench_function(format!("{place}, `{piece}`"), |b| {
            b.iter(|| {
                for _ in 0..(1 << 20) / head.len() {
                    let Begin::Record(mut exchange) = auditor.begin(&head) else { return false };
                    exchange.end();
                }
                auditor.flush().is_ok()
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(Cpu);
    targets = masking, hostile, heads
}
criterion_main!(benches);
