//! How far a reading is.

use std::sync::{Mutex, PoisonError};

use super::Maintenance;
use crate::directory::{Directory, size};

/// Who is told.
#[derive(Default)]
pub(super) struct Progress(Option<Mutex<Told>>);

type Told = Box<dyn FnMut(u64, u64) + Send>;

impl Maintenance {
    /// `told` is called now and then while a directory is read, with how many bytes of it were read and how many
    /// there are. One is read more than once: what is looked for is looked at again when it is signed.
    #[must_use]
    pub fn progress(mut self, told: impl FnMut(u64, u64) + Send + 'static) -> Self {
        self.progress = Progress(Some(Mutex::new(Box::new(told))));
        self
    }

    /// Told of bytes, tells of all so far.
    pub(super) fn passing(&self, directory: &Directory) -> impl FnMut(u64) {
        let of = |name: &String| directory.stat(name).map_or(0, |stat| size(&stat));
        let told = self.progress.0.as_ref();
        let names = if told.is_some() { directory.names().unwrap_or_default() } else { Vec::new() };
        let (all, mut done) = (names.iter().map(of).sum(), 0);
        move |bytes| {
            done += bytes;
            if let Some(told) = told {
                told.lock().unwrap_or_else(PoisonError::into_inner)(done, all);
            }
        }
    }
}
