//! What is wrong with a text that is no TOML, in words for people who do not know TOML.

use std::ops::Range;

use super::keys::{KEYS, Key, RULE_KEYS};

/// The key that it is about, as far as that can be told, and what is wrong and what to write.
pub(super) fn explained(text: &str, at: &Range<usize>, message: &str) -> (String, String) {
    let start = text.floor_char_boundary(at.start.min(text.len()));
    let end = text.floor_char_boundary(at.end.min(text.len())).max(start);
    let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[begin..].lines().next().unwrap_or_default();
    let plain = message.trim().replace('\n', "; ");
    let wrong = &text[start..end];
    if plain == "duplicate key" {
        let why = if line.trim_start().starts_with('[') {
            format!("[{wrong}] is there twice; write all of its keys below one")
        } else {
            "is set twice; leave one of them out".to_owned()
        };
        return (key(text, begin, line), why);
    }
    let in_value = line.find('=').is_some_and(|equals| begin + equals < start);
    if !in_value {
        return (String::new(), plain);
    }
    let word = |c: char| c.is_alphanumeric() || "_-./*".contains(c);
    let key = key(text, begin, line);
    let why = match (wrong.to_ascii_lowercase().as_str(), allowed(&key)) {
        (lower @ ("true" | "false"), _) => format!("`{wrong}` is no value; write `{lower}`"),
        _ if wrong.is_empty() || !wrong.chars().all(word) => plain,
        (_, Some(flag)) if flag == FLAG => format!("`{wrong}` is not {flag}"),
        (_, Some(allowed)) => {
            format!("`{wrong}` is no value; write {allowed}, and texts in quotes, as `\"{wrong}\"`")
        }
        _ => format!("`{wrong}` is no value; write a text in quotes, `\"{wrong}\"`"),
    };
    (key, why)
}

/// What a switch may be.
const FLAG: &str = "true or false";

/// What is allowed for a key.
fn allowed(key: &str) -> Option<String> {
    let of_rule = || {
        let name = key.strip_prefix("rule.")?;
        RULE_KEYS.iter().find(|key| key.name == name).map(Key::allowed)
    };
    KEYS.iter().find(|one| one.name == key).map(Key::allowed).or_else(of_rule)
}

/// The key of a line, with the section above it.
fn key(text: &str, begin: usize, line: &str) -> String {
    let header = |line: &str| {
        let line = line.trim().strip_prefix('[')?;
        let name = line.trim_start_matches('[').split(']').next()?;
        Some(name.trim().to_owned())
    };
    if let Some(section) = header(line) {
        return section;
    }
    let name = line.split('=').next().unwrap_or_default().trim();
    let section = text[..begin].lines().rev().find_map(header);
    section.map_or_else(|| name.to_owned(), |section| format!("{section}.{name}"))
}

#[cfg(test)]
mod tests {
    use crate::settings::Reading;

    #[test]
    fn slips_are_told_with_key_value_and_remedy() {
        for (text, expected) in [
            (
                "[auditor]\ncapture = full\n",
                "a:2:11: auditor.capture: `full` is no value; write one of none, metadata, headers, \
                 request, full, and texts in quotes, as `\"full\"`",
            ),
            (
                "[bodies]\nlimit = 8k\n",
                "a:2:9: bodies.limit: `8k` is no value; write a size such as \"8KiB\", or a number of \
                 bytes, and texts in quotes, as `\"8k\"`",
            ),
            ("[mask]\nbuiltin = True\n", "a:2:11: mask.builtin: `True` is no value; write `true`"),
            ("[mask]\nbuiltin = yes\n", "a:2:11: mask.builtin: `yes` is not true or false"),
            ("[x]\ny = z\n", "a:2:5: x.y: `z` is no value; write a text in quotes, `\"z\"`"),
            (
                "[[rule]]\nmethods = [GET]\n",
                "a:2:12: rule.methods: `GET` is no value; write a list of methods such as \
                 \"POST\", and texts in quotes, as `\"GET\"`",
            ),
            (
                "[auditor]\ncapture = 'full'\ncapture = 'none'\n",
                "a:3:1: auditor.capture: is set twice; leave one of them out",
            ),
            (
                "[mask]\n[auditor]\n[mask]\n",
                "a:3:2: mask: [mask] is there twice; write all of its keys below one",
            ),
            ("capture: full\n", "a:1:10: key with no value, expected `=`"),
        ] {
            let error = Reading::default().text("a", text).unwrap_err().to_string();
            assert!(error.lines().any(|line| line == expected), "{text}: {error}");
        }
    }
}
