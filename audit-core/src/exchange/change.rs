//! Old and new values that the application tells of.

use serde::Serialize;

use super::{
    flags::{Flag, Flags},
    frame::{self, Tag},
    serialised::{Unfit, to_json},
};
use crate::mask;

/// Most bytes of one of the two values.
const MOST: usize = 16 * 1024;
/// Deepest nesting: the list of differences holds values two levels deeper.
const DEEPEST: usize = mask::DEEPEST - 2;

/// Both values as JSON, where they fit.
pub(super) struct Change {
    old: Option<Vec<u8>>,
    new: Option<Vec<u8>>,
    pub(super) flags: Flags,
}

impl Change {
    pub(super) fn of(old: &impl Serialize, new: &impl Serialize) -> Self {
        let mut flags = Flags::default();
        let mut told = |value: Result<Vec<u8>, Unfit>| match value {
            Ok(json) => Some(json),
            Err(unfit) => {
                flags.set(match unfit {
                    Unfit::TooLarge => Flag::ChangeTruncated,
                    Unfit::Invalid => Flag::ChangeInvalid,
                });
                None
            }
        };
        let old = told(to_json(old, MOST, DEEPEST));
        let new = told(to_json(new, MOST, DEEPEST));
        Self { old, new, flags }
    }

    pub(super) fn push(&self, arena: &mut Vec<u8>) {
        for (tag, json) in [(Tag::ChangeOld, &self.old), (Tag::ChangeNew, &self.new)] {
            if let Some(json) = json {
                frame::push(arena, tag, b"", json);
            }
        }
    }
}
