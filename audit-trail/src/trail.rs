//! The sink.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use audit_core::{
    Record, Secret, Settings,
    sink::{Sink, SinkError},
};

use crate::{Builder, TrailError, line::Event, write::Shared};

/// The most that waits in memory for a slow disk, in bytes; a commit beyond it waits for the
/// disk itself.
const MOST_HELD: usize = 4 << 20;
/// How long a trail that is dropped without `close` waits for its thread.
/// In tests, which share the machine with others, so long that the directory is free afterwards.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 20_000 } else { 500 });

/// An append-only trail of records on disk: a [`Sink`].
///
/// After [`commit`](Sink::commit) a record outlives the process; a thread makes it outlive a
/// power cut within [`commit_interval`](Builder::commit_interval);
/// [`sync`](Sink::sync) and [`close`](Sink::close) wait for that.
///
/// Close it when the service ends. Dropping it without [`close`](Sink::close) writes what was
/// taken and frees the directory, but does not wait for the disk, and the next start is told
/// that this one did not end in good order.
#[derive(Debug)]
pub struct Trail {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    secret: Secret,
    directory: PathBuf,
    /// The `close` record was taken.
    closing: bool,
    closed: bool,
}

impl Trail {
    /// Opens the trail at `root` with default settings; creates it where it is missing.
    ///
    /// # Errors
    ///
    /// As [`Builder::open`].
    pub fn open(root: impl AsRef<Path>) -> Result<Self, TrailError> {
        Self::builder(root).open()
    }

    /// Opens the trail that a configuration names: the root, the settings and the file with the
    /// secret.
    ///
    /// ```no_run
    /// use audit_core::{Auditor, Settings};
    /// use audit_trail::Trail;
    ///
    /// let settings = Settings::default(); // or Settings::load("audit.toml")?
    /// let trail = Trail::configured(&settings)?;
    /// let auditor = Auditor::builder().settings(settings).build(trail)?;
    /// # auditor.close_blocking()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Builder::open`].
    pub fn configured(settings: &Settings) -> Result<Self, TrailError> {
        let builder = Self::builder(&settings.trail.dir).settings(&settings.trail);
        match &settings.auditor.secret {
            Some(file) => builder.secret_file(file).open(),
            None => builder.open(),
        }
    }

    /// Settings for the trail at `root`.
    pub fn builder(root: impl AsRef<Path>) -> Builder {
        Builder::new(root.as_ref())
    }

    pub(crate) const fn new(
        shared: Arc<Shared>,
        thread: JoinHandle<()>,
        secret: Secret,
        directory: PathBuf,
    ) -> Self {
        Self { shared, thread: Some(thread), secret, directory, closing: false, closed: false }
    }

    /// The writer directory this trail began to write to: `ROOT/00`, `ROOT/01`, … It goes on in another
    /// one where somebody has removed its `LOCK` and another process holds it since.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Takes a record made of these parts. What [`Sink::write`] does, for tests that cannot
    /// make a record.
    pub(crate) fn push<'a>(
        &self,
        core: &[u8],
        groups: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), SinkError> {
        if self.closed {
            return Err(SinkError::unavailable("the trail is closed"));
        }
        self.shared.with(|writer| writer.push(core, groups)).map_err(SinkError::refused)
    }

    /// Keeps the thread from looking at the directory.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        self.shared.hold()
    }

    #[cfg(test)]
    pub(crate) fn push_event(&self, event: &Event) {
        self.shared.with(|writer| writer.push_event(event));
    }

    /// Signs what was taken so far.
    #[cfg(test)]
    pub(crate) fn checkpoint(&self) {
        self.shared.checkpoint().unwrap();
    }

    fn failed(&self, error: &std::io::Error) -> SinkError {
        let path = self.directory.display();
        SinkError::unavailable(std::io::Error::new(
            error.kind(),
            format!("cannot write to {path}: {error}"),
        ))
    }
}

impl Sink for Trail {
    fn write(&mut self, record: &Record) -> Result<(), SinkError> {
        self.push(record.core(), record.groups().map(|(group, value)| (group.as_str(), value)))
    }

    fn commit(&mut self) -> Result<(), SinkError> {
        self.shared.commit(MOST_HELD).map_err(|error| self.failed(&error))
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.commit()?;
        self.shared.sync().map_err(|error| self.failed(&error))
    }

    fn close(&mut self) -> Result<(), SinkError> {
        if self.closed {
            return Ok(());
        }
        if !std::mem::replace(&mut self.closing, true) {
            self.shared.with(|writer| writer.push_event(&Event::Close));
        }
        self.sync()?;
        self.shared.checkpoint().map_err(|error| self.failed(&error))?;
        self.closed = true;
        self.shared.stop(Duration::from_secs(60));
        if let Some(thread) = self.thread.take()
            && thread.is_finished()
        {
            let _ = thread.join();
        }
        Ok(())
    }

    fn secret(&self) -> Option<Secret> {
        Some(self.secret.clone())
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        if !self.closed {
            self.shared.stop(PATIENCE);
        }
    }
}
