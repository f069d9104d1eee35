//! A TOML document: its tables, and where everything in them stands.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{
    Value,
    problem::{Place, Problem},
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

/// The text, for telling where things stand.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// All of the document, or what is wrong with its syntax.
    pub(super) fn parse(self) -> Result<Table, Vec<Problem>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        if errors.is_empty() {
            return Ok(entries(table.get_ref()));
        }
        let problem = |error: &toml::de::Error| {
            let why = error.message().trim().replace('\n', "; ");
            self.problem("", why, &error.span().unwrap_or(0..0))
        };
        Err(errors.iter().map(problem).collect())
    }

    pub(super) fn problem(self, key: &str, why: String, at: &Range<usize>) -> Problem {
        Problem { place: self.place(at), key: key.to_owned(), why }
    }

    pub(super) fn place(self, at: &Range<usize>) -> Place {
        let start = self.text.floor_char_boundary(at.start.min(self.text.len()));
        let end = self.text.floor_char_boundary(at.end.min(self.text.len())).max(start);
        let begin = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[..begin].matches('\n').count() + 1;
        let text = self.text[begin..].lines().next().unwrap_or_default();
        let column = self.text[begin..start].chars().count() + 1;
        let width = self.text[start..end].chars().count();
        Place::File { name: self.name.to_owned(), line, column, text: text.to_owned(), width }
    }
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
