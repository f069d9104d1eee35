//! Lines of JSON and streams of events with a secret in them.

use super::{Garden, json, names, secrets::ANY, text};

pub(super) fn lines(garden: &mut Garden<'_>) -> (String, String) {
    let types = ["application/x-ndjson", "application/jsonl", "application/json-seq"];
    let content_type = garden.draw.pick(&types);
    let mut body = String::new();
    for _ in 0..=garden.draw.below(3) {
        if content_type.ends_with("seq") {
            body.push('\u{1e}');
        }
        // A line feed in a document would end its line.
        let document = json::document(garden, 1).replace(['\n', '\r'], " ");
        body.push_str(&document);
        body.push_str(garden.draw.pick(&["\n", "\r\n", "\n\n"]));
    }
    (content_type.to_owned(), body)
}

pub(super) fn events(garden: &mut Garden<'_>) -> (String, String) {
    let end = garden.draw.pick(&["\n", "\r\n", "\r"]);
    let mut body = String::new();
    for _ in 0..=garden.draw.below(3) {
        for line in event(garden) {
            body.push_str(&line);
            body.push_str(end);
        }
        body.push_str(end);
    }
    ("text/event-stream".to_owned(), body)
}

fn event(garden: &mut Garden<'_>) -> Vec<String> {
    let colon = garden.draw.pick(&["data: ", "data:"]);
    let mut lines = vec![format!("event: {}", garden.keep())];
    match garden.draw.below(6) {
        4 => lines.push(format!("{colon}log{}", text::line(garden))),
        5 => lines.push(format!(": {}", text::line(garden))),
        3 => {
            let name = names::name(garden, names::Fit::Word);
            let value = garden.secrets.text(&mut garden.draw, ANY).replace('\n', " ");
            lines.push(format!("{name}: {value}"));
            // No stream has such a field, so it may be none.
            garden.odd = true;
        }
        _ => {
            // Lines of data are one text, joined by line feeds.
            let document = json::document(garden, 1).replace('\r', "");
            lines.extend(document.trim_matches('\n').split('\n').map(|l| format!("{colon}{l}")));
        }
    }
    lines
}
