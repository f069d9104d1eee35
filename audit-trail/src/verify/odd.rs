//! What is no proof of a change, but more than a writer leaves by itself.

use audit_core::Timestamp;

/// How many records a writer leaves unsigned, unless it is told otherwise or the disk is slow.
const RECORDS: u64 = 4096;
/// How far behind the last signed record one is that is not signed: an idle writer says so every
/// minute, and signs at the latest a minute after a record, whatever it is told. In microseconds.
const REACH: i64 = 121_000_000;
/// No time is longer, in bytes.
const LONGEST: usize = 40;
/// Most that is told.
const MOST: usize = 100;

/// The latest times of records, as they stand in the lines: their one form sorts as text.
#[derive(Debug, Default)]
pub(super) struct Times {
    all: String,
    signed: String,
    /// Of what no checkpoint covers, without the records of a start, which may come after days.
    tail: String,
}

impl Times {
    pub(super) fn see(&mut self, time: &str, is_of_a_start: bool) {
        if time.len() > LONGEST {
            return;
        }
        let later = |latest: &mut String| {
            if *time > **latest {
                latest.clear();
                latest.push_str(time);
            }
        };
        later(&mut self.all);
        if !is_of_a_start {
            later(&mut self.tail);
        }
    }

    pub(super) fn sign(&mut self) {
        self.signed.clone_from(&self.all);
        self.tail.clear();
    }

    /// How far what is not signed reaches beyond what is, in microseconds.
    fn reach(&self) -> i64 {
        let micros = |time: &str| time.parse::<Timestamp>().ok().map(Timestamp::as_micros);
        let both = micros(&self.tail).zip(micros(&self.signed));
        both.map_or(0, |(tail, signed)| tail.saturating_sub(signed))
    }

    /// Why `count` records are more than a writer leaves unsigned, if they are; `what` they are.
    pub(super) fn odd(&self, what: &str, count: u64) -> Option<String> {
        let reach = self.reach();
        let why = if count > RECORDS {
            format!(
                "{count} records are more than the {RECORDS} that a writer leaves unsigned, unless it is told otherwise or its disk is slow"
            )
        } else if count > 0 && reach > REACH {
            let seconds = reach / 1_000_000;
            format!(
                "{count} records reach {seconds} s beyond the last signed one, and a writer signs after 60 s at the latest"
            )
        } else {
            return None;
        };
        Some(format!("{what}: {why}; so they may have been written by somebody else"))
    }
}

/// Adds one, unless there are too many.
pub(super) fn add(warnings: &mut Vec<String>, warning: Option<String>) {
    warnings.extend(warning.filter(|_| warnings.len() < MOST));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_writer_leaves() {
        let mut times = Times::default();
        times.see("2026-11-30T12:00:00.000000Z", false);
        assert_eq!(times.odd("x", 4096), None);
        assert!(times.odd("x", 4097).unwrap().starts_with("x: 4097 records are more"));
        times.sign();
        times.see("2026-12-30T12:00:00.000000Z", true);
        times.see("2026-11-30T12:02:00.000000Z", false);
        times.see(&"9".repeat(41), false);
        assert_eq!(
            times.odd("x", 3),
            None,
            "a start may come later, and a request have begun long ago"
        );
        times.see("2026-11-30T12:02:02.000000Z", false);
        assert!(times.odd("x", 3).unwrap().contains("reach 122 s"));
        assert_eq!(times.odd("x", 0), None);
        times.sign();
        assert_eq!(times.odd("x", 3), None);
        times.see("no time", false);
        assert_eq!(times.odd("x", 3), None);
    }
}
