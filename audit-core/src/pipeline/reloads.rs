//! Settings on their way to the writer, and what is told of them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::policy::Config;

/// What became of settings that were to replace others.
#[derive(Debug)]
pub(crate) enum Reload {
    /// They count from now on, but for these keys.
    Applied(Arc<Config>, Vec<&'static str>),
    /// They cannot be; why.
    Refused(String),
}

/// What the writer has not heard of yet.
#[derive(Debug, Default)]
pub(crate) struct Reloads(Mutex<Vec<Reload>>);

impl Reloads {
    pub(crate) fn push(&self, reload: Reload) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(reload);
    }

    pub(super) fn take(&self) -> Vec<Reload> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
