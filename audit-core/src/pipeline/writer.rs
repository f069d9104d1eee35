//! The one thread that makes records and writes them.

use std::{
    io,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Release},
    thread,
    time::{Duration, Instant},
};

use super::{
    CloseError, Further, Pipe, Reload,
    announced::Waiting,
    further::guarded,
    gaps::{Gap, Reason},
    shards::recycle,
    strict::Asked,
    told::{Losses, quietly, told},
};
use crate::{
    Record, Sink, Timestamp,
    exchange::{
        drop_quietly,
        frame::{self, Fixed},
    },
    mask::{self, Clock, Masker},
    sink::SinkError,
};

/// How often the shards are taken.
const TICK: Duration = Duration::from_millis(2);
/// The same, after a tenth of a second without a record.
const IDLE_TICK: Duration = Duration::from_millis(5);
/// Most records between two commits, so that a sink's own buffer stays small.
const BATCH: u64 = 256;
/// The first pause while the sink fails; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// `Break`: the time for closing is over while the sink still fails.
type Flow = ControlFlow<()>;

/// The writer's state, on its own thread.
pub(crate) struct Writer {
    pipe: Arc<Pipe>,
    sink: Box<dyn Sink>,
    masker: Masker,
    further: Vec<Further>,
    record: Record,
    spare: Vec<Vec<u8>>,
    /// Records that the sink took since the last commit, and their share of the budget.
    pending: u64,
    pending_bytes: usize,
    /// The sink took something that is not yet committed.
    dirty: bool,
    pause: Duration,
    last_error: Option<String>,
    losses: Losses,
    announced: Waiting,
}

impl Writer {
    /// Starts the writer's thread.
    pub(crate) fn start(
        pipe: Arc<Pipe>,
        sink: Box<dyn Sink>,
        masker: Masker,
        further: Vec<Further>,
    ) -> io::Result<()> {
        let writer = Self {
            pipe,
            sink,
            masker,
            further,
            record: Record::blank(),
            spare: Vec::new(),
            pending: 0,
            pending_bytes: 0,
            dirty: false,
            pause: FIRST_PAUSE,
            last_error: None,
            losses: Losses::new(),
            announced: Waiting::default(),
        };
        thread::Builder::new().name("audit-writer".into()).spawn(move || writer.run())?;
        Ok(())
    }

    fn run(mut self) {
        let pipe = self.pipe.clone();
        pipe.control.i_am_the_writer();
        let mut last_work = Instant::now();
        loop {
            // Before the pass: everything accepted before an order was given is in this pass.
            let orders = pipe.control.orders();
            let mut chunks = Vec::new();
            pipe.set_clock();
            self.masker.mark_old();
            pipe.shards.take(&mut chunks, &mut self.spare, orders.close_by.is_some());
            // After the frames were taken: what was announced of them is among these.
            let asked = pipe.strict.take(orders.close_by.is_some());
            if !chunks.is_empty() || !asked.is_empty() {
                last_work = Instant::now();
            }
            // After the frames were taken: it was heard of all settings that they name.
            let reloads = pipe.reloads.take();
            for reload in &reloads {
                if let Reload::Applied(config, _) = reload {
                    self.masker.learn(config.clone());
                }
            }
            let mut flow = self.announce(asked);
            if flow.is_continue() {
                flow = self.pass(chunks);
            }
            self.masker.forget_old();
            if flow.is_continue() && !reloads.is_empty() {
                flow = self.tell_reloads(&reloads);
            }
            if let Some(ticket) = orders.flush {
                self.answer_flush(ticket);
            }
            if orders.close_by.is_some() || flow.is_break() {
                return self.finish(flow);
            }
            let idle = last_work.elapsed() > Duration::from_millis(100);
            thread::park_timeout(if idle { IDLE_TICK } else { TICK });
        }
    }

    /// Writes all frames of the chunks, after the gaps that came before them.
    fn pass(&mut self, chunks: Vec<Vec<u8>>) -> Flow {
        let clock = Clock { wall: Timestamp::now(), nanos: self.pipe.nanos(Instant::now()) };
        self.tell_gaps(clock)?;
        for chunk in chunks {
            let mut rest = &chunk[..];
            while let Some((fixed, arena)) = frame::decode(&mut rest) {
                self.write(&fixed, arena, clock)?;
            }
            recycle(&mut self.spare, chunk);
        }
        self.tell_gaps(clock)?;
        self.commit()?;
        self.losses.look(&self.pipe.tallies, self.pipe.strict.refused());
        self.pipe.health.caught_up(self.pipe.nanos(Instant::now()));
        Flow::Continue(())
    }

