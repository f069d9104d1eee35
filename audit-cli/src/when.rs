//! Points in time as people write them.

use audit_core::Timestamp;
use jiff::{
    Timestamp as Instant,
    civil::{Date, DateTime},
    tz::TimeZone,
};

/// What a time may look like, for help and errors.
pub(crate) const ALLOWED: &str = "an age (`30m`, `2h`, `7d`, `1w`), `now`, `today`, `yesterday`, \
    a date (`2026-11-01`) or an RFC 3339 time (`2026-11-01T08:30:00Z`); without a zone it is UTC";

/// Reads a time given on the command line.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    at(text, Timestamp::now()).ok_or_else(|| format!("expected {ALLOWED}"))
}

/// Reads a time, with the present moment given.
fn at(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let today =
        || Some(Instant::from_microsecond(now.as_micros()).ok()?.to_zoned(TimeZone::UTC).date());
    match text {
        "now" => return Some(now),
        "today" => return start(today()?),
        "yesterday" => return start(today()?.yesterday().ok()?),
        _ => {}
    }
    let age = text.strip_prefix("now-").unwrap_or(text);
    if let Some(micros) = span(age.strip_suffix(" ago").unwrap_or(age)) {
        return Some(Timestamp::from_micros(now.as_micros().checked_sub(micros)?));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    // A zone's name in brackets is refused rather than passed over.
    let plain = !text.contains('[');
    utc(text.parse::<DateTime>().ok().filter(|_| plain)?)
}

/// The first moment of a day.
fn start(date: Date) -> Option<Timestamp> {
    utc(date.at(0, 0, 0, 0))
}

fn utc(time: DateTime) -> Option<Timestamp> {
    let instant = TimeZone::UTC.to_timestamp(time).ok()?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

/// `2h`, `1h30m`, `7d` in microseconds.
fn span(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let micros: i64 = match &rest[..letters] {
            "ms" => 1_000,
            "s" | "sec" => 1_000_000,
            "m" | "min" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            "w" => 604_800_000_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(count.checked_mul(micros)?)?;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let now = "2026-11-21T20:31:00.5Z".parse().unwrap();
        at(text, now).map_or_else(|| "refused".to_owned(), |time| time.to_string())
    }

    #[test]
    fn ages_days_and_times() {
        assert_eq!(read("2h"), "2026-11-21T18:31:00.500000Z");
        assert_eq!(read("1h30m"), "2026-11-21T19:01:00.500000Z");
        assert_eq!(read("now-7d"), "2026-11-14T20:31:00.500000Z");
        assert_eq!(read("90s ago"), "2026-11-21T20:29:30.500000Z");
        assert_eq!(read("now"), "2026-11-21T20:31:00.500000Z");
        assert_eq!(read("today"), "2026-11-21T00:00:00.000000Z");
        assert_eq!(read("yesterday"), "2026-11-20T00:00:00.000000Z");
        assert_eq!(read("2026-11-01"), "2026-11-01T00:00:00.000000Z");
        assert_eq!(read("2026-11-01T08:30"), "2026-11-01T08:30:00.000000Z");
        assert_eq!(read("2026-11-01T08:30:00+06:30"), "2026-11-01T02:00:00.000000Z");
        assert_eq!(read("2026-11-01T08:30:00.123456Z"), "2026-11-01T08:30:00.123456Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let wrong = [
            "",
            " ",
            "2",
            "h",
            "2x",
            "-2h",
            "2.5h",
            "now-",
            "tomorrow",
            "2026-13-01",
            "2026-02-30",
            "2026-11-01T08:30[Asia/Yangon]",
            "99999999999999999999d",
            "9223372036854775807w",
            "1é",
            "é",
            "2026-11-0é",
        ];
        for text in wrong {
            assert_eq!(read(text), "refused", "{text}");
        }
        assert!(parse("soon").unwrap_err().contains("yesterday"));
    }
}
