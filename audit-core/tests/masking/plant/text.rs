//! Free text with a secret in it, as people and libraries write it.

use super::{
    Garden,
    names::{Fit, name},
};

/// What the middle of a word may have that neither quotes nor separators end.
const IN_WORDS: &[&str] = &["", "-", "_", ".", "/", "+", "é", "~", "!", "="];
const IN_QUOTES: &[&str] = &["", " ", ",", ";", "&", "é", "\\\"", "}", ": ", "="];

pub(super) fn body(garden: &mut Garden<'_>) -> String {
    let mut out = String::new();
    for _ in 0..=garden.draw.below(3) {
        out.push_str(&line(garden));
        out.push_str(garden.draw.pick(&["\n", "\r\n", "\n\n", "; "]));
    }
    out
}

/// One line: a secret between words that stay.
pub(super) fn line(garden: &mut Garden<'_>) -> String {
    let told = name(garden, Fit::Word);
    let word = garden.secrets.text(&mut garden.draw, IN_WORDS);
    let plain = garden.secrets.plain();
    let core = match garden.draw.below(13) {
        0 => format!("{told}={word}"),
        1 => format!("{told}: {word}"),
        2 => format!("{told}=\"{}\"", garden.secrets.text(&mut garden.draw, IN_QUOTES)),
        3 => format!("{told}: '{}'", garden.secrets.text(&mut garden.draw, &["", " ", ",", "&"])),
        4 => format!("\"{told}\": \"{}\"", garden.secrets.text(&mut garden.draw, IN_QUOTES)),
        5 => format!("Auth {{ a: 1, {told}: Some(\"{plain}\") }}"),
        6 => format!("https://h.example/a?b=1&{told}={plain}&c=2"),
        7 => format!("postgres://me:{plain}@db.example:5432/x"),
        8 => format!("Bearer {plain}"),
        9 => format!("Authorization: Bearer {plain}"),
        10 => format!("https://h.example/?code={plain}"),
        11 => format!("{told} = {}", garden.secrets.number),
        _ => format!("basic {plain}=="),
    };
    let before = if garden.draw.odds(4) { String::new() } else { garden.keep() };
    let after = garden.keep();
    format!("{before} {core} {after}")
}
