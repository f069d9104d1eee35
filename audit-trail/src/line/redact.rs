//! A line without some of its groups.

use super::{
    check::{GROUPS, Pieces},
    json::Why,
    leaf::{Salts, commitment, parts},
};
use crate::tree::hex_of;

/// The line, which [`record`](super::record) has found to be one, after these groups are redacted (a
/// bit each, in stored order): its leaf is the same. Groups that it does not have, and those that were
/// redacted before, are passed.
///
/// # Errors
///
/// Where it is no record.
pub(crate) fn redact(line: &[u8], groups: u8) -> Result<Vec<u8>, Why> {
    let inner = line.strip_prefix(b"{").and_then(|line| line.strip_suffix(b"}"));
    let mut pieces = Pieces(inner);
    let core = pieces.next()?.ok_or("not a record")?;
    let salts = Salts::of(line);
    let mut out = [b"{", core].concat();
    let (mut open, mut left_out) = (Vec::new(), false);
    while let Some(piece) = pieces.next()? {
        let (name, value) = parts(piece).ok_or("not a group")?;
        if name == b"salt" || name == b"salts" {
            break;
        }
        out.extend_from_slice(b",\t\"");
        out.extend_from_slice(name);
        out.extend_from_slice(b"\":");
        if value.first() == Some(&b'"') {
            out.extend_from_slice(value);
            left_out = true;
            continue;
        }
        let salt = salts.of_group(name).ok_or("a group without salt")?;
        let index = GROUPS.iter().position(|group| *group == name).ok_or("not a group's name")?;
        if groups & (1 << index) == 0 {
            out.extend_from_slice(value);
            open.push((name, salt));
        } else {
            out.extend_from_slice(b"\"#");
            out.extend_from_slice(&hex_of::<64>(&commitment(&salt, value)));
            out.push(b'"');
            left_out = true;
        }
    }
    if !left_out {
        return Ok(line.to_vec());
    }
    // Never the seed: with it the values that were taken out could be guessed.
    for (at, (name, salt)) in open.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b",\t\"salts\":{\"" } else { b",\"" });
        out.extend_from_slice(name);
        out.extend_from_slice(b"\":\"");
        out.extend_from_slice(salt);
        out.push(b'"');
    }
    if !open.is_empty() {
        out.push(b'}');
    }
    out.push(b'}');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{leaf, record};

    const SEED: &str = "00112233445566778899aabbccddeeff";

    fn line() -> Vec<u8> {
        let groups: String = GROUPS
            .iter()
            .map(|name| format!(",\t\"{}\":{{\"a\":[1, 2]}}", String::from_utf8_lossy(name)))
            .collect();
        format!("{{\"seq\":4,\"kind\":\"event\"{groups},\t\"salt\":\"{SEED}\"}}").into_bytes()
    }

    #[test]
    fn whatever_is_taken_out_the_leaf_stays_and_the_seed_goes() {
        let whole = line();
        for first in 0..128_u8 {
            let once = redact(&whole, first).unwrap();
            assert_eq!(record(&once).unwrap().redacted, first);
            assert_eq!(leaf(&once).unwrap(), leaf(&whole).unwrap());
            assert_eq!(first == 0, String::from_utf8_lossy(&once).contains(SEED));
            // In two steps it comes to the same line.
            for second in [0, 1, 2, 64, 127] {
                let twice = redact(&once, second).unwrap();
                assert_eq!(twice, redact(&whole, first | second).unwrap());
            }
        }
    }

    #[test]
    fn a_line_that_does_not_have_them_stays_as_it_is() {
        for line in [
            "{\"seq\":4,\"kind\":\"event\"}".to_owned(),
            format!("{{\"seq\":4,\"kind\":\"event\",\t\"error\":{{}},\t\"salt\":\"{SEED}\"}}"),
        ] {
            assert_eq!(redact(line.as_bytes(), 0b0011_1111).unwrap(), line.as_bytes());
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for wrong in ["", "{", "{\"seq\":4,\t\"actor\":{}}", "{\"seq\":4,\t}"] {
            assert!(redact(wrong.as_bytes(), 1).is_err(), "{wrong}");
        }
    }
}
