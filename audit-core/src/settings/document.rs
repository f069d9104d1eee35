//! A TOML document: its tables, and where everything in them stands.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{
    ConfigError, Value,
    problem::{Place, Problem, Problems},
    syntax,
};

/// A table's entries, in the order in which they stand there.
pub(super) type Table = Vec<Entry>;

pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_at: Range<usize>,
    pub(super) at: Range<usize>,
    pub(super) node: Node,
}

pub(super) enum Node {
    Value(Value, Vec<Range<usize>>),
    Table(Table),
    /// An array that holds nothing but tables, and something.
    Tables(Vec<Table>),
}

/// Most characters of a line that are shown, and of what is wrong with it.
const SHOWN: usize = 160;
const WHY: usize = 1_000;

/// The text, for telling where things stand.
pub(super) struct Source<'a> {
    name: &'a str,
    text: &'a str,
    /// Where each line begins: a file may have a million keys, and each has its line.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(name: &'a str, text: &'a str) -> Self {
        let ends =
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { name, text, lines: std::iter::once(0).chain(ends).collect() }
    }

    /// Whether it is as long as people write.
    pub(super) const fn is_short(&self) -> bool {
        self.text.len() <= 64 * 1024
    }

    /// All of the document, or what is wrong with its syntax.
    pub(super) fn parse(&self) -> Result<Table, ConfigError> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let mut problems = Problems::default();
        for error in &errors {
            let at = error.span().unwrap_or(0..0);
            problems.add(at.start, || {
                let (key, why) = syntax::explained(self.text, &at, error.message());
                self.problem(&key, &why, &at)
            });
        }
        problems.into_error().map_or_else(|| Ok(entries(table.get_ref())), Err)
    }

    pub(super) fn problem(&self, key: &str, why: &str, at: &Range<usize>) -> Problem {
        Problem { place: self.place(at), key: clipped(key, SHOWN), why: clipped(why, WHY) }
    }

    pub(super) fn place(&self, at: &Range<usize>) -> Place {
        let start = self.text.floor_char_boundary(at.start.min(self.text.len()));
        let end = self.text.floor_char_boundary(at.end.min(self.text.len())).max(start);
        let line = self.lines.partition_point(|begin| *begin <= start);
        let begin = self.lines[line - 1];
        let before = self.text[begin..start].chars().count();
        let width = self.text[start..end].chars().take(SHOWN).count();
        // Of a long line the part that it is about.
        let skip = before.saturating_sub(SHOWN / 2);
        let mut rest = self.text[begin..].lines().next().unwrap_or_default().chars().skip(skip);
        let mut text: String = if skip > 0 { "…" } else { "" }.to_owned();
        text.extend(rest.by_ref().take(SHOWN));
        if rest.next().is_some() {
            text.push('…');
        }
        let indent = before - skip + usize::from(skip > 0);
        Place::File { name: self.name.to_owned(), line, column: before + 1, text, indent, width }
    }
}

/// Without its middle, where it is long: what was written is at its begin, what is allowed at its
/// end.
fn clipped(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let begin = text.floor_char_boundary(most / 2);
    let end = text.ceil_char_boundary(text.len() - most / 2);
    format!("{}…{}", &text[..begin], &text[end..])
}

fn entries(table: &DeTable<'_>) -> Table {
    let mut entries: Table = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_at: key.span(),
            at: value.span(),
            node: node(value.get_ref()),
        })
        .collect();
    // The map sorts by name.
    entries.sort_by_key(|entry| entry.key_at.start);
    entries
}

fn node(value: &DeValue<'_>) -> Node {
    match value {
        DeValue::Table(table) => Node::Table(entries(table)),
        DeValue::Array(values) => {
            let tables: Option<Vec<_>> = values
                .iter()
                .map(|value| match value.get_ref() {
                    DeValue::Table(table) => Some(entries(table)),
                    _ => None,
                })
                .collect();
            match tables {
                Some(tables) if !tables.is_empty() => Node::Tables(tables),
                _ => {
                    let items = values.iter().map(|value| scalar(value.get_ref())).collect();
                    Node::Value(
                        Value::List(items),
                        values.iter().map(toml::Spanned::span).collect(),
                    )
                }
            }
        }
        value => Node::Value(scalar(value), Vec::new()),
    }
}

fn scalar(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number this large"), Value::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or(Value::Other("a number this large"), Value::Float)
        }
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(_) => Value::Other("a list"),
        DeValue::Table(_) => Value::Other("a table"),
    }
}
