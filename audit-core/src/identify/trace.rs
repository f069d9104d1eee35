//! W3C trace context.

/// The trace id and parent id of a `traceparent` header value, or nothing if it is malformed.
pub(crate) fn trace_ids(value: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(value).ok()?;
    let (version, rest) = text.split_once('-')?;
    let (trace_id, rest) = rest.split_once('-')?;
    let (parent_id, rest) = rest.split_once('-')?;
    // Version 00 ends after the flags; a later one may go on after another dash.
    let (flags, more) = rest.split_once('-').map_or((rest, false), |(flags, _)| (flags, true));
    let fits = hex(version, 2)
        && version != "ff"
        && !(version == "00" && more)
        && hex(flags, 2)
        && hex(trace_id, 32)
        && hex(parent_id, 16)
        && !trace_id.bytes().all(|b| b == b'0')
        && !parent_id.bytes().all(|b| b == b'0');
    fits.then_some((trace_id, parent_id))
}

fn hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn the_example_of_the_standard() {
        let header = format!("00-{TRACE}-b7ad6b7169203331-01");
        assert_eq!(trace_ids(header.as_bytes()), Some((TRACE, "b7ad6b7169203331")));
        let later = format!("cc-{TRACE}-b7ad6b7169203331-01-what-the-future-will-be");
        assert_eq!(trace_ids(later.as_bytes()), Some((TRACE, "b7ad6b7169203331")));
    }

    #[test]
    fn malformed_ones_are_ignored() {
        let zero = "0".repeat(32);
        for bad in [
            String::new(),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{zero}-b7ad6b7169203331-01"),
            format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-b7ad6b7169203331"),
            format!("00-{TRACE}x-b7ad6b7169203331-01"),
        ] {
            assert_eq!(trace_ids(bad.as_bytes()), None, "{bad}");
        }
    }
}
