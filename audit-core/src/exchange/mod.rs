//! One request on its way: the guard that sees to its record, and the handle through which the
//! application adds to it.

pub(crate) mod body;
mod context;
mod copied;
mod end;
pub(crate) mod flags;
pub(crate) mod frame;
mod guard;
mod head;
mod metadata;
mod raw;
mod tee;
#[cfg(test)]
mod tests;

pub use self::{
    context::AuditContext,
    guard::{BodyAction, Exchange, PANICKED_STATUS, Panicked},
    head::{Begin, RequestHead, ResponseHead},
    tee::Tee,
};
pub(crate) use self::{
    context::{ContextState, is_identifier},
    head::{HEADER_VALUE, begin},
    raw::Raw,
};

/// Drops a panic's payload; a payload that panics in its own drop is leaked instead.
pub(crate) fn drop_quietly(payload: Box<dyn std::any::Any + Send>) {
    let drop = std::panic::AssertUnwindSafe(|| drop(payload));
    if let Err(second) = std::panic::catch_unwind(drop) {
        std::mem::forget(second);
    }
}
