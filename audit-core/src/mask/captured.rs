//! What a record says of a captured body.

use super::{
    names::Part,
    request::{Draft, Masker, object},
};
use crate::{
    CaptureState, OmitReason,
    exchange::{
        body::{BodyEnd, BodyField},
        frame::Tag,
    },
    record::json as token,
};

impl Masker {
    /// Writes the members of a body: nothing where the record is not to mention it.
    pub(super) fn body(&mut self, out: &mut Vec<u8>, of: &mut Draft<'_>, tag: Tag, _part: Part) {
        let Some(body) = of.all(tag).next().and_then(BodyField::read) else { return };
        let reason = match body.end {
            BodyEnd::Omitted(reason) => reason,
            // Nothing is let out that was not masked, and nothing is masked yet.
            _ => OmitReason::Unparsable,
        };
        object(out, "capture", |out| {
            token::text_member(out, "state", CaptureState::Omitted.as_str());
            token::text_member(out, "reason", reason.as_str());
        });
    }
}
