//! What is said to the person at the keyboard: on stderr, so that stdout holds nothing but data.

use std::{
    fmt::Display,
    io::{self, Write},
};

use audit_core::{Control, Entry};

use crate::escape::Escaped;

/// Says one line. Where stderr is gone, nobody listens, which is no reason to stop.
pub(crate) fn say(text: impl Display) {
    let text = text.to_string();
    let _ = writeln!(io::stderr().lock(), "audit: {}", Escaped(&text));
}

/// What a person who looks at requests needs to be told of a control record, if anything:
/// that records are missing, or may be.
pub(crate) fn notice(entry: &Entry) -> Option<String> {
    let control = entry.control.as_ref()?;
    let said = match Trouble::of(control)? {
        Trouble::Gap => format!(
            "gap: {} lost{}",
            control.count.map_or_else(|| "records were".to_owned(), records_were),
            because(control)
        ),
        Trouble::Repair => {
            format!("repair: the trail was damaged and repaired{}", because(control))
        }
        Trouble::Unclean => "unclean end: the process before this start did not close the trail; \
            its last records may be missing"
            .to_owned(),
    };
    let time = entry.time.map_or_else(String::new, |time| format!("{time} "));
    Some(format!("{time}{said}"))
}

/// How many troubles lie among the records a query looked at.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    gaps: u64,
    lost: u64,
    repairs: u64,
    unclean: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, entry: &Entry) {
        let Some(control) = &entry.control else {
            return;
        };
        match Trouble::of(control) {
            Some(Trouble::Gap) => {
                self.gaps += 1;
                self.lost = self.lost.saturating_add(control.count.unwrap_or(0));
            }
            Some(Trouble::Repair) => self.repairs += 1,
            Some(Trouble::Unclean) => self.unclean += 1,
            None => {}
        }
    }

    /// One line, unless all is well.
    pub(crate) fn summary(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.gaps > 0 {
            parts.push(format!("{} ({} lost)", plural(self.gaps, "gap"), records_were(self.lost)));
        }
        if self.repairs > 0 {
            parts.push(plural(self.repairs, "repair"));
        }
        if self.unclean > 0 {
            parts.push(plural(self.unclean, "unclean end"));
        }
        let list = parts.join(", ");
        (!parts.is_empty()).then(|| format!("in this range: {list}; see them with --kind control"))
    }
}

enum Trouble {
    Gap,
    Repair,
    Unclean,
}

impl Trouble {
    fn of(control: &Control) -> Option<Self> {
        match control.op.as_str() {
            "gap" => Some(Self::Gap),
            "repair" => Some(Self::Repair),
            "open" if control.unclean == Some(true) => Some(Self::Unclean),
            _ => None,
        }
    }
}

fn because(control: &Control) -> String {
    control.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"))
}

fn records_were(count: u64) -> String {
    format!("{} {}", plural(count, "record"), if count == 1 { "was" } else { "were" })
}

/// `1 gap`, `2 gaps`.
pub(crate) fn plural(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(members: &str) -> Entry {
        let time = "2026-11-21T20:31:00.000000Z";
        Entry::parse(&format!(r#"{{"kind":"control","time":"{time}","control":{{{members}}}}}"#))
            .unwrap()
    }

    #[test]
    fn only_trouble_is_announced() {
        let gap = notice(&control(r#""op":"gap","count":1,"reason":"memory""#)).unwrap();
        assert_eq!(gap, "2026-11-21T20:31:00.000000Z gap: 1 record was lost (memory)");
        assert!(notice(&control(r#""op":"gap""#)).unwrap().ends_with("gap: records were lost"));
        assert!(notice(&control(r#""op":"repair""#)).unwrap().contains("repaired"));
        assert!(notice(&control(r#""op":"open","unclean":true"#)).unwrap().contains("unclean end"));
        for fine in [r#""op":"open""#, r#""op":"close""#, r#""op":"heartbeat""#, r#""op":"new""#] {
            assert_eq!(notice(&control(fine)), None);
        }
    }

    #[test]
    fn a_query_sums_it_up_in_one_line() {
        let mut tally = Tally::default();
        tally.add(&control(r#""op":"open""#));
        assert_eq!(tally.summary(), None);
        tally.add(&control(r#""op":"gap","count":3"#));
        tally.add(&control(r#""op":"gap","count":18446744073709551615"#));
        tally.add(&control(r#""op":"open","unclean":true"#));
        let text = tally.summary().unwrap();
        assert!(text.contains("2 gaps (18446744073709551615 records were lost), 1 unclean end;"));
    }
}
