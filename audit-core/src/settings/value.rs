//! A value on its way between a file, the environment and a setting.

use std::fmt;

/// Longest value that is told in full, in characters.
const TOLD: usize = 80;

/// A value of any key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    /// From the environment, where everything is a text: what it stands for, the key knows.
    Raw(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    List(Vec<Self>),
    /// What no key takes.
    Other(&'static str),
}

impl Value {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Raw(text) => Some(text),
            _ => None,
        }
    }

    /// As it stands in a message: short, and on one line.
    pub(super) fn told(&self) -> String {
        let text = match self {
            Self::Raw(text) => text.escape_debug().to_string(),
            Self::Other(what) => return (*what).to_owned(),
            value => value.to_string(),
        };
        match text.char_indices().nth(TOLD) {
            Some((end, _)) => format!("`{}…`", &text[..end]),
            None => format!("`{text}`"),
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) | Self::Raw(text) => text.as_str().into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Boolean(flag) => (*flag).into(),
            Self::List(values) => values.iter().map(Self::to_json).collect(),
            Self::Other(_) => serde_json::Value::Null,
        }
    }
}

/// As TOML.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Raw(text) => quoted(f, text),
            Self::Integer(number) => write!(f, "{number}"),
            // With a point, or TOML takes it for an integer.
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Boolean(flag) => write!(f, "{flag}"),
            Self::List(values) => {
                f.write_str("[")?;
                for (at, value) in values.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    value.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::Other(what) => f.write_str(what),
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write as _;
    f.write_char('"')?;
    for char in text.chars() {
        match char {
            '"' | '\\' => write!(f, "\\{char}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            char if acts(char) => write!(f, "\\u{:04X}", u32::from(char))?,
            char => f.write_char(char)?,
        }
    }
    f.write_char('"')
}

/// Whether a terminal would obey it, or reverse what follows it.
fn acts(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
