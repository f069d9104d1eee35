//! What a record says of a captured body, and the body itself.

use std::borrow::Cow;

use super::{
    body::{Body, body},
    draft::Draft,
    part::Part,
    request::{Masker, object},
};
use crate::{
    CaptureState, OmitReason,
    exchange::{
        body::{BodyEnd, BodyField, Coding},
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
        let mut state = match captured.end {
            BodyEnd::Omitted(reason) => return omitted(out, reason),
            _ if shed => return omitted(out, OmitReason::Memory),
            BodyEnd::Complete => CaptureState::Full,
            BodyEnd::Cut => CaptureState::Truncated,
            BodyEnd::Partial => CaptureState::Partial,
        };
        let limit = self.policies.rule().says.limit;
        let (bytes, goes_on) = match decoded(&captured, limit) {
            Ok(decoded) => decoded,
            Err(reason) => return omitted(out, reason),
        };
        if goes_on && state == CaptureState::Full {
            state = CaptureState::Truncated;
        }
        let cut = state != CaptureState::Full;
        let masked = match &*bytes {
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
            token::number_member(out, "bytes", bytes.len() as u64);
        });
    }
}

/// The bytes without their coding, and whether more follow than are there.
fn decoded<'b>(
    captured: &BodyField<'b>,
    limit: usize,
) -> Result<(Cow<'b, [u8]>, bool), OmitReason> {
    match captured.coding {
        Coding::Identity => Ok((Cow::Borrowed(captured.bytes), false)),
        coding => {
            let (bytes, goes_on) = decode(coding, captured.bytes, limit)?;
            Ok((Cow::Owned(bytes), goes_on))
        }
    }
}

#[cfg(feature = "decode")]
fn decode(coding: Coding, bytes: &[u8], limit: usize) -> Result<(Vec<u8>, bool), OmitReason> {
    // Other people's code on a client's bytes.
    let decoded = std::panic::catch_unwind(|| super::decode::decode(coding, bytes, limit));
    decoded.ok().and_then(Result::ok).ok_or(OmitReason::Unparsable)
}

/// The settings do not ask for it where it was not built in.
#[cfg(not(feature = "decode"))]
const fn decode(_: Coding, _: &[u8], _: usize) -> Result<(Vec<u8>, bool), OmitReason> {
    Err(OmitReason::Encoding)
}

fn omitted(out: &mut Vec<u8>, reason: OmitReason) {
    object(out, "capture", |out| {
        token::text_member(out, "state", CaptureState::Omitted.as_str());
        token::text_member(out, "reason", reason.as_str());
    });
}
