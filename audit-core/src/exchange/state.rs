//! What the application added to its record, until the request ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    change::Change, copied::Copied, flags::Flags, identity::Identity, metadata::Metadata,
    said::Said,
};
use crate::Capture;

/// What the application added and what it read. The only part of an exchange that is shared.
#[derive(Default)]
pub(crate) struct ContextState(Mutex<Fields>);

#[derive(Default)]
pub(super) struct Fields {
    ended: bool,
    pub(super) discard: bool,
    pub(super) flags: Flags,
    pub(super) said: Said,
    pub(super) metadata: Metadata,
    pub(super) change: Option<Box<Change>>,
    pub(super) capture: Option<Capture>,
    request_body: Copied,
}

/// What is left of a context when its exchange ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended {
    pub(crate) discard: bool,
    pub(crate) flags: Flags,
    /// The level that the application asked for.
    pub(crate) capture: Option<Capture>,
}

impl ContextState {
    /// A state that is not part of any exchange.
    pub(super) fn ended() -> Arc<Self> {
        let state = Self::default();
        state.lock().ended = true;
        Arc::new(state)
    }

    /// Changes what is there, until the exchange ends.
    pub(super) fn change(&self, change: impl FnOnce(&mut Fields)) {
        let mut fields = self.lock();
        if !fields.ended {
            change(&mut fields);
        }
    }

    /// Ends the context: appends its fields to the arena, takes the copy of the request's body,
    /// ignores everything later. What the application says counts more than an `identity`.
    pub(crate) fn end(
        &self,
        arena: &mut Vec<u8>,
        request_body: &mut Copied,
        identity: Option<&Identity>,
    ) -> Ended {
        let mut guard = self.lock();
        let fields = &mut *guard;
        fields.ended = true;
        std::mem::swap(&mut fields.request_body, request_body);
        let discard = fields.discard || fields.capture == Some(Capture::None);
        let mut flags = fields.flags;
        if !discard {
            flags.add(fields.said.flags);
            fields.said.push(arena, None);
            if let Some(identity) = identity {
                flags.add(identity.said().flags);
                identity.said().push(arena, Some(&fields.said));
            }
            if let Some(change) = &fields.change {
                flags.add(change.flags);
                change.push(arena);
            }
            fields.metadata.push(arena);
        }
        Ended { discard, flags, capture: fields.capture }
    }

    /// Appends what was said so far, and goes on.
    pub(super) fn so_far(&self, arena: &mut Vec<u8>, identity: Option<&Identity>) -> Flags {
        let fields = self.lock();
        let mut flags = fields.flags;
        flags.add(fields.said.flags);
        fields.said.push(arena, None);
        if let Some(identity) = identity {
            flags.add(identity.said().flags);
            identity.said().push(arena, Some(&fields.said));
        }
        flags
    }

    /// Changes the copy of the request's body, until the exchange ends.
    pub(super) fn request_body<T>(&self, change: impl FnOnce(&mut Copied) -> T) -> Option<T> {
        let mut fields = self.lock();
        (!fields.ended).then(|| change(&mut fields.request_body))
    }

    /// Makes the state new for another exchange, when no handle to it is left.
    pub(crate) fn renew(state: &mut Arc<Self>) {
        match Arc::get_mut(state) {
            Some(alone) => {
                *alone.0.get_mut().unwrap_or_else(PoisonError::into_inner) = Fields::default();
            }
            None => *state = Arc::default(),
        }
    }

    #[cfg(test)]
    pub(super) fn has(&self, tag: super::frame::Tag) -> bool {
        self.lock().said.has(tag)
    }

    fn lock(&self) -> MutexGuard<'_, Fields> {
        // A panic between two assignments leaves a usable state: poison says nothing here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
