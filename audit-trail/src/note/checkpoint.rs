//! Checkpoints: the root of the tree at a size, signed.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{SigningKey, VerifyingKey};
use crate::{line::MAX_SEQ, segment::in_origin, tree::Hash};

/// Begins a line that holds a checkpoint.
const BEGIN: &[u8] = b"{\"checkpoint\":\"";
const END: &[u8] = b"\"}";
/// No checkpoint is longer, in bytes.
const LONGEST: usize = 1024;

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Which directory of which trail it is of.
    pub(crate) origin: String,
    /// How many leaves the tree has.
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The signed note.
    pub(crate) fn sign(&self, key: &SigningKey) -> String {
        let (text, verifier) = (self.text(), key.verifying_key());
        let signature = [&verifier.id()[..], &key.sign(text.as_bytes())].concat();
        format!("{text}\n\u{2014} {} {}\n", verifier.name(), STANDARD.encode(signature))
    }

    /// Reads a note of which the key has signed every byte; `None` for any other.
    pub(crate) fn verify(note: &str, key: &VerifyingKey) -> Option<Self> {
        if note.len() > LONGEST {
            return None;
        }
        let mut lines = note.split_terminator('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let root: Hash = STANDARD.decode(root).ok()?.try_into().ok()?;
        let size: u64 = size.parse().ok().filter(|size| *size <= MAX_SEQ + 1)?;
        if origin.is_empty() || !origin.bytes().all(in_origin) {
            return None;
        }
        let this = Self { origin: origin.to_owned(), size, root };
        // One spelling only: of the size, of Base64, of everything between and after.
        let text = this.text();
        let signed = note.strip_prefix(&*text)?.strip_prefix("\n\u{2014} ")?;
        let signature = signed.strip_prefix(key.name())?.strip_prefix(' ')?.strip_suffix('\n')?;
        let bytes = STANDARD.decode(signature).ok().filter(|b| STANDARD.encode(b) == signature)?;
        let (id, signature) = bytes.split_first_chunk::<4>()?;
        let signed = *id == key.id() && key.verifies(text.as_bytes(), signature.try_into().ok()?);
        signed.then_some(this)
    }
}

/// A note as a line, with its line feed.
pub(crate) fn to_line(note: &str) -> Vec<u8> {
    let mut line = BEGIN.to_vec();
    line.extend_from_slice(note.replace('\n', "\\n").as_bytes());
    line.extend_from_slice(END);
    line.push(b'\n');
    line
}

/// The note in a line, given without its line feed; `None` where it holds none, in the one
/// spelling that there is.
pub(crate) fn from_line(line: &[u8]) -> Option<String> {
    let note = line.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let note = std::str::from_utf8(note).ok().filter(|note| note.len() <= 2 * LONGEST)?;
    let plain = |c: char| c != '"' && !c.is_control();
    if !note.chars().all(plain) {
        return None;
    }
    let text = note.replace("\\n", "\n");
    (!text.contains('\\')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_is_read_and_nothing_else() {
        let key = SigningKey::generate("audit").unwrap();
        let public = key.verifying_key();
        let one = Checkpoint { origin: "audit/00ff/00".into(), size: 12, root: [7; 32] };
        let note = one.sign(&key);
        assert_eq!(Checkpoint::verify(&note, &public), Some(one.clone()));
        assert_eq!(from_line(to_line(&note).trim_ascii_end()), Some(note.clone()));
        let other = SigningKey::generate("audit").unwrap();
        assert_eq!(Checkpoint::verify(&note, &other.verifying_key()), None);
        // Every byte of it counts.
        for at in 0..note.len() {
            for change in [1_u8, 0x20] {
                let mut bytes = note.clone().into_bytes();
                bytes[at] ^= change;
                if let Ok(changed) = String::from_utf8(bytes) {
                    assert_eq!(Checkpoint::verify(&changed, &public), None, "{at}: {changed}");
                }
            }
            if note.is_char_boundary(at) {
                assert_eq!(Checkpoint::verify(&note[..at], &public), None);
            }
        }
        for slack in [
            format!("{note}\n"),
            format!("{note}{}", note.lines().last().unwrap()),
            note.replace("\n12\n", "\n012\n"),
            note.replace("\n12\n", "\n+12\n"),
            note.replace('\n', "\r\n"),
            note.replace("=\n", "\n"),
            note.replace("\n\n", "\nextension\n\n"),
        ] {
            assert_eq!(Checkpoint::verify(&slack, &public), None, "{slack}");
        }
    }

    #[test]
    fn a_line_has_one_spelling() {
        for wrong in [
            r#"{"checkpoint":"a\n\u0062"}"#,
            r#"{"checkpoint":"a\\n"}"#,
            r#"{"checkpoint":"a""}"#,
            r#"{"checkpoint": "a"}"#,
            r#"{"checkpoint":"a"} "#,
            "{\"checkpoint\":\"a\tb\"}",
        ] {
            assert_eq!(from_line(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(from_line(br#"{"checkpoint":"a\nb"}"#).unwrap(), "a\nb");
    }
}
