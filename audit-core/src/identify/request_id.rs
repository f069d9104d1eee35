//! The id of a request: taken from one well-formed inbound header, else made here.

use std::{cell::RefCell, fmt};

use bytes::{Bytes, BytesMut};

use crate::IdSource;

const MOST: usize = 128;
/// Bytes that ids are cut from.
const BLOCK_SIZE: usize = 4 * 1024;

thread_local! {
    static BLOCK: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// A request id: 1 to 128 of `[A-Za-z0-9._:+/=-]`, and where it comes from.
#[derive(Clone, Copy)]
pub struct RequestId {
    bytes: [u8; MOST],
    len: u8,
    source: IdSource,
}

impl RequestId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII is ever stored.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }

    /// Where the id comes from.
    #[must_use]
    pub const fn source(&self) -> IdSource {
        self.source
    }

    /// The id as shared bytes, for a header's value. Ids of one thread share blocks of memory, so
    /// that an allocation serves about a hundred of them.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let id = &self.bytes[..usize::from(self.len)];
        let shared = BLOCK.try_with(|block| {
            let mut block = block.try_borrow_mut().ok()?;
            if block.capacity() < id.len() {
                *block = BytesMut::with_capacity(BLOCK_SIZE);
            }
            block.extend_from_slice(id);
            Some(block.split().freeze())
        });
        shared.ok().flatten().unwrap_or_else(|| Bytes::copy_from_slice(id))
    }

    /// The inbound id if exactly one was sent and it is well-formed, else a fresh UUIDv7.
    /// `unix_millis` is the time that goes into a fresh id.
    pub(crate) fn choose(inbound: Inbound<'_>, unix_millis: u64) -> Self {
        match inbound {
            Inbound::One(id) if well_formed(id) => Self::store(id, IdSource::Inbound),
            Inbound::None => Self::fresh(unix_millis, IdSource::Generated),
            Inbound::One(_) | Inbound::Many => Self::fresh(unix_millis, IdSource::Replaced),
        }
    }

    fn fresh(unix_millis: u64, source: IdSource) -> Self {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        Self::store(fresh_uuid(unix_millis).hyphenated().encode_lower(&mut text).as_bytes(), source)
    }

    fn store(id: &[u8], source: IdSource) -> Self {
        let mut bytes = [0; MOST];
        bytes[..id.len()].copy_from_slice(id);
        // At most 128: checked by `well_formed`, or the length of a UUID.
        Self { bytes, len: id.len() as u8, source }
    }
}

/// A new id, without a system call.
pub(crate) fn fresh_uuid(unix_millis: u64) -> uuid::Uuid {
    // `Uuid::now_v7` would take a process-wide lock and, with its default random source,
    // make a system call for each id. fastrand's generator is per thread and seeded once.
    let mut random = [0; 10];
    fastrand::fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid()
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestId").field(&self.as_str()).field(&self.source).finish()
    }
}

/// What the client sent in the id header.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Inbound<'a> {
    #[default]
    None,
    One(&'a [u8]),
    Many,
}

impl<'a> Inbound<'a> {
    pub(crate) fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::None => Self::One(value),
            Self::One(_) | Self::Many => Self::Many,
        };
    }
}

fn well_formed(id: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"._:+/=-".contains(b);
    (1..=MOST).contains(&id.len()) && id.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(values: &[&[u8]]) -> RequestId {
        let mut inbound = Inbound::default();
        values.iter().for_each(|v| inbound.add(v));
        RequestId::choose(inbound, 1_795_293_060_123)
    }

    #[test]
    fn one_well_formed_id_is_kept() {
        let id = choose(&[b"req-1.2:3+4/5=_"]);
        assert_eq!((id.as_str(), id.source()), ("req-1.2:3+4/5=_", IdSource::Inbound));
        let longest = [b'z'; 128];
        assert_eq!(choose(&[&longest]).as_str().as_bytes(), longest);
    }

    #[test]
    fn anything_else_is_replaced() {
        let long = [b'z'; 129];
        for bad in [&b""[..], b"a b", b"a\tb", b"\xff", b"a,b", b"<script>", &long] {
            let id = choose(&[bad]);
            assert_eq!((id.as_str().len(), id.source()), (36, IdSource::Replaced), "{bad:?}");
        }
        assert_eq!(choose(&[b"a", b"a"]).source(), IdSource::Replaced);
    }

    #[test]
    fn every_id_keeps_its_own_bytes() {
        let ids: Vec<_> = (0..1_000).map(|_| choose(&[])).collect();
        let bytes: Vec<_> = ids.iter().map(RequestId::to_bytes).collect();
        assert!(ids.iter().zip(&bytes).all(|(id, bytes)| id.as_str() == bytes));
    }

    #[test]
    fn a_fresh_id_is_a_uuid_of_version_7_with_its_time() {
        let (one, two) = (choose(&[]), choose(&[]));
        assert_ne!(one.as_str(), two.as_str());
        let uuid: uuid::Uuid = one.as_str().parse().unwrap();
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(uuid.get_timestamp().unwrap().to_unix(), (1_795_293_060, 123_000_000));
    }
}
