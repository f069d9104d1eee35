//! What of a record joins the tree: the hash of the line as it is after all its groups are
//! redacted, so that redacting writes exactly what was hashed.

use sha2::{Digest as _, Sha256};

use super::{check::Pieces, json::Why};
use crate::tree::{Hash, hex_of};

/// The leaf of a line that [`record`](super::record) has found to be one.
///
/// # Errors
///
/// Where it is none.
pub(crate) fn leaf(line: &[u8]) -> Result<Hash, Why> {
    let inner = line.strip_prefix(b"{").and_then(|line| line.strip_suffix(b"}"));
    let mut pieces = Pieces(inner);
    let core = pieces.next()?.ok_or("not a record")?;
    let mut leaf = Sha256::new().chain_update([0]).chain_update(b"{").chain_update(core);
    // The salt comes last, and the groups need it.
    let salts = Salts::of(line);
    while let Some(piece) = pieces.next()? {
        let (name, value) = parts(piece).ok_or("not a group")?;
        if name == b"salt" || name == b"salts" {
            break;
        }
        leaf.update(b",\t\"");
        leaf.update(name);
        leaf.update(b"\":");
        match value.first() {
            Some(b'"') => leaf.update(value),
            _ => {
                let salt = salts.of_group(name).ok_or("a group without salt")?;
                leaf.update(b"\"#");
                leaf.update(hex_of::<64>(&commitment(&salt, value)));
                leaf.update(b"\"");
            }
        }
    }
    leaf.update(b"}");
    Ok(leaf.finalize().into())
}

/// What stands for a group's value where it is redacted.
pub(crate) fn commitment(salt: &[u8; 32], value: &[u8]) -> Hash {
    Sha256::new().chain_update([3]).chain_update(salt).chain_update(value).finalize().into()
}

/// The salt of one group, as 32 hex digits.
pub(crate) fn salt_of(seed: &[u8], name: &[u8]) -> [u8; 32] {
    let hash = Sha256::new().chain_update([2]).chain_update(seed).chain_update(name).finalize();
    hex_of(&hash.into())
}

/// The salts of a line, at its end.
pub(crate) enum Salts<'a> {
    /// One seed, for all groups.
    Seed(&'a [u8]),
    /// Those of the open groups, as JSON.
    Each(&'a [u8]),
    None,
}

impl<'a> Salts<'a> {
    pub(crate) fn of(line: &'a [u8]) -> Self {
        let last = memchr::memrchr(b'\t', line).map(|at| &line[at + 1..]);
        let Some(last) = last.and_then(|last| last.strip_suffix(b"}")) else { return Self::None };
        match parts(last) {
            Some((b"salt", value)) => Self::Seed(value.get(1..33).unwrap_or_default()),
            Some((b"salts", value)) => Self::Each(value),
            _ => Self::None,
        }
    }

    /// The salt of an open group.
    pub(crate) fn of_group(&self, name: &[u8]) -> Option<[u8; 32]> {
        match self {
            Self::Seed(seed) => Some(salt_of(seed, name)),
            Self::Each(json) => {
                // Names and digits only, which the grammar has made sure of.
                let key = [b"\"", name, b"\":\""].concat();
                let at = json.windows(key.len()).position(|window| window == key)?;
                json.get(at + key.len()..)?.first_chunk::<32>().copied()
            }
            Self::None => None,
        }
    }
}

/// `"name":value`.
pub(crate) fn parts(piece: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = piece.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', rest)?;
    Some((&rest[..end], rest[end + 1..].strip_prefix(b":")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{line::record, tree::hex};

    const LINE: &str = "{\"seq\":0,\"kind\":\"event\",\"module\":\"m\",\t\"actor\":{\"user\":\"admin\"},\
        \t\"salt\":\"00112233445566778899aabbccddeeff\"}";
    const LEAF: &str = "6817bf75cd8db5a52cc96ba439ac0f2fd6f2b2df5e97f053765d8cb9597954fe";
    const SALT: &str = "72a06f17a8d63e0923956bf627efdd7a";
    const COMMITMENT: &str = "10a40ae4b64b1729a093b0f1053ebe6151bb2ea263b1bfafd7d83f3e76a75761";

    #[test]
    fn the_vector_of_the_format() {
        assert_eq!(hex(&leaf(LINE.as_bytes()).unwrap()), LEAF);
        let salt = salt_of(b"00112233445566778899aabbccddeeff", b"actor");
        assert_eq!(salt, SALT.as_bytes());
        assert_eq!(hex(&commitment(&salt, br#"{"user":"admin"}"#)), COMMITMENT);
    }

    #[test]
    fn redacting_leaves_the_leaf_as_it_is() {
        let all = format!(
            "{{\"seq\":0,\"kind\":\"event\",\"module\":\"m\",\t\"actor\":\"#{COMMITMENT}\"}}"
        );
        record(all.as_bytes()).unwrap();
        assert_eq!(hex(&leaf(all.as_bytes()).unwrap()), LEAF);

        let seed = "\"salt\":\"00112233445566778899aabbccddeeff\"";
        let two = LINE.replace(&format!(",\t{seed}"), &format!(",\t\"error\":{{}},\t{seed}"));
        record(two.as_bytes()).unwrap();
        let error_salt = salt_of(b"00112233445566778899aabbccddeeff", b"error");
        let salts = format!("\"salts\":{{\"error\":\"{}\"}}", String::from_utf8_lossy(&error_salt));
        let one = two
            .replace("{\"user\":\"admin\"}", &format!("\"#{COMMITMENT}\""))
            .replace(seed, &salts);
        record(one.as_bytes()).unwrap();
        assert_eq!(leaf(one.as_bytes()).unwrap(), leaf(two.as_bytes()).unwrap());
        assert_ne!(leaf(one.as_bytes()).unwrap(), leaf(LINE.as_bytes()).unwrap());
    }

    #[test]
    fn every_byte_counts() {
        let whole = leaf(LINE.as_bytes()).unwrap();
        for (from, to) in
            [("admin", "Admin"), ("\"m\"", "\"n\""), ("00112", "10112"), (":0,", ":1,")]
        {
            assert_ne!(leaf(LINE.replace(from, to).as_bytes()).unwrap(), whole, "{from}");
        }
    }
}
