//! The raw frame: everything the request path knows, as bytes for the writer.
//!
//! A frame is a fixed part and a run of fields. The fields are written once, at the moment they
//! are seen, into the exchange's arena; when the exchange ends, the fixed part and the arena are
//! appended to a shard in two copies. No pointer crosses to the writer's thread.

use super::flags::Flags;
use crate::{Capture, IdSource, Outcome, Phase};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    RequestId,
    Method,
    Path,
    Query,
    Host,
    Version,
    Route,
    UserAgent,
    Peer,
    Forwarded,
    TraceParent,
    Session,
    RequestHeader,
    /// A header whose value never leaves the request.
    RequestHeaderHidden,
    ResponseHeader,
    ResponseHeaderHidden,
    User,
    UserId,
    Role,
    Company,
    Branch,
    Tenant,
    Module,
    Action,
    Description,
    Reference,
    EntityType,
    EntityId,
    Amount,
    Currency,
    /// JSON, as the next.
    ChangeOld,
    ChangeNew,
    Metadata,
    /// A place in metadata that was masked by its own rules: how as its name, the selector.
    MaskedPlace,
    /// What the transport, or a panic, says.
    Message,
    /// What the application says went wrong.
    Failure,
    /// As a [`BodyField`](super::body::BodyField).
    RequestBody,
    ResponseBody,
    /// The id of the record, where it was announced.
    RecordId,
}

impl Tag {
    const ALL: [Self; 39] = [
        Self::RequestId,
        Self::Method,
        Self::Path,
        Self::Query,
        Self::Host,
        Self::Version,
        Self::Route,
        Self::UserAgent,
        Self::Peer,
        Self::Forwarded,
        Self::TraceParent,
        Self::Session,
        Self::RequestHeader,
        Self::RequestHeaderHidden,
        Self::ResponseHeader,
        Self::ResponseHeaderHidden,
        Self::User,
        Self::UserId,
        Self::Role,
        Self::Company,
        Self::Branch,
        Self::Tenant,
        Self::Module,
        Self::Action,
        Self::Description,
        Self::Reference,
        Self::EntityType,
        Self::EntityId,
        Self::Amount,
        Self::Currency,
        Self::ChangeOld,
        Self::ChangeNew,
        Self::Metadata,
        Self::MaskedPlace,
        Self::Message,
        Self::Failure,
        Self::RequestBody,
        Self::ResponseBody,
        Self::RecordId,
    ];
}

/// One field, as it lies in a frame. `name` is empty but for headers and metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) tag: Tag,
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// Bytes of a field besides its name and value.
const FIELD: usize = 7;

/// Bytes of a field with a name and a value of these lengths.
pub(crate) const fn field_len(name: usize, value: usize) -> usize {
    FIELD + name + value
}

/// Appends a field. Names are at most 65,535 bytes and values 4 GiB; every caller's limit is
/// far below.
pub(crate) fn push(arena: &mut Vec<u8>, tag: Tag, name: &[u8], value: &[u8]) {
    let name = &name[..name.len().min(usize::from(u16::MAX))];
    arena.reserve(FIELD + name.len() + value.len());
    arena.push(tag as u8);
    arena.extend_from_slice(&(name.len() as u16).to_le_bytes());
    arena.extend_from_slice(&(value.len() as u32).to_le_bytes());
    arena.extend_from_slice(name);
    arena.extend_from_slice(value);
}

/// The fields of an arena, in the order they were pushed. Ends at the first that is malformed,
/// which no arena written by [`push`] has.
pub(crate) fn fields(mut rest: &[u8]) -> impl Iterator<Item = Field<'_>> + Clone {
    std::iter::from_fn(move || {
        let (head, tail) = rest.split_first_chunk::<FIELD>()?;
        let tag = *Tag::ALL.get(usize::from(head[0]))?;
        let name_len = usize::from(u16::from_le_bytes([head[1], head[2]]));
        let value_len = u32::from_le_bytes([head[3], head[4], head[5], head[6]]) as usize;
        let (name, tail) = tail.split_at_checked(name_len)?;
        let (value, tail) = tail.split_at_checked(value_len)?;
        rest = tail;
        Some(Field { tag, name, value })
    })
}

/// The fixed part of a frame. Times are nanoseconds since the auditor's own start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fixed {
    pub(crate) start: u64,
    pub(crate) head: Option<u64>,
    pub(crate) end: u64,
    pub(crate) request_size: Option<u64>,
    /// Bytes of response body, where there is a response and it was not upgraded.
    pub(crate) response_size: Option<u64>,
    pub(crate) grpc_status: Option<u32>,
    /// What the frame holds of the memory budget.
    pub(crate) reserved: u32,
    pub(crate) status: Option<u16>,
    pub(crate) flags: Flags,
    pub(crate) outcome: Outcome,
    pub(crate) phase: Option<Phase>,
    pub(crate) id_source: IdSource,
    /// How much of the request is recorded.
    pub(crate) capture: Capture,
    /// The rule that decided, by its place among those of its generation of settings.
    pub(crate) rule: u16,
    pub(crate) generation: u32,
    /// The share of requests such as this one that leave a record.
    pub(crate) sample_rate: f64,
}

const FIXED: usize = 8 * 6 + 4 * 4 + 2 * 2 + 4;
const NONE: u64 = u64::MAX;
const NO_STATUS: u32 = u32::MAX;

