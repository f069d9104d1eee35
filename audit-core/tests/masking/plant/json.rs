//! JSON with a secret in it.

use super::{
    Garden,
    names::{Fit, name},
    secrets::ANY,
    text,
};

/// Deepest nesting of what is around a secret, and of JSON in strings of JSON.
const DEEPEST: usize = 4;
const STRINGS: usize = 3;

pub(super) fn body(garden: &mut Garden<'_>) -> (String, String) {
    let types = ["application/json", "Application/JSON; Charset=UTF-8", "text/json"];
    let more = ["application/vnd.api+json; ext=bulk", "application/json-patch+json", ""];
    let content_type = garden.draw.pick(&[types, more].concat()).to_owned();
    let mut body = document(garden, STRINGS);
    if garden.draw.odds(8) {
        body = format!("{body}{}{}", garden.draw.pick(&["", "\n", " "]), document(garden, 0));
    }
    (content_type, format!("{}{body}{}", garden.draw.blank(), garden.draw.blank()))
}

/// An array or object. `strings`: how deep JSON may hide in strings.
pub(super) fn document(garden: &mut Garden<'_>, strings: usize) -> String {
    match garden.draw.below(6) {
        3 => {
            let card = secret(garden);
            member(garden, "user", |garden| member(garden, "card", |_| card.clone()))
        }
        4 => {
            let value = secret(garden);
            let kept = garden.keep();
            let one = member(garden, "note", |_| value);
            member(garden, "Items", |_| format!("[{{\"note\":1}},{one},\"{kept}\"]"))
        }
        5 => {
            let value = secret(garden);
            let deep = member(garden, "Deep", |_| value);
            member(garden, "x", |_| format!("[0,{deep}]"))
        }
        _ => around(garden, strings, DEEPEST),
    }
}

fn around(garden: &mut Garden<'_>, strings: usize, deeper: usize) -> String {
    match garden.draw.below(if deeper == 0 { 6 } else { 12 }) {
        0 | 1 => {
            let name = name(garden, Fit::Any);
            member(garden, &name, secret)
        }
        2 => {
            let pair = pair(garden);
            if garden.draw.odds(2) { format!("[{pair}]") } else { pair }
        }
        3 => patch(garden),
        4 => {
            // The same name twice, with white space and escapes of its own each time.
            let name = name(garden, Fit::Any);
            let (first, second) = (member(garden, &name, secret), member(garden, &name, secret));
            format!(
                "{},{}",
                first.trim_end().strip_suffix('}').unwrap_or_default(),
                &second.trim_start()[1..]
            )
        }
        5 if strings > 0 => {
            let name = garden.harmless();
            let inner = document(garden, strings - 1);
            let inner = quoted(garden, &inner, false);
            member(garden, name, |_| inner)
        }
        6 => {
            let name = garden.harmless();
            let line = text::line(garden);
            let line = quoted(garden, &line, true);
            member(garden, name, |_| line)
        }
        7..9 => {
            let inner = around(garden, strings, deeper - 1);
            let (before, after) = (harmless_value(garden), harmless_value(garden));
            let blank = garden.draw.blank();
            format!("[{before}{blank},{blank}{inner},{after}{blank}]")
        }
        _ => {
            let name = garden.harmless();
            member(garden, name, |garden| around(garden, strings, deeper.saturating_sub(1)))
        }
    }
}

