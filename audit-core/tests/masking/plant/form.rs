//! Forms with a secret in them.

use super::{
    Garden, json,
    names::{Fit, name},
    secrets::ANY,
    text,
};

pub(super) fn body(garden: &mut Garden<'_>) -> (String, String) {
    let types = ["application/x-www-form-urlencoded"; 2];
    let other = "Application/X-WWW-form-urlencoded; charset=utf-8";
    let content_type = garden.draw.pick(&[types[0], types[1], other]).to_owned();
    let mut pairs = Vec::new();
    for _ in 0..=garden.draw.below(3) {
        if garden.draw.odds(2) {
            pairs.push(harmless(garden));
        }
        pairs.push(planted(garden));
    }
    pairs.push(harmless(garden));
    let mut body = pairs.join("&");
    if garden.draw.odds(8) {
        body.push_str("&&=&a&b=");
    }
    (content_type, body)
}

fn planted(garden: &mut Garden<'_>) -> String {
    match garden.draw.below(8) {
        5 => {
            let inner = json::document(garden, 1);
            let (name, value) = (garden.harmless(), encoded(garden, &inner));
            format!("{}={value}", encode(name, false))
        }
        6 => {
            let inner = text::line(garden);
            let (name, value) = (garden.harmless(), encoded(garden, &inner));
            format!("{}={value}", encode(name, false))
        }
        7 => {
            let value = secret(garden);
            let name =
                garden.draw.pick(&["user[card]", "user.card", "items[3][note]", "a[0].deep"]);
            format!("{name}={value}")
        }
        _ => {
            let name = field(garden);
            format!("{name}={}", secret(garden))
        }
    }
}

/// The name of a field in one of the ways to write a path, and encoded.
fn field(garden: &mut Garden<'_>) -> String {
    let told = name(garden, Fit::Any);
    let told = match garden.draw.below(7) {
        0..2 => told,
        2 => format!("user[{told}]"),
        3 => format!("user.{}", told.trim()),
        4 => format!("{told}[]"),
        5 => format!("{told}[0]"),
        _ => format!("a[0][{told}][]"),
    };
    match garden.draw.below(4) {
        // Encoded twice: whatever forwards it decodes it once.
        3 => encode(&encode(&told, garden.draw.odds(2)), false),
        all => encode(&told, all == 2),
    }
}

fn secret(garden: &mut Garden<'_>) -> String {
    if garden.draw.odds(6) {
        return garden.secrets.number.clone();
    }
    let text = garden.secrets.text(&mut garden.draw, ANY);
    encoded(garden, &text)
}

fn encoded(garden: &mut Garden<'_>, text: &str) -> String {
    encode(text, garden.draw.odds(3))
}

fn harmless(garden: &mut Garden<'_>) -> String {
    let (name, word) = (encode(garden.harmless(), false), garden.keep());
    match garden.draw.below(3) {
        0 => format!("{name}={word}"),
        1 => {
            let value = format!("%41+{word}%C3%A9%ZZ");
            garden.kept.push(value.clone());
            format!("{name}={value}")
        }
        _ => format!("{word}=1"),
    }
}

/// Encodes what has to be, or `all`. A space is a `+` or `%20`.
pub(super) fn encode(text: &str, all: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' if !all => out.push('+'),
            b'[' | b']' | b'.' | b'-' | b'_' if !all => out.push(char::from(byte)),
            _ if !all && byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02x}")),
        }
    }
    out
}
