//! Makes values safe to look at: a client chooses paths, agents and names, and what it sends
//! must not move the cursor, recolour the screen or reverse the reading order.

use std::fmt::{self, Write};

/// Shows a text with every character that could act on a terminal written as an escape.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

/// Shows a text as one cell of a line: escaped, and quoted where it would not be one word.
/// Without the quotes a user named `bob 192.0.2.1` could fill its own address column.
pub(crate) struct Cell<'a>(pub(crate) &'a str);

/// Shows JSON text with such characters as JSON escapes: another spelling of the same value.
pub(crate) struct EscapedJson<'a>(pub(crate) &'a str);

/// Whether a character acts on a terminal instead of being shown by it: controls (C0, DEL, C1,
/// so every escape sequence), line and paragraph separators, the marks, overrides and isolates
/// of bidirectional text, and invisible tags. Joiners stay: scripts need them.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// One character, escaped the way JSON does if it acts. `keep` passes as it stands.
fn put(f: &mut fmt::Formatter<'_>, c: char, keep: &str) -> fmt::Result {
    if !acts(c) || keep.contains(c) {
        return f.write_char(c);
    }
    match c {
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        _ => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}")),
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| put(f, c, ""))
    }
}

impl fmt::Display for EscapedJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Between tokens a trail line has TABs; inside strings JSON allows none.
        self.0.chars().try_for_each(|c| put(f, c, "\t"))
    }
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let odd = |c: char| c.is_whitespace() || c == '"';
        if !self.0.is_empty() && self.0 != "-" && !self.0.contains(odd) {
            return Escaped(self.0).fmt(f);
        }
        f.write_char('"')?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_char('\\')?;
            }
            put(f, c, "")?;
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        let cases = [
            ("\u{1b}[31mred\u{1b}[0m", "\\u001b[31mred\\u001b[0m"),
            ("\u{1b}]0;title\u{7}", "\\u001b]0;title\\u0007"),
            ("ann\u{202e}nimda", "ann\\u202enimda"),
            ("\u{2066}x\u{2069}", "\\u2066x\\u2069"),
            ("a\0b", "a\\u0000b"),
            ("a\nb\rc\td", "a\\nb\\rc\\td"),
            ("\u{9b}2J", "\\u009b2J"),
            ("del\u{7f}", "del\\u007f"),
            ("\u{2028}\u{feff}\u{200f}", "\\u2028\\ufeff\\u200f"),
            ("\u{e0041}", "\\udb40\\udc41"),
        ];
        for (from, to) in cases {
            assert_eq!(Escaped(from).to_string(), to);
            let cell = Cell(from).to_string();
            assert!(!cell.chars().any(acts), "{cell}");
        }
    }

    #[test]
    fn ordinary_text_of_any_script_stays() {
        for text in ["ann", "မင်္ဂလာပါ", "שלום", "日本", "👩‍🚀", "/a?b=c%20d"]
        {
            assert_eq!(Escaped(text).to_string(), text);
            assert_eq!(Cell(text).to_string(), text);
        }
    }

    #[test]
    fn a_cell_is_one_word() {
        assert_eq!(Cell("bob 192.0.2.1").to_string(), "\"bob 192.0.2.1\"");
        assert_eq!(Cell("a \"b\" \\").to_string(), "\"a \\\"b\\\" \\\\\"");
        assert_eq!(Cell("").to_string(), "\"\"");
        assert_eq!(Cell("-").to_string(), "\"-\"");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let line = "{\"a\":1,\t\"b\":\"\u{9b}\u{202e}\u{e0041}\"}";
        let shown = EscapedJson(line).to_string();
        assert_eq!(shown, "{\"a\":1,\t\"b\":\"\\u009b\\u202e\\udb40\\udc41\"}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&shown), value(line));
    }
}
