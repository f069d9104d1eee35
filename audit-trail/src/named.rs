//! How people name a record.

use crate::{files::is_writer, line::MAX_SEQ};

/// What somebody calls a record: its `id`, or its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// By its `id`: whatever is no place.
    Id(&'a str),
    /// By its place: `00/17`, or `17` where there is one writer.
    Place {
        /// The writer directory.
        writer: Option<&'a str>,
        /// The place in it, counted from 0.
        seq: u64,
    },
}

impl<'a> Named<'a> {
    /// What a text names.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let seq = |text: &str| {
            let seq: Option<u64> = text.parse().ok();
            seq.filter(|seq| *seq <= MAX_SEQ && seq.to_string() == text)
        };
        let place = match text.split_once('/') {
            Some((writer, rest)) if is_writer(writer) => seq(rest).map(|seq| (Some(writer), seq)),
            Some(_) => None,
            None => seq(text).map(|seq| (None, seq)),
        };
        place.map_or(Self::Id(text), |(writer, seq)| Self::Place { writer, seq })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_spelling_and_all_else_is_an_id() {
        let place = |writer, seq| Named::Place { writer, seq };
        for (text, expected) in [
            ("17", place(None, 17)),
            ("00/17", place(Some("00"), 17)),
            ("9223372036854775807", place(None, MAX_SEQ)),
        ] {
            assert_eq!(Named::parse(text), expected);
        }
        for text in ["", "017", "+1", "0/17", "00/", "00/x", "000/1", "9223372036854775808", "a/b"]
        {
            assert_eq!(Named::parse(text), Named::Id(text));
        }
    }
}
