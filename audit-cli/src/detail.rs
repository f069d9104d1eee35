//! One record whole, indented, for people.

use std::io::{self, Write};

use crate::escape::EscapedJson;

/// The indent of the record's own members.
const MARGIN: usize = 4;

/// Writes the members of a trail line below each other, every number and string as stored but for
/// characters that act on a terminal. The salt is left out: it says nothing to a person.
pub(crate) fn write(out: &mut impl Write, text: &str) -> io::Result<()> {
    let mut shown = text;
    // No string holds a raw TAB, so this can only be the last member of the line itself.
    for salt in [",\t\"salt\":", ",\t\"salts\":"] {
        shown = shown.rsplit_once(salt).map_or(shown, |(before, _)| before);
    }
    out.write_all(pretty(&EscapedJson(shown).to_string()).as_bytes())
}

/// Indents JSON text without reading it into values, so that nothing changes on the way. Never
/// fails: of text that is no JSON it makes some other text.
fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth: usize = 0;
    let mut chars = json.chars().filter(|c| *c != '\t').peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push('"');
                while let Some(inner) = chars.next() {
                    out.push(inner);
                    match inner {
                        '\\' => out.extend(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                depth += 1;
                if depth > 1 {
                    out.push(c);
                }
                while chars.next_if(|next| *next == ' ').is_some() {}
                if !chars.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    newline(&mut out, depth);
                } else if let (Some(end), true) = (chars.next(), depth > 1) {
                    out.push(end);
                    depth -= 1;
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if depth > 0 {
                    newline(&mut out, depth);
                    out.push(c);
                }
            }
            ',' => {
                out.push(',');
                newline(&mut out, depth);
            }
            ':' => out.push_str(": "),
            ' ' => {}
            _ => out.push(c),
        }
    }
    out.push('\n');
    out
}

fn newline(out: &mut String, depth: usize) {
    if !out.is_empty() {
        out.push('\n');
    }
    // Deeper than any record goes, the indent stops growing.
    let indent = MARGIN + 2 * depth.clamp(1, 64) - 2;
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, text).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_stand_below_each_other() {
        let line = "{\"seq\":3,\"a\":[1.10,{\"b\":{}}],\t\"actor\":{\"user\":\"a,b:{\\\"\u{202e}\",\
            \"roles\":[ ]},\t\"salt\":\"00\"}";
        let expected = [
            "    \"seq\": 3,",
            "    \"a\": [",
            "      1.10,",
            "      {",
            "        \"b\": {}",
            "      }",
            "    ],",
            "    \"actor\": {",
            "      \"user\": \"a,b:{\\\"\\u202e\",",
            "      \"roles\": []",
            "    }",
            "",
        ];
        assert_eq!(shown(line), expected.join("\n"));
    }

    #[test]
    fn any_text_is_survived() {
        for text in ["", "{", "}}}", "[[[[", "\"\\", "{}", "[]", "\"", "{\"a\":", "é\0\u{1b}"] {
            assert!(shown(text).ends_with('\n'));
            assert!(!shown(text).contains('\u{1b}'));
        }
        assert!(shown(&"[".repeat(100_000)).len() < 20_000_000);
    }
}
