//! XML with a secret in it.

use super::{
    Garden, json,
    names::{Fit, name},
    secrets::ANY,
    text,
};

pub(super) fn body(garden: &mut Garden<'_>) -> (String, String) {
    let types = ["application/xml", "text/xml; charset=utf-8", "application/soap+xml"];
    let content_type = garden.draw.pick(&types).to_owned();
    let head = garden.draw.pick(&["", "<?xml version=\"1.0\"?>\n", "<!-- a -->"]);
    let inner = match garden.draw.below(8) {
        7 => {
            let secret = secret(garden);
            return (content_type, format!("{head}<user><city/><Card>{secret}</Card></user>"));
        }
        deeper => around(garden, deeper.min(3)),
    };
    let (before, after) = (harmless(garden), harmless(garden));
    (content_type, format!("{head}<a xmlns:w='urn:w'>{before}{inner}\n{after}</a>"))
}

fn around(garden: &mut Garden<'_>, deeper: usize) -> String {
    if deeper > 0 {
        let (name, before) = (garden.harmless(), harmless(garden));
        let inner = around(garden, deeper - 1);
        return format!("<{name}>{before}{inner}</{name} >");
    }
    let told = name(garden, Fit::Word);
    match garden.draw.below(10) {
        0 => format!("<{told}>{}</{told}>", secret(garden)),
        1 => format!("<w:{told} a='b'>{}</w:{told}>", secret(garden)),
        2 => {
            let (quote, word) = (garden.draw.pick(&['"', '\'']), garden.keep());
            format!("<city {told} = {quote}{}{quote} b='{word}'/>", spelled(garden))
        }
        3 => format!("<field name=\"{told}\">{}</field>", secret(garden)),
        4 => format!("<field name='{told}' value='{}'/>", spelled(garden)),
        5 => format!("<p><name>{told}</name><value>{}</value></p>", secret(garden)),
        6 => format!("<p><value>{}</value><key>{told}</key></p>", secret(garden)),
        7 => {
            let line = text::line(garden);
            format!("<city>{}</city>", escape(&line))
        }
        8 => {
            let inner = json::document(garden, 0);
            format!("<city>{}</city>", escape(&inner))
        }
        _ => format!("<x><Deep>{}</Deep></x>", secret(garden)),
    }
}

/// The content of an element: text, elements, sections, comments.
fn secret(garden: &mut Garden<'_>) -> String {
    match garden.draw.below(6) {
        0 | 1 => spelled(garden),
        2 => format!("<![CDATA[{}]]>", garden.secrets.text(&mut garden.draw, &["", "</a>", "&"])),
        3 => format!("<b c=\"{0}\">{0}</b><!-- {0} -->", garden.secrets.plain()),
        4 => garden.secrets.number.clone(),
        _ => {
            let plain = garden.secrets.plain();
            let (first, second) = plain.split_at(9);
            format!("{first}<!-- x --><![CDATA[{second}]]>")
        }
    }
}

fn spelled(garden: &mut Garden<'_>) -> String {
    let text = garden.secrets.text(&mut garden.draw, ANY).replace('\u{7f}', "");
    let text = garden.draw.spell(&text, |c, other| match other {
        0 => format!("\u{1}#{};", u32::from(c)),
        _ => format!("\u{1}#x{:x};", u32::from(c)),
    });
    escape(&text).replace('\u{1}', "&")
}

fn harmless(garden: &mut Garden<'_>) -> String {
    let (name, word) = (garden.harmless(), garden.keep());
    match garden.draw.below(3) {
        0 => format!("<{name}>{word}</{name}>"),
        1 => format!("<{name} b=\"{word}\" />"),
        _ => {
            let text = format!("{word} &amp; &#233;");
            garden.kept.push(text.clone());
            format!("<w:{name}>{text}</w:{name}>")
        }
    }
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&apos;")
}
