//! Request ids as header values.

use std::cell::RefCell;

use bytes::BytesMut;
use http::HeaderValue;

/// Ids cut from one block of memory.
const BLOCK: usize = 4 * 1024;

thread_local! {
    static BUFFER: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// The header value of an id. Ids of one thread share blocks of memory, so that an allocation
/// serves about a hundred of them.
pub(crate) fn value(id: &str) -> Option<HeaderValue> {
    let shared = BUFFER.try_with(|buffer| {
        let mut buffer = buffer.try_borrow_mut().ok()?;
        if buffer.capacity() < id.len() {
            *buffer = BytesMut::with_capacity(BLOCK);
        }
        buffer.extend_from_slice(id.as_bytes());
        HeaderValue::from_maybe_shared(buffer.split().freeze()).ok()
    });
    shared.ok().flatten().or_else(|| HeaderValue::from_str(id).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_its_own_value() {
        let ids: Vec<_> = (0..1_000).map(|n| format!("{n:0128}")).collect();
        let values: Vec<_> = ids.iter().map(|id| value(id).unwrap()).collect();
        assert!(ids.iter().zip(&values).all(|(id, value)| id == value));
    }
}
