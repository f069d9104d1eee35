//! What the application adds under keys of its own.

use std::io;

use serde::Serialize;

use super::{
    flags::Flag,
    frame::{self, Tag},
};
use crate::{MaskRules, mask};

/// Most bytes of keys and values together.
pub(super) const MOST: usize = 16 * 1024;

/// A serialised value, fit for a record.
pub(super) struct Value {
    json: Vec<u8>,
    /// The places in it that were masked already: selectors, and how.
    masked: Vec<(String, &'static str)>,
}

impl Value {
    pub(super) fn of(value: &impl Serialize) -> Result<Self, Flag> {
        Ok(Self { json: to_json(value)?, masked: Vec::new() })
    }

    /// Masked by rules of its own.
    pub(super) fn masked(value: &impl Serialize, rules: &MaskRules) -> Result<Self, Flag> {
        let (json, masked) = mask::value(&to_json(value)?, rules).ok_or(Flag::MetadataInvalid)?;
        Ok(Self { json, masked })
    }
}

/// Keys and values in the order in which they were set last.
#[derive(Default)]
pub(super) struct Metadata(Vec<(String, Value)>);

impl Metadata {
    /// Sets a key's value, if it fits.
    pub(super) fn set(&mut self, key: &str, value: Value) -> Result<(), Flag> {
        self.0.retain(|(k, _)| k != key);
        let used: usize = self.0.iter().map(|(key, value)| key.len() + value.json.len()).sum();
        if used + key.len() + value.json.len() > MOST {
            return Err(Flag::MetadataTruncated);
        }
        self.0.push((key.to_owned(), value));
        Ok(())
    }

    /// Appends all of it to an arena.
    pub(super) fn push(&self, arena: &mut Vec<u8>) {
        for (key, value) in &self.0 {
            frame::push(arena, Tag::Metadata, key.as_bytes(), &value.json);
            for (selector, how) in &value.masked {
                frame::push(arena, Tag::MaskedPlace, how.as_bytes(), selector.as_bytes());
            }
        }
    }
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Flag> {
    /// Refuses to grow beyond the limit, so that a huge value costs no more than that.
    struct Bounded(Vec<u8>);
    impl io::Write for Bounded {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() + bytes.len() > MOST {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut out = Bounded(Vec::new());
    match serde_json::to_writer(&mut out, value) {
        Ok(()) => {
            let mut json = out.0;
            mask::compact(&mut json);
            let readable = mask::depth(&json) <= mask::DEEPEST && !has_lone_surrogate(&json);
            if readable { Ok(json) } else { Err(Flag::MetadataInvalid) }
        }
        Err(error) if error.is_io() => Err(Flag::MetadataTruncated),
        Err(_) => Err(Flag::MetadataInvalid),
    }
}

/// Whether raw JSON holds an escape that stands for no character, which many readers refuse.
fn has_lone_surrogate(json: &[u8]) -> bool {
    // Only raw JSON has such escapes at all: what is serialised here stands as it is.
    let suspicious = json.windows(3).any(|w| matches!(w, [b'\\', b'u', b'd' | b'D']));
    suspicious && serde_json::from_slice::<serde_json::Value>(json).is_err()
}
