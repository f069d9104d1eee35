//! What a record says of a captured body, and the body itself.

use super::{
    body::{Body, body},
    draft::Draft,
    part::Part,
    request::{Masker, object},
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
    /// Writes the members of a body: nothing where the record is not to mention it. A body that
    /// makes the record too large is `shed`.
    pub(super) fn body(
        &mut self,
        out: &mut Vec<u8>,
        of: &Draft<'_>,
        tag: Tag,
        part: Part,
        shed: bool,
    ) {
        let Some(captured) = of.all(tag).next().and_then(BodyField::read) else { return };
        let state = match captured.end {
            BodyEnd::Omitted(reason) => return omitted(out, reason),
            _ if shed => return omitted(out, OmitReason::Memory),
            BodyEnd::Complete => CaptureState::Full,
            BodyEnd::Cut => CaptureState::Truncated,
            BodyEnd::Partial => CaptureState::Partial,
        };
        let cut = state != CaptureState::Full;
        let masked = match captured.bytes {
            // Of a body that was not read, there is nothing to look at.
            b"" if cut => Ok(Body::Text(String::new())),
            bytes => body(captured.content_type, bytes, cut, &mut self.scope(part)),
        };
        match masked {
            Ok(Body::Value(json)) => {
                token::name(out, "body");
                out.extend_from_slice(json.as_bytes());
            }
            Ok(Body::Text(text)) if text.is_empty() => {}
            Ok(Body::Text(text)) => token::text_member(out, "body", &text),
            Err(reason) => return omitted(out, reason),
        }
        object(out, "capture", |out| {
            token::text_member(out, "state", state.as_str());
            token::number_member(out, "bytes", captured.bytes.len() as u64);
        });
    }
}

fn omitted(out: &mut Vec<u8>, reason: OmitReason) {
    object(out, "capture", |out| {
        token::text_member(out, "state", CaptureState::Omitted.as_str());
        token::text_member(out, "reason", reason.as_str());
    });
}
