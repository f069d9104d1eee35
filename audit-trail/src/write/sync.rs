//! Group commit: a thread that makes durable what was written, every few milliseconds.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::io::Errno;

use super::{Stop, Writer};
use crate::{disk::Disk, line::Event};

/// How often an idle writer looks at its segment: a removed file is found within a second.
const LOOK: Duration = Duration::from_millis(400);

/// The writer, shared by the sink and its thread.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Something was written, or the thread has to stop.
    work: Condvar,
    /// A sync has ended, or the thread has.
    done: Condvar,
    /// The thread has to stop.
    stop: AtomicBool,
}

#[derive(Debug)]
struct State {
    writer: Writer,
    ended: bool,
}

/// A sync under way: what it covers if it succeeds.
struct Ticket {
    file: Arc<OwnedFd>,
    disk: Arc<dyn Disk>,
    epoch: u64,
    spooled: u64,
    len: u64,
}

impl Writer {
    /// Syncs while the caller holds the writer, as a roll must.
    pub(super) fn sync_here(&mut self) -> Result<(), Stop> {
        let Some(ticket) = self.begin_sync() else { return Ok(()) };
        let result = ticket.disk.sync_data(ticket.file.as_fd());
        self.end_sync(&ticket, result);
        Ok(result?)
    }

    fn begin_sync(&mut self) -> Option<Ticket> {
        let active = self.active.as_ref()?;
        if self.syncing || self.unsynced.is_empty() {
            return None;
        }
        let ticket = Ticket {
            file: Arc::clone(&active.file),
            disk: self.directory.shared_disk(),
            epoch: self.epoch,
            spooled: self.spooled,
            len: active.len,
        };
        std::mem::swap(&mut self.unsynced, &mut self.in_flight);
        self.syncing = true;
        Some(ticket)
    }

    fn end_sync(&mut self, ticket: &Ticket, result: Result<(), Errno>) {
        self.syncing = false;
        if ticket.epoch != self.epoch {
            // The file was cut or left meanwhile: the lines went back to where they wait.
            return;
        }
        match result {
            // Another writer may have cut them meanwhile, or may keep them: they are taken along.
            Ok(()) if !self.is_held() => self.lose("is not held any more"),
            Ok(()) => {
                self.in_flight.clear();
                self.set_durable(ticket.spooled);
                if let Some(active) = &mut self.active {
                    active.keep = ticket.len;
                }
            }
            Err(error) => self.seal(&format!("syncing failed: {error}")),
        }
    }

    /// What an idle writer does now and then.
    fn look_after(&mut self) -> Result<(), Stop> {
        let idle = self.is_idle();
        self.check_place()?;
        self.make_ready()?;
        if idle && self.last_line.elapsed() >= self.settings.heartbeat {
            self.push_event(&Event::Heartbeat);
        }
        // What was pending before belongs to a commit that will be tried again by its caller.
        if idle { self.commit() } else { Ok(()) }
    }
}

impl Shared {
    pub(crate) fn new(writer: Writer) -> Self {
        let state = State { writer, ended: true };
        Self {
            state: Mutex::new(state),
            work: Condvar::new(),
            done: Condvar::new(),
            stop: AtomicBool::new(false),
        }
    }

    /// Starts the thread.
    pub(crate) fn start(self: &Arc<Self>) -> std::io::Result<thread::JoinHandle<()>> {
        self.lock().ended = false;
        let shared = Arc::clone(self);
        let run = move || {
            // However it ends: `wait_for_end` must not wait for a thread that is no more.
            let _ended = Ended(&shared);
            shared.run();
        };
        let started = thread::Builder::new().name("audit-trail".into()).spawn(run);
        if started.is_err() {
            self.lock().ended = true;
        }
        started
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in the critical sections panics on purpose; if it did, the lines in memory
        // are still worth writing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody else has the writer meanwhile.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        self.lock()
    }

