//! Further sinks: each with a small bounded queue and a thread of its own.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError},
    },
    thread,
    time::{Duration, Instant},
};

use super::told::{Run, quietly, told};
use crate::{Record, Sink, sink::SinkError};

/// Most records waiting for a further sink.
const QUEUE: usize = 1024;
/// How long a flush waits for one.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause before a failed call is tried again.
const PAUSE: Duration = Duration::from_millis(100);

enum Message {
    Record(Arc<Record>),
    Sync(SyncSender<()>),
}

/// The writer's side of a further sink.
#[derive(Debug)]
pub(crate) struct Further {
    queue: SyncSender<Message>,
    done: Receiver<()>,
}

impl Further {
    /// Starts the sink's thread.
    pub(crate) fn start(sink: Box<dyn Sink>) -> io::Result<Self> {
        let (queue, messages) = mpsc::sync_channel(QUEUE);
        let (finished, done) = mpsc::sync_channel(1);
        thread::Builder::new().name("audit-sink".into()).spawn(move || {
            drive(sink, &messages);
            let _ = finished.send(());
        })?;
        Ok(Self { queue, done })
    }

    /// Offers a record; `false` if the sink is too slow, or gone.
    pub(super) fn offer(&self, record: &Arc<Record>) -> bool {
        match self.queue.try_send(Message::Record(record.clone())) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// Waits a little until everything offered is through.
    pub(super) fn sync(&self) {
        let (ack, acked) = mpsc::sync_channel(1);
        let deadline = Instant::now() + PATIENCE;
        let mut message = Message::Sync(ack);
        while let Err(TrySendError::Full(again)) = self.queue.try_send(message) {
            if Instant::now() > deadline {
                return;
            }
            message = again;
            thread::sleep(Duration::from_millis(1));
        }
        let _ = acked.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }

    /// Ends the sink; one that is stuck is left behind.
    pub(super) fn close(self) {
        drop(self.queue);
        let _ = self.done.recv_timeout(PATIENCE);
    }
}

fn drive(sink: Box<dyn Sink>, messages: &Receiver<Message>) {
    let refusals = Run::new(
        "a further sink refuses records; the primary sink has them",
        "a further sink refuses no more records",
    );
    let mut driven = Driven { sink, failing: false, refused: 0, refusals };
    loop {
        driven.refusals.look(driven.refused, Instant::now());
        let message = match messages.try_recv() {
            Ok(message) => Ok(message),
            Err(TryRecvError::Disconnected) => Err(()),
            // Nothing waits: a good moment to commit. Once a second for a sink that failed.
            Err(TryRecvError::Empty) => {
                driven.call(Sink::commit);
                match messages.recv_timeout(PATIENCE) {
                    Ok(message) => Ok(message),
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => Err(()),
                }
            }
        };
        match message {
            Ok(Message::Record(record)) => driven.write(&record),
            Ok(Message::Sync(ack)) => {
                driven.call(Sink::sync);
                let _ = ack.try_send(());
            }
            Err(()) => {
                driven.call(Sink::close);
                return driven.refusals.close();
            }
        }
    }
}

/// A further sink on its thread, and what was told of it.
struct Driven {
    sink: Box<dyn Sink>,
    failing: bool,
    refused: u64,
    refusals: Run,
}

impl Driven {
    /// Commits, syncs or closes, and tells where that works no more, or again.
    fn call(&mut self, call: impl FnOnce(&mut dyn Sink) -> Result<(), SinkError>) {
        match guarded(|| call(&mut *self.sink)) {
            Ok(()) if std::mem::take(&mut self.failing) => {
                quietly(|| tracing::info!(target: "audit", "a further sink works again"));
            }
            Ok(()) => {}
            Err(error) => self.failed(&error),
        }
    }

    fn write(&mut self, record: &Record) {
        loop {
            match guarded(|| self.sink.write(record)) {
                // Told to work again by the next commit, which has to work too.
                Ok(()) => return,
                Err(SinkError::Refused(_)) => {
                    self.refused += 1;
                    return;
                }
                // While it waits here, the bounded queue fills and the writer counts what is
                // missed.
                Err(error) => self.failed(&error),
            }
            thread::sleep(PAUSE);
        }
    }

    fn failed(&mut self, error: &SinkError) {
        if !std::mem::replace(&mut self.failing, true) {
            let text = told(error);
            quietly(|| tracing::error!(target: "audit", "a further sink: {text}"));
        }
    }
}

/// Calls a sink; a panic in it is an error like any other.
pub(super) fn guarded(call: impl FnOnce() -> Result<(), SinkError>) -> Result<(), SinkError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_or_else(|payload| {
        crate::exchange::drop_quietly(payload);
        Err(SinkError::unavailable("the sink panicked"))
    })
}
