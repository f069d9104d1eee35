//! A captured body on its way to the writer: one field of the frame.

use super::frame::{self, Field, Tag};
use crate::OmitReason;

/// How the capture of a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// The bytes are the whole body.
    Complete,
    /// The body goes on; the limit was reached.
    Cut,
    /// The body may go on: nobody read further, or it failed.
    Partial,
    /// Nothing was kept.
    Omitted(OmitReason),
}

/// A content coding, as far as it can be decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Coding {
    #[default]
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    const ALL: [Self; 5] = [Self::Identity, Self::Gzip, Self::Deflate, Self::Brotli, Self::Zstd];

    /// The coding that a Content-Encoding names. `None`: another one, or several.
    pub(crate) fn of(header: &[u8]) -> Option<Self> {
        let is = |name: &str| header.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        match () {
            () if is("") || is("identity") => Some(Self::Identity),
            () if is("gzip") || is("x-gzip") => Some(Self::Gzip),
            () if is("deflate") => Some(Self::Deflate),
            () if is("br") => Some(Self::Brotli),
            () if is("zstd") => Some(Self::Zstd),
            () => None,
        }
    }
}

/// What a frame says of one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyField<'a> {
    pub(crate) end: BodyEnd,
    pub(crate) coding: Coding,
    /// The Content-Type; empty without one.
    pub(crate) content_type: &'a [u8],
    pub(crate) bytes: &'a [u8],
}

/// Longest Content-Type kept. A longer one is not understood anyway.
pub(crate) const CONTENT_TYPE: usize = 256;

const COMPLETE: u8 = 0;
const CUT: u8 = 1;
const PARTIAL: u8 = 2;
/// And the reason's place behind it.
const OMITTED: u8 = 3;

impl<'a> BodyField<'a> {
    /// Nothing kept of a body.
    pub(crate) const fn omitted(reason: OmitReason) -> Self {
        let end = BodyEnd::Omitted(reason);
        Self { end, coding: Coding::Identity, content_type: b"", bytes: b"" }
    }

    /// What [`push`](Self::push) appends, in bytes.
    pub(crate) fn len(&self) -> usize {
        frame::field_len(2 + self.kept_type().len(), self.bytes.len())
    }

    /// Appends it to an arena. `tag` is that of a request's or of a response's body.
    pub(crate) fn push(&self, arena: &mut Vec<u8>, tag: Tag) {
        let end = match self.end {
            BodyEnd::Complete => COMPLETE,
            BodyEnd::Cut => CUT,
            BodyEnd::Partial => PARTIAL,
            BodyEnd::Omitted(reason) => OMITTED + reason as u8,
        };
        let mut name = [0; 2 + CONTENT_TYPE];
        let content_type = self.kept_type();
        name[..2].copy_from_slice(&[end, self.coding as u8]);
        name[2..2 + content_type.len()].copy_from_slice(content_type);
        frame::push(arena, tag, &name[..2 + content_type.len()], self.bytes);
    }

    fn kept_type(&self) -> &'a [u8] {
        // Cut, it would name another type; without one, the body is looked at.
        let kept = self.content_type.len() <= CONTENT_TYPE;
        if kept { self.content_type } else { b"application/octet-stream" }
    }

    /// Reads it back.
    pub(crate) fn read(field: Field<'a>) -> Option<Self> {
        let ([end, coding], content_type) = field.name.split_first_chunk()?;
        let end = match *end {
            COMPLETE => BodyEnd::Complete,
            CUT => BodyEnd::Cut,
            PARTIAL => BodyEnd::Partial,
            reason => {
                let place = usize::from(reason - OMITTED);
                BodyEnd::Omitted(*OmitReason::ALL.get(place)?)
            }
        };
        let coding = *Coding::ALL.get(usize::from(*coding))?;
        Some(Self { end, coding, content_type, bytes: field.value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_as_it_went() {
        let ends = [BodyEnd::Complete, BodyEnd::Cut, BodyEnd::Partial];
        let omitted = OmitReason::ALL.iter().map(|reason| BodyEnd::Omitted(*reason));
        for (end, coding) in ends.into_iter().chain(omitted).zip(Coding::ALL.into_iter().cycle()) {
            let body = BodyField { end, coding, content_type: b"text/plain", bytes: b"abc" };
            let mut arena = Vec::new();
            body.push(&mut arena, Tag::RequestBody);
            assert_eq!(body.len(), arena.len());
            let field = frame::fields(&arena).next().unwrap();
            assert_eq!(BodyField::read(field), Some(body));
        }
    }

    #[test]
    fn a_content_type_is_never_cut() {
        let long = [b'a'; CONTENT_TYPE + 1];
        let body = BodyField { content_type: &long, ..BodyField::omitted(OmitReason::Empty) };
        let mut arena = Vec::new();
        body.push(&mut arena, Tag::ResponseBody);
        assert_eq!(body.len(), arena.len());
        let read = BodyField::read(frame::fields(&arena).next().unwrap()).unwrap();
        assert_eq!(read.content_type, b"application/octet-stream");
    }

    #[test]
    fn codings_are_told_by_name() {
        for (header, coding) in [
            ("", Some(Coding::Identity)),
            (" GZIP ", Some(Coding::Gzip)),
            ("x-gzip", Some(Coding::Gzip)),
            ("br", Some(Coding::Brotli)),
            ("gzip, br", None),
            ("compress", None),
        ] {
            assert_eq!(Coding::of(header.as_bytes()), coding, "{header}");
        }
    }
}