    /// Calls `change` with the writer.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Writer) -> T) -> T {
        change(&mut self.lock().writer)
    }

    /// Writes what is pending. Where more than `most` bytes wait for the disk, waits for it.
    pub(crate) fn commit(&self, most: usize) -> Result<(), std::io::Error> {
        let mut state = self.lock();
        loop {
            match state.writer.commit() {
                Ok(()) => break,
                Err(Stop::Syncing) => state = self.wait(state),
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
        if state.writer.held() > most {
            drop(self.sync_once(state));
            return Ok(());
        }
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// Returns when every line taken so far is durable.
    pub(crate) fn sync(&self) -> Result<(), std::io::Error> {
        let mut state = self.lock();
        let (mut moves, mut target) = (state.writer.moves, state.writer.next);
        loop {
            if state.writer.moves != moves {
                (moves, target) = (state.writer.moves, state.writer.next);
            }
            if state.writer.durable >= target {
                return Ok(());
            }
            let ready = match state.writer.commit() {
                Ok(()) if state.writer.active.is_none() => state.writer.make_ready(),
                done => done,
            };
            state = match ready {
                Ok(()) => self.sync_once(state),
                Err(Stop::Syncing) => self.wait(state),
                Err(Stop::Failed(error)) => return Err(error),
            };
        }
    }

    /// Signs what was taken so far, and returns when the checkpoint is published and durable.
    pub(crate) fn checkpoint(&self) -> Result<(), std::io::Error> {
        let mut state = self.lock();
        loop {
            let signed = state.writer.checkpoint(true).and_then(|()| state.writer.sync_here());
            match signed {
                Ok(()) => return Ok(()),
                Err(Stop::Syncing) => state = self.wait(state),
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
    }

    /// Carries out what the holder of the directory orders; returns when it is signed and published.
    pub(crate) fn carry_out(&self, events: &[Event]) -> Result<(), std::io::Error> {
        let mut state = self.lock();
        state.writer.grant(events, false).map_err(std::io::Error::other)?;
        loop {
            match state.writer.finish_order() {
                Ok(()) => return Ok(()),
                Err(Stop::Syncing) => state = self.wait(state),
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
    }

    /// Begins a new segment, whatever the size and age of the last one.
    pub(crate) fn begin_segment(&self) -> Result<(), std::io::Error> {
        let mut state = self.lock();
        loop {
            match state.writer.begin_anew() {
                Ok(()) => return Ok(()),
                Err(Stop::Syncing) => state = self.wait(state),
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
    }

    /// Ends in good order, where there is no thread. The directory is free afterwards.
    pub(crate) fn close(&self) -> Result<(), std::io::Error> {
        self.with(|writer| writer.push_event(&Event::Close));
        self.sync()?;
        self.checkpoint()?;
        self.stop(Duration::ZERO);
        Ok(())
    }

    /// One sync, without holding up the sink; or waits for the one under way.
    fn sync_once<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.writer.syncing {
            return self.wait(state);
        }
        let Some(ticket) = state.writer.begin_sync() else { return state };
        drop(state);
        let result = ticket.disk.sync_data(ticket.file.as_fd());
        let mut state = self.lock();
        state.writer.end_sync(&ticket, result);
        self.done.notify_all();
        state
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.done.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread.
    fn run(&self) {
        let (mut last_sync, mut last_look) = (Instant::now(), Instant::now());
        let mut failing = false;
        let mut state = self.lock();
        while !self.stop.load(Ordering::Relaxed) {
            let interval = state.writer.settings.commit_interval;
            let until_look = LOOK.saturating_sub(last_look.elapsed());
            if until_look.is_zero() {
                last_look = Instant::now();
                let idle = state.writer.is_idle();
                let looked = state.writer.look_after();
                // With records waiting, it is the auditor that tells, and tries again.
                match looked {
                    Err(Stop::Failed(error)) if idle && !failing => {
                        failing = true;
                        let directory = state.writer.directory.path().display();
                        tracing::error!(
                            target: "audit", %directory, %error, "the trail cannot be written"
                        );
                    }
                    Ok(()) if std::mem::take(&mut failing) => {
                        let directory = state.writer.directory.path().display();
                        tracing::info!(target: "audit", %directory, "the trail can be written again");
                    }
                    Ok(()) | Err(_) => {}
                }
                state.writer.take_order();
                while let Err(Stop::Syncing) = state.writer.finish_order() {
                    state = self.wait(state);
                }
                self.done.notify_all();
                continue;
            }
            let until_checkpoint = state.writer.checkpoint_due();
            if until_checkpoint.is_some_and(|left| left.is_zero()) {
                match state.writer.checkpoint(false) {
                    Err(Stop::Syncing) => state = self.wait(state),
                    // Tried again; what fails is told by those who wait for it.
                    Ok(()) | Err(Stop::Failed(_)) => self.done.notify_all(),
                }
                continue;
            }
            let dirty = !state.writer.unsynced.is_empty() && state.writer.active.is_some();
            let until_sync = interval.saturating_sub(last_sync.elapsed());
            if dirty && until_sync.is_zero() {
                last_sync = Instant::now();
                state = self.sync_once(state);
                continue;
            }
            let pause = if dirty { until_sync.min(until_look) } else { until_look };
            let pause = until_checkpoint.map_or(pause, |left| left.min(pause));
            let waited = self.work.wait_timeout(state, pause);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Tells the thread to end, tries to write what is pending, and waits for both so long.
    /// Then frees the directory; or leaves that to the thread, when it is stuck in the disk.
    pub(crate) fn stop(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.stop.store(true, Ordering::Relaxed);
        let mut state = loop {
            match self.state.try_lock() {
                Ok(state) => break state,
                Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return,
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
            }
        };
        // Not with a sync under way, for that could take long. The caller had its error.
        let _ = state.writer.commit();
        self.work.notify_all();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.done.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        // Nothing of this process writes here any more.
        state.writer.lock = None;
    }
}

/// Says on drop that the thread has ended.
struct Ended<'a>(&'a Shared);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.done.notify_all();
    }
}
