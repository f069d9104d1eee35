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

fn drive(mut sink: Box<dyn Sink>, messages: &Receiver<Message>) {
    loop {
        let message = match messages.try_recv() {
            Ok(message) => Ok(message),
            Err(TryRecvError::Disconnected) => Err(()),
            // Nothing waits: a good moment to commit. Once a second for a sink that failed.
            Err(TryRecvError::Empty) => {
                let _ = guarded(|| sink.commit());
                match messages.recv_timeout(PATIENCE) {
                    Ok(message) => Ok(message),
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => Err(()),
                }
            }
        };
        match message {
            Ok(Message::Record(record)) => {
                // While it waits here, the bounded queue fills and the writer counts what is missed.
                while let Err(SinkError::Unavailable(_)) = guarded(|| sink.write(&record)) {
                    thread::sleep(PAUSE);
                }
            }
            Ok(Message::Sync(ack)) => {
                let _ = guarded(|| sink.sync());
                let _ = ack.try_send(());
            }
            Err(()) => {
                let _ = guarded(|| sink.close());
                return;
            }
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
