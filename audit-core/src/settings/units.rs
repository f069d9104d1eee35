//! Sizes and durations as people write them.

use std::time::Duration;

const SIZES: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const TIMES: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// `64MiB`, `8 KiB`, `512`: bytes.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text.trim())?;
    let unit = unit.trim_start();
    let one = match unit {
        "" => 1,
        _ => SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
    };
    number.checked_mul(one)
}

/// The largest unit that leaves no remainder; bytes as a bare number.
pub(super) fn show_size(bytes: u64) -> Option<String> {
    let (name, one) = SIZES.iter().find(|(_, one)| bytes > 0 && bytes.is_multiple_of(*one))?;
    (*one > 1).then(|| format!("{}{name}", bytes / one))
}

/// `10ms`, `1m30s`, `24h`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut nanos: u64 = 0;
    while !rest.is_empty() || text.trim().is_empty() {
        let (number, more) = split(rest)?;
        let end = more.find(|c: char| c.is_ascii_digit() || c == ' ').unwrap_or(more.len());
        let (unit, more) = more.split_at(end);
        let unit = if unit == "µs" { "us" } else { unit };
        let (_, one) = TIMES.iter().find(|(name, _)| *name == unit)?;
        nanos = nanos.checked_add(number.checked_mul(*one)?)?;
        rest = more.trim_start();
    }
    Some(Duration::from_nanos(nanos))
}

/// Hours at the most: `24h` is what people write for a day.
pub(super) fn show_duration(duration: Duration) -> String {
    let mut nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    if nanos == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, one) in &TIMES[1..] {
        if nanos >= *one {
            text += &format!("{}{name}", nanos / one);
            nanos %= one;
        }
    }
    text
}

/// The number that a text begins with, and the rest.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("64MiB", 64 << 20),
            ("8 KiB", 8192),
            ("1gib", 1 << 30),
            ("2TiB", 2 << 40),
            ("512", 512),
            ("512B", 512),
            ("0", 0),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5MiB", "64MB", "64Mi", "20000000TiB", "1 2", "1e3"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in [
            ("10ms", 10),
            ("1s", 1000),
            ("1m30s", 90_000),
            ("1m 30s", 90_000),
            ("24h", 86_400_000),
            ("1d", 86_400_000),
            ("0s", 0),
            ("5000us", 5),
            ("5000µs", 5),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", " ", "10", "ms", "-1s", "1.5s", "1 s", "1week", "1s2", "999999999h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(number: u64, shift in 0..64_u32) {
            let number = number >> shift;
            let shown = show_size(number).unwrap_or_else(|| number.to_string());
            prop_assert_eq!(size(&shown), Some(number));
            let time = Duration::from_nanos(number);
            prop_assert_eq!(duration(&show_duration(time)), Some(time));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,12}|[0-9]{0,22}[a-zµ ]{0,4}[0-9]{0,3}[ms]{0,3}") {
            let _ = (size(&text), duration(&text));
        }
    }
}