/// What a frame with `fields` bytes of fields takes in a shard.
pub(crate) const fn frame_len(fields: usize) -> usize {
    4 + FIXED + fields
}

/// Appends a frame: its length, its fixed part, the fields of `arena`. `more` bytes of fields are
/// to be pushed right after it.
pub(crate) fn encode(out: &mut Vec<u8>, fixed: &Fixed, arena: &[u8], more: usize) {
    let mut head = [0; 4 + FIXED];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        head[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(&((FIXED + arena.len() + more) as u32).to_le_bytes());
    for number in [
        fixed.start,
        fixed.head.unwrap_or(NONE),
        fixed.end,
        fixed.request_size.unwrap_or(NONE),
        fixed.response_size.unwrap_or(NONE),
        fixed.sample_rate.to_bits(),
    ] {
        put(&number.to_le_bytes());
    }
    put(&fixed.grpc_status.unwrap_or(NO_STATUS).to_le_bytes());
    put(&fixed.reserved.to_le_bytes());
    put(&fixed.generation.to_le_bytes());
    put(&fixed.status.unwrap_or(0).to_le_bytes());
    put(&fixed.flags.0.to_le_bytes());
    put(&fixed.rule.to_le_bytes());
    put(&[
        fixed.outcome as u8,
        fixed.phase.map_or(0, |p| p as u8 + 1),
        fixed.id_source as u8,
        fixed.capture as u8,
    ]);
    out.extend_from_slice(&head);
    out.extend_from_slice(arena);
}

/// Takes the next frame off a chunk: its fixed part and its arena. `None` at the end.
pub(crate) fn decode<'a>(chunk: &mut &'a [u8]) -> Option<(Fixed, &'a [u8])> {
    let (len, rest) = chunk.split_first_chunk::<4>()?;
    let (frame, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    *chunk = rest;
    let (mut head, arena) = frame.split_at_checked(FIXED)?;
    let mut long = || take::<8>(&mut head).map(u64::from_le_bytes);
    let (start, first, end) = (long()?, long()?, long()?);
    let (request_size, response_size) = (long()?, long()?);
    let sample_rate = f64::from_bits(long()?);
    let grpc_status = u32::from_le_bytes(take(&mut head)?);
    let reserved = u32::from_le_bytes(take(&mut head)?);
    let generation = u32::from_le_bytes(take(&mut head)?);
    let status = u16::from_le_bytes(take(&mut head)?);
    let flags = Flags(u32::from_le_bytes(take(&mut head)?));
    let rule = u16::from_le_bytes(take(&mut head)?);
    let [outcome, phase, id_source, capture] = take(&mut head)?;
    let some = |number| (number != NONE).then_some(number);
    let fixed = Fixed {
        start,
        head: some(first),
        end,
        request_size: some(request_size),
        response_size: some(response_size),
        grpc_status: (grpc_status != NO_STATUS).then_some(grpc_status),
        reserved,
        status: (status != 0).then_some(status),
        flags,
        outcome: *Outcome::ALL.get(usize::from(outcome))?,
        phase: usize::from(phase).checked_sub(1).and_then(|p| Phase::ALL.get(p)).copied(),
        id_source: *IdSource::ALL.get(usize::from(id_source))?,
        capture: *Capture::ALL.get(usize::from(capture))?,
        rule,
        generation,
        sample_rate,
    };
    Some((fixed, arena))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_their_places() {
        Tag::ALL.iter().enumerate().for_each(|(at, tag)| assert_eq!(*tag as usize, at));
    }

    #[test]
    fn two_frames_come_back_as_they_went() {
        let mut arena = Vec::new();
        push(&mut arena, Tag::Path, b"", b"/a");
        push(&mut arena, Tag::RequestHeader, b"accept", b"");
        let fixed = Fixed {
            start: 1,
            head: None,
            end: 3,
            request_size: Some(0),
            response_size: None,
            grpc_status: Some(0),
            reserved: 9,
            status: Some(599),
            flags: Flags(5 << 17),
            outcome: Outcome::Interrupted,
            phase: Some(Phase::ResponseBody),
            id_source: IdSource::Replaced,
            capture: Capture::Full,
            rule: 2,
            generation: 7,
            sample_rate: 0.25,
        };
        let other = Fixed { head: Some(2), phase: None, status: None, ..fixed };
        let mut bytes = Vec::new();
        // Some fields may come from elsewhere.
        encode(&mut bytes, &fixed, &arena[..9], arena.len() - 9);
        bytes.extend_from_slice(&arena[9..]);
        encode(&mut bytes, &other, &[], 0);
        assert_eq!(bytes.len(), frame_len(arena.len()) + frame_len(0));
        let mut chunk = &bytes[..];
        let (first, kept) = decode(&mut chunk).unwrap();
        assert_eq!((first, kept), (fixed, &arena[..]));
        assert_eq!(decode(&mut chunk), Some((other, &[][..])));
        assert_eq!(decode(&mut chunk), None);
        let names: Vec<_> = fields(kept).map(|f| (f.tag, f.name, f.value)).collect();
        assert_eq!(names[0], (Tag::Path, &b""[..], &b"/a"[..]));
        assert_eq!(names[1], (Tag::RequestHeader, &b"accept"[..], &b""[..]));
        assert_eq!(names.len(), 2);
    }
}