    fn write(&mut self, fixed: &Fixed, arena: &[u8], clock: Clock) -> Flow {
        let (masker, record) = (&mut self.masker, &mut self.record);
        let make = AssertUnwindSafe(|| masker.request(record, fixed, arena, clock));
        let taken = match catch_unwind(make) {
            Ok(()) => self.offer()?,
            Err(payload) => {
                drop_quietly(payload);
                self.losses.masker_panics += 1;
                false
            }
        };
        if taken {
            self.pending += 1;
            self.pending_bytes += fixed.reserved as usize;
            self.spread();
        } else {
            self.pipe.tallies.refused.fetch_add(1, Release);
            self.pipe.budget.release(fixed.reserved as usize);
            let (count, from, to) = (1, fixed.start, fixed.start);
            self.pipe.gaps.add(Gap { reason: Reason::Refused, count, from, to });
        }
        if self.pending < BATCH { Flow::Continue(()) } else { self.commit() }
    }

    /// Writes what strict requests wait for, and makes it durable for all of them at once. When the
    /// sink takes records and cannot make them durable, only those requests wait, and the records
    /// of others go on.
    fn announce(&mut self, asked: Vec<Asked>) -> Flow {
        if asked.is_empty() && !self.announced.is_due() {
            return Flow::Continue(());
        }
        let clock = Clock { wall: Timestamp::now(), nanos: self.pipe.nanos(Instant::now()) };
        for Asked { what, promise, held } in asked {
            // Where nobody waits any more, the record itself is all there is to tell.
            if !promise.is_settled() {
                let (masker, record) = (&mut self.masker, &mut self.record);
                let make = AssertUnwindSafe(|| mask::announce(masker, record, &what, clock));
                match catch_unwind(make) {
                    Err(payload) => drop_quietly(payload),
                    // Refused, the promise is broken here.
                    Ok(()) => {
                        if self.offer()? {
                            self.spread();
                            self.announced.add(promise);
                        } else {
                            self.losses.refused_controls += 1;
                        }
                    }
                }
            }
            self.pipe.budget.release(held);
        }
        self.commit()?;
        if self.announced.is_due()
            && let Err(_told) = self.sync()
        {
            self.announced.not_synced();
            self.pipe.strict.sink_fails(self.pipe.nanos(Instant::now()));
        }
        Flow::Continue(())
    }

    /// Offers the present record until the sink takes (`true`) or refuses it. Why it is refused
    /// is not told: a text about one record may quote it.
    fn offer(&mut self) -> ControlFlow<(), bool> {
        loop {
            match guarded(|| self.sink.write(&self.record)) {
                Err(SinkError::Unavailable(error)) => {
                    self.stand_by(&SinkError::Unavailable(error))?;
                }
                taken => {
                    self.dirty |= taken.is_ok();
                    return ControlFlow::Continue(taken.is_ok());
                }
            }
        }
    }

    /// Gives the present record to the further sinks.
    fn spread(&self) {
        if self.further.is_empty() {
            return;
        }
        let record = Arc::new(self.record.clone());
        for sink in &self.further {
            if !sink.offer(&record) {
                self.pipe.tallies.missed.fetch_add(1, Release);
            }
        }
    }

    fn tell_gaps(&mut self, clock: Clock) -> Flow {
        while let Some(gap) = self.pipe.gaps.take() {
            let (from, to) = (clock.at(gap.from), clock.at(gap.to));
            mask::gap(&mut self.record, gap.count, gap.reason.as_str(), from, to);
            match self.offer() {
                ControlFlow::Continue(true) => self.spread(),
                ControlFlow::Continue(false) => self.losses.refused_controls += 1,
                ControlFlow::Break(()) => {
                    self.pipe.gaps.add(gap);
                    return Flow::Break(());
                }
            }
        }
        Flow::Continue(())
    }

    fn tell_reloads(&mut self, reloads: &[Reload]) -> Flow {
        for reload in reloads {
            let (masker, record) = (&mut self.masker, &mut self.record);
            let make = AssertUnwindSafe(|| mask::config_change(masker, record, reload));
            if let Err(payload) = catch_unwind(make) {
                drop_quietly(payload);
                continue;
            }
            if self.offer()? {
                self.spread();
            } else {
                self.losses.refused_controls += 1;
            }
        }
        self.commit()
    }