/// An object with one member more before it, and perhaps behind it.
fn member(
    garden: &mut Garden<'_>,
    name: &str,
    value: impl FnOnce(&mut Garden<'_>) -> String,
) -> String {
    let mut out = "{".to_owned();
    if garden.draw.odds(2) {
        out.push_str(garden.draw.blank());
        out.push_str(&harmless_member(garden));
        out.push(',');
    }
    let name = quoted(garden, name, true);
    out.push_str(&[garden.draw.blank(), &name, garden.draw.blank(), ":"].concat());
    out.push_str(garden.draw.blank());
    out.push_str(&value(garden));
    out.push_str(garden.draw.blank());
    if garden.draw.odds(2) {
        out.push(',');
        out.push_str(&harmless_member(garden));
    }
    out.push('}');
    out
}

/// `{"name":"password","value":"x"}`, in either order, with something in between.
fn pair(garden: &mut Garden<'_>) -> String {
    let called = garden.draw.pick(&["name", "Key", "field", "header", "id", "k"]);
    let holds = garden.draw.pick(&["value", "val", "v", "VALUES"]);
    let told = name(garden, Fit::Any);
    let told = format!("\"{called}\":{}", quoted(garden, &told, true));
    let value = format!("\"{holds}\":{}", secret(garden));
    let between = harmless_member(garden);
    let blank = garden.draw.blank();
    // What may be a name too, and selects nothing.
    let other = garden.draw.pick(&["", "", "\"type\":\"text\",", "\"id\":7,"]);
    match garden.draw.odds(2) {
        false => format!("{{{other}{told},{blank}{between},{value}{blank}}}"),
        true => format!("{{{other}{value}{blank},{between},{blank}{told}}}"),
    }
}

fn patch(garden: &mut Garden<'_>) -> String {
    let told = name(garden, Fit::Any).replace('~', "~0").replace('/', "~1");
    let path = match garden.draw.below(3) {
        0 => format!("/{told}"),
        1 => format!("/users/0/{told}"),
        _ => format!("/{told}/-/x"),
    };
    let path = format!("\"path\":{}", quoted(garden, &path, true));
    let value = format!("\"value\":{}", secret(garden));
    match garden.draw.odds(2) {
        false => format!("[{{\"op\":\"add\",{path},{value}}}]"),
        true => format!("[{{{value},{path},\"op\":\"replace\"}}]"),
    }
}

/// A value that is secret, whole.
fn secret(garden: &mut Garden<'_>) -> String {
    let text = garden.secrets.text(&mut garden.draw, ANY);
    let text = quoted(garden, &text, true);
    let number = garden.secrets.number.clone();
    match garden.draw.below(9) {
        0..3 => text,
        3 => number,
        4 => format!("-{number}e+12"),
        5 => format!("[{text},{number}]"),
        6 => format!("{{\"a\":{text}}}"),
        7 => format!("{{\"city\" : [[{{\"b\":{text}}}],\n{number} ]}}"),
        _ => format!("[true,{{\"]\":\"}}\",\"n\":{number}}},{text}]"),
    }
}

fn harmless_member(garden: &mut Garden<'_>) -> String {
    let name = quoted_plain(garden.harmless());
    format!("{name}:{}", harmless_value(garden))
}

fn harmless_value(garden: &mut Garden<'_>) -> String {
    let word = garden.keep();
    let at = garden.kept.len();
    match garden.draw.below(6) {
        // Numbers whose text says more than their value.
        1 => {
            let number = format!("-{at}0.1000200030004{at}E-0{at}");
            garden.kept.push(number.clone());
            format!("[{number},\"{word}\"]")
        }
        2 => format!("{{\"name\":\"city\",\"value\":\"{word}\"}}"),
        3 => format!("[true,null,{{}},\"{word}\"]"),
        4 => format!("\"{word} \\u00e9 \\/ 🙂\""),
        5 => format!("\"{{ \\\"city\\\" : \\\"{word}\\\" }}\""),
        _ => format!("\"{word}\""),
    }
}

/// A JSON string, `odd` with escapes that need not be.
pub(super) fn quoted(garden: &mut Garden<'_>, text: &str, odd: bool) -> String {
    if !odd {
        return quoted_plain(text);
    }
    let inside = garden.draw.spell(text, |c, other| match (c, other) {
        ('/', 0) => "\u{1}/".to_owned(),
        _ => c.encode_utf16(&mut [0; 2]).iter().fold(String::new(), |out, unit| {
            out + &if other == 0 {
                format!("\u{1}u{unit:04x}")
            } else {
                format!("\u{1}u{unit:04X}")
            }
        }),
    });
    // What was spelled out has its backslash marked, since it must not be escaped again.
    quoted_plain(&inside).replace("\\u0001", "\\")
}

fn quoted_plain(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
