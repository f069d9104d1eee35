//! Sets of status codes, as `--status` takes them.

use std::{ops::RangeInclusive, str::FromStr};

/// What a status may look like, for errors.
const ALLOWED: &str = "expected a code (`404`), a class (`4xx`), a range (`400-499`), a bound \
    (`>=500`), or several of these with commas; codes are 100 to 999";

const ALL: RangeInclusive<u16> = 100..=999;

/// `404`, `4xx`, `400-499`, `>=500`, or a comma list of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusSet(Vec<RangeInclusive<u16>>);

impl StatusSet {
    pub(crate) fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl FromStr for StatusSet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ranges: Option<Vec<_>> = text.split(',').map(|part| range(part.trim())).collect();
        ranges.map(Self).ok_or_else(|| ALLOWED.to_owned())
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let bounds = if let Some(low) = text.strip_prefix(">=") {
        code(low)?..=*ALL.end()
    } else if let Some(low) = text.strip_prefix('>') {
        code(low)? + 1..=*ALL.end()
    } else if let Some(high) = text.strip_prefix("<=") {
        *ALL.start()..=code(high)?
    } else if let Some(high) = text.strip_prefix('<') {
        *ALL.start()..=code(high)? - 1
    } else if let Some((low, high)) = text.split_once('-') {
        code(low)?..=code(high)?
    } else if let Some(class) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
        let low = code(&format!("{class}00"))?;
        low..=low + 99
    } else {
        let one = code(text)?;
        one..=one
    };
    (!bounds.is_empty()).then_some(bounds)
}

fn code(text: &str) -> Option<u16> {
    let text = text.trim();
    let plain = text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|code| plain && ALL.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_selects_what_it_says() {
        let cases: [(&str, &[u16], &[u16]); 8] = [
            ("404", &[404], &[403, 405]),
            ("4xx", &[400, 499], &[399, 500]),
            ("400-499", &[400, 499], &[399, 500]),
            (">=500", &[500, 599], &[499]),
            (">500", &[501], &[500]),
            ("<400", &[200, 399], &[400]),
            ("<=400", &[400], &[401]),
            ("401, 403,5XX", &[401, 403, 502], &[402, 404]),
        ];
        for (text, inside, outside) in cases {
            let set: StatusSet = text.parse().unwrap();
            assert!(inside.iter().all(|s| set.contains(*s)), "{text}");
            assert!(!outside.iter().any(|s| set.contains(*s)), "{text}");
        }
    }

    #[test]
    fn what_is_no_status_is_refused() {
        let wrong = [
            "", ",", "404,", "abc", "99", "1000", "4x", "xx", "0xx", "44xx", "499-400", "-", ">",
            "<100", ">999", "+40", "é", "4éx", "65536",
        ];
        for text in wrong {
            assert!(text.parse::<StatusSet>().unwrap_err().contains("4xx"), "{text}");
        }
    }
}
