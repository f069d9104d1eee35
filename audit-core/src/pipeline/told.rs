//! What the auditor tells of its own faults, as events of the target `audit`.
//!
//! A state is told when it changes and not while it lasts: a disk that is full for an hour is two
//! events. No event holds anything of a record, and none is made on a request's thread.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use super::counters::Tallies;
use crate::{exchange::drop_quietly, sink::SinkError};

/// Losses that are further apart are told each by itself. Clients can cause some of them, request
/// by request, and must not be able to flood the log.
const QUIET: Duration = Duration::from_secs(10);

/// A run of losses of one sort.
#[derive(Debug)]
pub(super) struct Run {
    begins: &'static str,
    ends: &'static str,
    total: u64,
    /// The total before the run, and when it last rose. `None` between runs.
    open: Option<(u64, Instant)>,
}

/// What there is to tell of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Begins(u64),
    Ends(u64),
}

impl Run {
    pub(super) const fn new(begins: &'static str, ends: &'static str) -> Self {
        Self { begins, ends, total: 0, open: None }
    }

    /// Looks at how many there were in all, and tells what is new.
    pub(super) fn look(&mut self, total: u64, now: Instant) {
        let news = self.news(total, now);
        self.tell(news);
    }

    /// Tells the end of a run that has not ended.
    pub(super) fn close(&mut self) {
        let news = self.open.take().map(|(before, _)| News::Ends(self.total - before));
        self.tell(news);
    }

    fn news(&mut self, total: u64, now: Instant) -> Option<News> {
        let more = total.saturating_sub(self.total);
        match &mut self.open {
            None if more == 0 => None,
            None => {
                self.open = Some((self.total, now));
                self.total = total;
                Some(News::Begins(more))
            }
            Some((_, last)) if more > 0 => {
                (self.total, *last) = (total, now);
                None
            }
            Some((before, last)) if now.saturating_duration_since(*last) >= QUIET => {
                let count = self.total - *before;
                self.open = None;
                Some(News::Ends(count))
            }
            Some(_) => None,
        }
    }

    fn tell(&self, news: Option<News>) {
        let (begins, ends) = (self.begins, self.ends);
        match news {
            Some(News::Begins(count)) => {
                quietly(|| tracing::error!(target: "audit", count, "{begins}"));
            }
            Some(News::Ends(count)) => {
                quietly(|| tracing::info!(target: "audit", count, "{ends}"));
            }
            None => {}
        }
    }
}

/// The losses the writer knows of.
#[derive(Debug)]
pub(super) struct Losses {
    memory: Run,
    refused: Run,
    masker: Run,
    missed: Run,
    strict: Run,
    /// Records whose masking panicked. They count as refused.
    pub(super) masker_panics: u64,
    /// Control records that the sink refused. No counter has them.
    pub(super) refused_controls: u64,
}

impl Losses {
    pub(super) const fn new() -> Self {
        Self {
            memory: Run::new(
                "records are lost: the memory budget is used up, or the auditor is closed",
                "no more records are lost for want of memory",
            ),
            refused: Run::new(
                "records are lost: the sink refuses them",
                "the sink refuses no more records",
            ),
            masker: Run::new(
                "records are lost: masking them panicked; please report this bug",
                "masking panicked no more",
            ),
            missed: Run::new(
                "a further sink is too slow and misses records; the primary sink has them",
                "further sinks miss no more records",
            ),
            strict: Run::new(
                "strict requests are refused: what they do cannot be recorded first",
                "no more strict requests are refused",
            ),
            masker_panics: 0,
            refused_controls: 0,
        }
    }

    /// `unrecorded` strict requests were refused.
    pub(super) fn look(&mut self, tallies: &Tallies, unrecorded: u64) {
        let (dropped, refused, missed) = tallies.losses();
        let now = Instant::now();
        self.memory.look(dropped, now);
        let by_sink = refused.saturating_sub(self.masker_panics) + self.refused_controls;
        self.refused.look(by_sink, now);
        self.masker.look(self.masker_panics, now);
        self.missed.look(missed, now);
        self.strict.look(unrecorded, now);
    }

    pub(super) fn close(&mut self, tallies: &Tallies, unrecorded: u64) {
        self.look(tallies, unrecorded);
        let Self { memory, refused, masker, missed, strict, .. } = self;
        [memory, refused, masker, missed, strict].into_iter().for_each(Run::close);
    }
}

/// The text of an error, which is somebody else's code too.
pub(super) fn told(error: &SinkError) -> String {
    let mut text = String::from("the sink failed");
    quietly(|| text = error.to_string());
    text
}

/// Runs somebody else's code whose result does not matter, such as a subscriber of events: a
/// panic in it must not end the writer, and with it all records.
pub(super) fn quietly(call: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(call)) {
        drop_quietly(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_one_beginning_and_one_end() {
        let mut run = Run::new("", "");
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(run.news(0, at(0)), None);
        assert_eq!(run.news(3, at(1)), Some(News::Begins(3)));
        assert_eq!(run.news(3, at(2)), None);
        assert_eq!(run.news(5, at(9)), None);
        assert_eq!(run.news(5, at(18)), None);
        assert_eq!(run.news(5, at(19)), Some(News::Ends(5)));
        assert_eq!(run.news(5, at(99)), None);
        assert_eq!(run.news(6, at(99)), Some(News::Begins(1)));
        assert_eq!(run.news(7, at(100)), None);
        assert_eq!(run.news(7, at(110)), Some(News::Ends(2)));
    }
}
