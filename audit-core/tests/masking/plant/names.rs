//! Names that select their values.

use super::Garden;

/// Names that match whole.
pub(super) const NAMES: [&str; 4] = ["salary", "Größe", "api/key", "card of mine"];

/// Some of the built-in ones, which match by words.
const WORDS: [&[&str]; 14] = [
    &["password"],
    &["token"],
    &["pin"],
    &["cvv"],
    &["secret"],
    &["access", "token"],
    &["api", "key"],
    &["client", "secret"],
    &["card", "number"],
    &["private", "key"],
    &["session", "id"],
    &["refresh", "token"],
    &["passwd"],
    &["otp"],
];

/// Where a name has to fit in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// Anything that can be escaped.
    Any,
    /// Letters, digits, `_`, `-` and `.`.
    Word,
}

/// A name, decoded, whose value has to go.
pub(super) fn name(garden: &mut Garden<'_>, fit: Fit) -> String {
    let draw = &mut garden.draw;
    if draw.odds(3) {
        let some = if fit == Fit::Any { &NAMES[..] } else { &NAMES[..2] };
        let name = draw.pick(some);
        return match draw.below(3) {
            0 => name.to_owned(),
            // `ß` has no capital letter of its own.
            1 => name.to_uppercase().replace("SS", "ß"),
            _ => capital(name),
        };
    }
    let words = draw.pick(&WORDS);
    let styles = if fit == Fit::Any { 9 } else { 6 };
    let style = draw.below(styles);
    let before: &[&str] = match draw.below(3) {
        0 => &[],
        1 => &["user"],
        _ => &["my", "new"],
    };
    let all: Vec<&str> = before.iter().chain(words).copied().collect();
    let mut name = match style {
        0 => all.join("_"),
        1 => all.join("-"),
        2 => {
            let mut camel: String = all.iter().map(|word| capital(word)).collect();
            camel[..1].make_ascii_lowercase();
            camel
        }
        3 => all.iter().map(|word| capital(word)).collect(),
        4 => all.join("_").to_uppercase(),
        // Run together.
        5 => before.iter().copied().chain([words.concat().as_str()]).collect::<Vec<_>>().join("-"),
        6 => all.join(" "),
        7 => all.join("/"),
        _ => format!(" {} ", all.join(":")),
    };
    match draw.below(4) {
        1 if style < 6 => name.push('s'),
        2 if style < 6 => name.push('2'),
        3 if style < 6 => name.push_str("_x"),
        _ => {}
    }
    name
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
