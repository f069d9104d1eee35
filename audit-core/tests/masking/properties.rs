//! What holds for bodies of any bytes, and for those with a secret planted in them.

use audit_core::How;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    check::{mask, masker, planted},
    leak::leak,
    plant::{Format, glimpse, plant},
};

/// Longest body that is cut everywhere.
const SHORT: usize = 300;

fn check(format: Format, bytes: &[u8], remove: bool, seed: usize) {
    let plant = plant(format, bytes);
    let mut masker = masker(if remove { How::Remove } else { How::Redact });
    let len = plant.body.len();
    if len <= SHORT {
        planted(format, &mut masker, &plant, leak, 0..len);
    } else {
        let cuts = (1..=40).map(|at| seed.wrapping_mul(2 * at + 1) % len);
        planted(format, &mut masker, &plant, leak, cuts);
    }
}

/// Bytes to draw from, on one line where they are shown.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Some bodies are short enough to be cut everywhere.
fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![vec(any::<u8>(), 24..60), vec(any::<u8>(), 24..400)].prop_map(Bytes)
}

/// What failed is in the message, and is better kept as a test of its own: as bytes it would mean
/// another body as soon as the generator changes.
fn config() -> ProptestConfig {
    // 1024, unless PROPTEST_CASES says otherwise.
    let default = ProptestConfig::default();
    ProptestConfig { failure_persistence: None, cases: 4 * default.cases, ..default }
}

fn content_type() -> impl Strategy<Value = String> {
    let known = &[
        "",
        "application/json",
        "application/x-ndjson",
        "application/json-seq",
        "text/event-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "multipart/form-data; boundary=\"b",
        "multipart/form-data",
        "application/xml",
        "text/plain",
        "text/plain; charset=latin1",
        "application/octet-stream",
    ];
    prop_oneof![4 => select(&known[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

/// Bytes that mean something to one of the formats, and any others.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces = "(\\{|\\}|\\[|\\]|\"|:|,|=|&|;|<|>|/|\\\\|%|\\+|--b|\r|\n| |password|pin|\
                  name|value|data|\\\\u00|&#|<!\\[CDATA\\[|\\]\\]>|<!--|-->|1|x|é|\u{feff}){0,80}";
    prop_oneof![vec(any::<u8>(), 0..400), pieces.prop_map(String::into_bytes)]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn anything_is_masked_without_a_panic(
        content_type in content_type(),
        body in body(),
        cut in 0..500_usize,
        remove in any::<bool>(),
    ) {
        let mut masker = masker(if remove { How::Remove } else { How::Redact });
        mask(&mut masker, &content_type, &body, usize::MAX);
        mask(&mut masker, &content_type, &body, cut);
    }

    #[test]
    fn json_shows_no_secret(bytes in bytes(), remove: bool, seed: usize) {
        check(Format::Json, &bytes.0, remove, seed);
    }

    #[test]
    fn lines_of_json_show_no_secret(bytes in bytes(), remove: bool, seed: usize) {
        check(Format::Ndjson, &bytes.0, remove, seed);
    }

    #[test]
    fn events_show_no_secret(bytes in bytes(), remove: bool, seed: usize) {
        check(Format::Sse, &bytes.0, remove, seed);
    }

    #[test]
    fn forms_show_no_secret(bytes in bytes(), remove: bool, seed: usize) {
        check(Format::Form, &bytes.0, remove, seed);
    }

    #[test]
    fn multipart_forms_show_no_secret(bytes in bytes(), remove: bool, seed: usize) {
        check(Format::Multipart, &bytes.0, remove, seed);
    }

    #[test]
    fn xml_shows_no_secret(bytes in bytes(), remove: bool, seed: usize) {
        check(Format::Xml, &bytes.0, remove, seed);
    }

    #[test]
    fn text_shows_no_secret(bytes in bytes(), remove: bool, seed: usize) {
        check(Format::Text, &bytes.0, remove, seed);
    }

    #[test]
    fn broken_documents_show_no_secret(
        bytes in bytes(),
        format in select(&[Format::Json, Format::Ndjson, Format::Xml]),
        end: prop::sample::Index,
        behind in select(&["", "x", "}", "]]>", "\"", "<", "\u{0}"]),
    ) {
        let plant = plant(format, &bytes.0);
        let mut masker = masker(How::Redact);
        let end = end.index(plant.body.len() + 1);
        // Nobody says that these go on: they are what they are.
        let cut = &plant.body[..plant.body.floor_char_boundary(end)];
        // One that somebody closes before its name comes is another document, which has none.
        let cut = if behind == "}" { &plant.body } else { cut };
        for body in [cut, &plant.body] {
            let body = format!("{body}{behind}");
            let (_, json) = mask(&mut masker, &plant.content_type, body.as_bytes(), usize::MAX);
            prop_assert_eq!(glimpse(&json, &plant.secrets), None, "{}", body);
        }
    }
}