    fn commit(&mut self) -> Flow {
        while self.dirty {
            if let Err(error) = guarded(|| self.sink.commit()) {
                self.stand_by(&error)?;
                continue;
            }
            self.dirty = false;
            self.pause = FIRST_PAUSE;
            self.works();
            self.pipe.tallies.written.fetch_add(std::mem::take(&mut self.pending), Release);
            self.pipe.budget.release(std::mem::take(&mut self.pending_bytes));
        }
        Flow::Continue(())
    }

    /// Pauses after a failure. Meanwhile requests fill the shards up to the budget; nothing that
    /// was accepted is given up, unless the time for closing is over.
    fn stand_by(&mut self, error: &SinkError) -> Flow {
        self.report(error);
        self.pipe.strict.sink_fails(self.pipe.nanos(Instant::now()));
        self.losses.look(&self.pipe.tallies, self.pipe.strict.refused());
        let orders = self.pipe.control.orders();
        if let Some(ticket) = orders.flush {
            self.pipe.control.flushed(ticket, self.last_error.clone());
        }
        let mut pause = self.pause;
        if let Some(by) = orders.close_by {
            let left = by.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Flow::Break(());
            }
            pause = pause.min(left);
        }
        thread::park_timeout(pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Flow::Continue(())
    }

    /// Tells of a failure once, not at every try.
    fn report(&mut self, error: &SinkError) {
        let text = told(error);
        if self.pipe.health.sink_failed() {
            quietly(|| tracing::error!(target: "audit", "{text}; it is tried again"));
        }
        self.last_error = Some(text);
    }

    /// The sink did what it was asked to.
    fn works(&mut self) {
        if self.announced.owes_a_sync() {
            // Only half of it: strict requests cannot be served.
            return;
        }
        self.pipe.strict.sink_works();
        self.last_error = None;
        if self.pipe.health.sink_works() {
            quietly(|| tracing::info!(target: "audit", "the sink takes records again"));
        }
    }

    fn answer_flush(&mut self, ticket: u64) {
        let result = self.sync();
        self.further.iter().for_each(Further::sync);
        self.pipe.control.flushed(ticket, result.err().map(|error| told(&error)));
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        let result = guarded(|| self.sink.sync());
        match &result {
            Ok(()) => {
                self.announced.synced();
                self.works();
            }
            Err(error) => self.report(error),
        }
        result
    }

    fn finish(mut self, flow: Flow) {
        // No request waits for what nobody will do.
        self.announced.give_up();
        for asked in self.pipe.strict.take(true) {
            self.pipe.budget.release(asked.held);
        }
        let result = match flow {
            Flow::Continue(()) => {
                guarded(|| self.sink.close()).map_err(|error| CloseError::Sink(told(&error)))
            }
            Flow::Break(()) => {
                // Requests that end from here on find the log closed and are counted as lost.
                self.pipe.shards.take(&mut Vec::new(), &mut Vec::new(), true);
                let left = self.pipe.counters().in_memory;
                let cause = self.last_error.take().unwrap_or_default();
                Err(CloseError::Unwritten { left, cause })
            }
        };
        self.further.drain(..).for_each(Further::close);
        self.losses.close(&self.pipe.tallies, self.pipe.strict.refused());
        if let Err(error) = &result {
            quietly(|| tracing::error!(target: "audit", "{error}"));
        }
        // The sink's locks and files are free before anybody hears of the end.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(self.sink)));
        dropped.unwrap_or_else(drop_quietly);
        self.pipe.control.closed(result);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use crate::{Auditor, FlushError, Record, Sink, sink::SinkError};

    #[derive(Debug)]
    struct Unspeakable;

    impl fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("an error whose text panics")
        }
    }

    impl std::error::Error for Unspeakable {}

    struct Failing;

    impl Sink for Failing {
        fn write(&mut self, _: &Record) -> Result<(), SinkError> {
            Ok(())
        }

        fn commit(&mut self) -> Result<(), SinkError> {
            Err(SinkError::unavailable(Unspeakable))
        }
    }

    #[test]
    fn an_error_that_panics_does_not_end_the_writer() {
        let auditor = Auditor::to(Failing);
        assert!(matches!(auditor.flush(), Err(FlushError::Sink(_))));
        assert!(auditor.close_blocking().is_err());
    }
}
