//! What the application adds under keys of its own.

use serde::Serialize;

use super::{
    flags::Flag,
    frame::{self, Tag},
    serialised::{Unfit, to_json},
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
        Ok(Self { json: to_json(value, MOST, mask::DEEPEST)?, masked: Vec::new() })
    }

    /// Masked by rules of its own.
    pub(super) fn masked(value: &impl Serialize, rules: &MaskRules) -> Result<Self, Flag> {
        let (json, masked) = mask::value(&to_json(value, MOST, mask::DEEPEST)?, rules)
            .ok_or(Flag::MetadataInvalid)?;
        Ok(Self { json, masked })
    }
}

impl From<Unfit> for Flag {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::TooLarge => Self::MetadataTruncated,
            Unfit::Invalid => Self::MetadataInvalid,
        }
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
