//! The way from a directory that was made fit to a writer in it.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, rngs::SysRng};

use crate::{
    TrailError,
    announced::Announced,
    directory::Directory,
    lock::Lock,
    note::SigningKey,
    recover::Found,
    segment,
    tree::Tree,
    write::{Granting, Settings, Shared, Signer, Writer},
};

/// What all directories of a root have in common.
pub(crate) struct Opening<'a> {
    pub(crate) root: &'a Path,
    /// The root's name.
    pub(crate) name: &'a str,
    pub(crate) key: SigningKey,
    pub(crate) said: &'a audit_core::settings::Trail,
    pub(crate) heartbeat: Duration,
}

impl Opening<'_> {
    /// A writer without its thread. Its first records are durable, signed and published when this returns.
    pub(crate) fn begin(
        self,
        directory: Directory,
        lock: Lock,
        found: Found,
    ) -> Result<Shared, TrailError> {
        let random = |error| {
            let error = io::Error::other(error);
            TrailError::io("seed from the system's random source for", self.root, error)
        };
        let mut rng = StdRng::try_from_rng(&mut SysRng).map_err(random)?;
        let path = directory.path().to_owned();
        let writer = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let fresh = segment::origin(self.name, rng.next_u64(), &writer);
        let signer = Signer::new(
            self.key,
            self.said.checkpoint_interval,
            self.said.checkpoint_records,
            found.signed.unwrap_or_default(),
        );
        let settings = Settings {
            segment_bytes: self.said.segment_bytes,
            segment_age: self.said.segment_age,
            commit_interval: self.said.commit_interval,
            heartbeat: self.heartbeat,
        };
        let shared = Shared::new(begin(directory, lock, found, fresh, rng, settings, signer)?);
        shared
            .commit(usize::MAX)
            .and_then(|()| shared.sync())
            .and_then(|()| shared.checkpoint())
            .map_err(|error| TrailError::io("write to", &path, error))?;
        shared
            .with(|writer| writer.announced.note(&writer.directory, writer.next))
            .map_err(|error| TrailError::io("note what is announced in", &path, error))?;
        Ok(shared)
    }
}

/// The writer in a directory that was made fit, with its first records taken.
fn begin(
    directory: Directory,
    lock: Lock,
    found: Found,
    fresh: String,
    rng: StdRng,
    settings: Settings,
    signer: Signer,
) -> Result<Writer, TrailError> {
    let path = directory.path().to_owned();
    let mut writer = Writer {
        directory,
        lock: Some(lock),
        settings,
        origin: fresh,
        rng,
        next: 0,
        pending: Vec::new(),
        done: 0,
        spooled: 0,
        unsynced: Vec::new(),
        in_flight: Vec::new(),
        syncing: false,
        durable: 0,
        tree: Tree::default(),
        leaves: VecDeque::new(),
        signer,
        epoch: 0,
        moves: 0,
        active: None,
        sealed: None,
        last_line: Instant::now(),
        announced: Announced::default(),
        granting: Granting::default(),
    };
    writer.begin(found).map_err(|error| TrailError::io("inspect", &path, error))?;
    Ok(writer)
}
