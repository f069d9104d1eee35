//! The auditor's own state as metrics.

use std::{fmt::Write as _, time::Instant};

use crate::{Auditor, Counters};

/// How a metric behaves.
#[derive(Clone, Copy)]
enum Type {
    /// Only rises while the process lives.
    Counter,
    /// Rises and falls.
    Gauge,
}

use Type::{Counter, Gauge};

/// Name, type, help and value. No metric has labels: what is counted is bounded, and nothing a
/// client sends, no error text and no name can get in.
type Metric = (&'static str, Type, &'static str, Value);

#[derive(Clone, Copy)]
enum Value {
    Count(u64),
    /// Shown in seconds.
    Nanos(u64),
}

use Value::{Count, Nanos};

/// The counters. Taken apart without `..`: a new one does not compile until it is told here.
fn counters(counters: Counters) -> [Metric; 11] {
    let Counters {
        started,
        excluded,
        sampled_out,
        discarded,
        dropped,
        accepted,
        written,
        in_memory,
        in_flight,
        missed_by_further_sinks,
        memory_bytes,
    } = counters;
    [
        (
            "audit_requests_started_total",
            Counter,
            "Requests that reached the layer.",
            Count(started),
        ),
        (
            "audit_requests_excluded_total",
            Counter,
            "Requests left without a record by the settings.",
            Count(excluded),
        ),
        (
            "audit_requests_sampled_out_total",
            Counter,
            "Requests left without a record by a rule's sampling.",
            Count(sampled_out),
        ),
        (
            "audit_requests_discarded_total",
            Counter,
            "Requests left without a record by the application.",
            Count(discarded),
        ),
        (
            "audit_requests_dropped_total",
            Counter,
            "Records lost and told in a gap record: no memory, or refused by the sink.",
            Count(dropped),
        ),
        // Not a counter: what the sink refuses is taken back and counts as dropped, and a counter
        // that falls reads as a restart.
        (
            "audit_requests_accepted",
            Gauge,
            "Records written or to be written; falls by one when the sink refuses a record.",
            Count(accepted),
        ),
        (
            "audit_records_written_total",
            Counter,
            "Records taken by the primary sink.",
            Count(written),
        ),
        (
            "audit_records_in_memory",
            Gauge,
            "Records accepted and not yet written.",
            Count(in_memory),
        ),
        ("audit_requests_in_flight", Gauge, "Requests that have not ended.", Count(in_flight)),
        (
            "audit_further_sinks_missed_total",
            Counter,
            "Records that further sinks were too slow for; the primary sink has them.",
            Count(missed_by_further_sinks),
        ),
        ("audit_memory_bytes", Gauge, "Bytes of the memory budget in use.", Count(memory_bytes)),
    ]
}

fn health(auditor: &Auditor) -> [Metric; 5] {
    let pipe = &auditor.core.pipe;
    let up = pipe.control.is_open();
    let lag = if up { pipe.health.lag(pipe.nanos(Instant::now())) } else { 0 };
    [
        (
            "audit_memory_limit_bytes",
            Gauge,
            "The memory budget.",
            Count(pipe.memory_limit() as u64),
        ),
        (
            "audit_up",
            Gauge,
            "1 while records are taken, 0 once the auditor closes.",
            Count(up.into()),
        ),
        (
            "audit_sink_up",
            Gauge,
            "0 while calls of the primary sink fail and records wait in memory, else 1.",
            Count((!pipe.health.is_sink_failing()).into()),
        ),
        (
            "audit_sink_failures_total",
            Counter,
            "Calls of the primary sink that failed and are tried again.",
            Count(pipe.health.sink_failures()),
        ),
        (
            "audit_writer_lag_seconds",
            Gauge,
            "Time since the writer last had nothing left to write.",
            Nanos(lag),
        ),
    ]
}

