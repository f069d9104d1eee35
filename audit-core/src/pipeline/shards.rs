//! The sharded byte log between requests and the writer.
//!
//! A shard's lock is held for a copy of some hundred bytes, or by the writer for taking a few
//! pointers; nothing a sink does is under it. Frames lie in chunks of fixed size rather than in
//! one growing buffer, so that memory follows the frames and not the next power of two.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crossbeam_utils::CachePadded;

use super::counters::{SHARDS, my_shard};
use crate::exchange::{Raw, frame::Fixed};

/// Size of a chunk; a larger frame gets one of its own.
const CHUNK: usize = 32 * 1024;
/// Most empty chunks kept by the writer.
const SPARES: usize = 32;
/// Most idle `Raw`s kept by a shard.
const POOL: usize = 64;
/// Most bytes that they hold. They are not in the memory budget: nobody needs them.
const IDLE: usize = 256 * 1024;

#[derive(Default)]
struct Shard {
    current: Vec<u8>,
    full: Vec<Vec<u8>>,
    /// Empty chunks to go on with.
    spare: Vec<Vec<u8>>,
    // Boxed: it moves from here to the future to the body, as one pointer.
    #[allow(clippy::vec_box)]
    pool: Vec<Box<Raw>>,
    /// Bytes held by the pool.
    idle: usize,
    closed: bool,
}

impl Shard {
    fn keep(&mut self, mut raw: Box<Raw>) {
        if self.pool.len() < POOL && raw.renew() {
            let held = raw.footprint();
            if self.idle + held <= IDLE {
                self.idle += held;
                self.pool.push(raw);
            }
        }
    }
}

/// All shards.
#[derive(Default)]
pub(super) struct Shards([CachePadded<Mutex<Shard>>; SHARDS]);

/// The log takes no more frames.
#[derive(Debug)]
pub(super) struct Closed;

impl Shards {
    /// Appends a frame and keeps its `Raw` for another request. Calls `accept` where the log takes
    /// the frame, before the writer can see it and count it, with the bytes that stay unused at the
    /// end of the chunk before: the frame is to hold those too.
    pub(super) fn append(
        &self,
        raw: Box<Raw>,
        fixed: &mut Fixed,
        accept: impl FnOnce(usize),
    ) -> Result<(), Closed> {
        let mut shard = self.any();
        if shard.closed {
            return Err(Closed);
        }
        let need = raw.frame_len();
        let left = shard.current.capacity() - shard.current.len();
        let unused = if left < need { left } else { 0 };
        fixed.reserved = u32::try_from(need + unused).unwrap_or(u32::MAX);
        accept(unused);
        if left < need {
            let spare = if need <= CHUNK { shard.spare.pop() } else { None };
            let fresh = spare.unwrap_or_else(|| Vec::with_capacity(need.max(CHUNK)));
            let full = std::mem::replace(&mut shard.current, fresh);
            if !full.is_empty() {
                shard.full.push(full);
            }
        }
        raw.encode(&mut shard.current, fixed);
        shard.keep(raw);
        Ok(())
    }

    /// A `Raw` for a new request.
    pub(super) fn take_raw(&self) -> Box<Raw> {
        let mut shard = self.any();
        let pooled = shard.pool.pop();
        shard.idle -= pooled.as_ref().map_or(0, |raw| raw.footprint());
        drop(shard);
        pooled.unwrap_or_else(Raw::new)
    }

    /// Keeps a `Raw` whose request left no frame.
    pub(super) fn give_raw(&self, raw: Box<Raw>) {
        self.any().keep(raw);
    }

    /// Moves all chunks to `out`, and gives each shard as many of the `spare` ones as it has just
    /// used: memory that is allocated here and freed by the writer would make both threads meet
    /// at the allocator's lock. With `close`, the shards take no more frames.
    pub(super) fn take(&self, out: &mut Vec<Vec<u8>>, spare: &mut Vec<Vec<u8>>, close: bool) {
        for shard in &self.0 {
            let mut shard = without_parking(shard);
            shard.closed |= close;
            if shard.current.is_empty() {
                continue;
            }
            let used = shard.full.len() + 1;
            out.append(&mut shard.full);
            let fresh = shard.spare.pop().or_else(|| spare.pop()).unwrap_or_default();
            out.push(std::mem::replace(&mut shard.current, fresh));
            while shard.spare.len() < used
                && let Some(chunk) = spare.pop()
            {
                shard.spare.push(chunk);
            }
        }
    }

    /// The thread's own shard, or the next one that nobody holds.
    fn any(&self) -> MutexGuard<'_, Shard> {
        let mine = my_shard();
        for at in 0..SHARDS {
            match self.0[(mine + at) % SHARDS].try_lock() {
                Ok(shard) => return shard,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        lock(&self.0[mine])
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // Only an allocation can fail in the critical sections, and that aborts.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a lock without ever waiting in the kernel: a waiter there would have to be woken, with a
/// system call, by the request that holds the lock. It is held for a copy of some hundred bytes.
fn without_parking(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    let mut tries = 0_u32;
    loop {
        match shard.try_lock() {
            Ok(shard) => return shard,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => tries += 1,
        }
        // The holder may have been preempted: after a while let it run.
        if tries.is_multiple_of(128) { std::thread::yield_now() } else { std::hint::spin_loop() }
    }
}

impl std::fmt::Debug for Shards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shards").finish_non_exhaustive()
    }
}

/// Keeps an emptied chunk for another turn, unless it is one of an outsize frame or there are
/// enough.
pub(super) fn recycle(spare: &mut Vec<Vec<u8>>, mut chunk: Vec<u8>) {
    if chunk.capacity() == CHUNK && spare.len() < SPARES {
        chunk.clear();
        spare.push(chunk);
    }
}
