//! One request on its way: the guard that sees to its record, and the handle through which the
//! application adds to it.

pub(crate) mod body;
mod change;
mod context;
mod copied;
mod current;
mod end;
pub(crate) mod flags;
pub(crate) mod frame;
mod guard;
mod head;
mod hooks;
mod identity;
mod metadata;
mod raw;
mod said;
mod serialised;
mod state;
mod strict;
mod tee;
#[cfg(test)]
mod tests;

pub use self::{
    context::AuditContext,
    current::{InAuditContext, WithAuditContext, in_audit_context},
    guard::{BodyAction, Exchange, PANICKED_STATUS, Panicked},
    head::{Begin, RequestHead, ResponseHead},
    hooks::{RequestView, ResponseView},
    identity::Identity,
    strict::{REFUSED_STATUS, Refused},
    tee::Tee,
};
pub(crate) use self::{
    head::{HEADER_VALUE, begin},
    hooks::Hooks,
    raw::Raw,
    said::is_identifier,
    state::ContextState,
};

/// Drops a panic's payload; a payload that panics in its own drop is leaked instead.
pub(crate) fn drop_quietly(payload: Box<dyn std::any::Any + Send>) {
    let drop = std::panic::AssertUnwindSafe(|| drop(payload));
    if let Err(second) = std::panic::catch_unwind(drop) {
        std::mem::forget(second);
    }
}