impl Auditor {
    /// The Content-Type of [`prometheus`](Self::prometheus).
    pub const PROMETHEUS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// The [counters](Self::counters) and the health of the auditor for Prometheus, in its text
    /// format 0.0.4. `docs/metrics.md` lists them. They have no labels and hold nothing of any
    /// request. Does not wait for the sink; takes no lock a request takes.
    ///
    /// Serve it from a route that is excluded, so that scrapes leave no records:
    ///
    /// ```
    /// use audit_core::{Auditor, sink::Memory};
    ///
    /// let auditor = Auditor::builder().exclude_path("/metrics").build(Memory::new())?;
    /// let (content_type, body) = (Auditor::PROMETHEUS_CONTENT_TYPE, auditor.prometheus());
    /// assert!(content_type.starts_with("text/plain"));
    /// assert!(body.contains("\naudit_requests_started_total 0\n"));
    /// # auditor.close_blocking().unwrap();
    /// # Ok::<(), audit_core::BuildError>(())
    /// ```
    #[must_use]
    pub fn prometheus(&self) -> String {
        let mut text = String::with_capacity(4 * 1024);
        for (name, kind, help, value) in counters(self.counters()).into_iter().chain(health(self)) {
            let kind = match kind {
                Counter => "counter",
                Gauge => "gauge",
            };
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} ");
            let _ = match value {
                Count(count) => writeln!(text, "{count}"),
                Nanos(n) => writeln!(text, "{}.{:09}", n / 1_000_000_000, n % 1_000_000_000),
            };
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;
    use crate::{
        Record, Sink,
        sink::{Memory, SinkError},
    };

    fn value<'t>(text: &'t str, name: &str) -> &'t str {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    #[test]
    fn every_counter_is_told_under_its_own_name() {
        let counters_of = Counters {
            started: 1,
            excluded: 2,
            sampled_out: 11,
            discarded: 3,
            dropped: 4,
            accepted: 5,
            written: 6,
            in_memory: 7,
            in_flight: 8,
            missed_by_further_sinks: 9,
            memory_bytes: 10,
        };
        let debug = format!("{counters_of:?}");
        for (name, .., value) in counters(counters_of) {
            let Count(value) = value else { panic!("{name} is a time") };
            // `audit_requests_started_total` is `started`.
            let (field, _) = debug.split_once(&format!(": {value}")).unwrap();
            let field = field.rsplit([' ', '{']).next().unwrap();
            let words = name.replace("further_sinks_missed", "missed_by_further_sinks");
            assert!(words.contains(field), "{name} tells {field}");
        }
    }

    #[test]
    fn names_follow_the_rules() {
        let auditor = Auditor::to(Memory::new());
        let mut seen = std::collections::BTreeSet::new();
        for (name, kind, help, value) in
            counters(auditor.counters()).into_iter().chain(health(&auditor))
        {
            assert!(seen.insert(name), "{name} twice");
            assert!(name.starts_with("audit_"));
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert_eq!(matches!(kind, Counter), name.ends_with("_total"), "{name}");
            assert_eq!(matches!(value, Nanos(_)), name.ends_with("_seconds"), "{name}");
            // Anything else would have to be escaped.
            assert!(help.ends_with('.') && !help.contains(['\\', '\n']), "{name}: {help}");
        }
    }

    struct Failing;

    impl Sink for Failing {
        fn write(&mut self, _: &Record) -> Result<(), SinkError> {
            Ok(())
        }

        fn commit(&mut self) -> Result<(), SinkError> {
            Err(SinkError::unavailable("postgres://ann:hunter2@db is gone"))
        }
    }

    #[test]
    fn a_failing_sink_shows_and_its_words_do_not() {
        let auditor = Auditor::to(Failing);
        let before = auditor.prometheus();
        assert_eq!((value(&before, "audit_up"), value(&before, "audit_sink_up")), ("1", "1"));
        assert!(auditor.flush().is_err());
        thread::sleep(Duration::from_millis(20));
        let text = auditor.prometheus();
        assert_eq!((value(&text, "audit_up"), value(&text, "audit_sink_up")), ("1", "0"));
        assert_ne!(value(&text, "audit_sink_failures_total"), "0");
        assert!(!text.contains("hunter2") && !text.contains('{'), "{text}");
        let _ = auditor.close_blocking();
        let closed = auditor.prometheus();
        assert_eq!(value(&closed, "audit_up"), "0");
        assert_eq!(value(&closed, "audit_writer_lag_seconds"), "0.000000000");
    }

    #[test]
    fn a_writer_that_keeps_up_has_no_lag() {
        let auditor = Auditor::to(Memory::new());
        thread::sleep(Duration::from_millis(100));
        auditor.flush().unwrap();
        let lag: f64 = value(&auditor.prometheus(), "audit_writer_lag_seconds").parse().unwrap();
        assert!(lag < 0.09, "{lag}");
        assert_eq!(value(&auditor.prometheus(), "audit_memory_limit_bytes"), "67108864");
    }
}
