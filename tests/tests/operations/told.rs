//! The auditor tells of its own faults: once when something changes, nothing of any record.

use std::{
    fmt,
    fs::OpenOptions,
    io::Write as _,
    path::Path,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use audit_core::{Kind, Record};
use audit_tests::app::{audited, request, send};
use audit_tower::{
    Auditor, Reliability,
    sink::{Callback, Memory, Sink, SinkError},
};
use audit_trail::Trail;
use tower::Service as _;
use tracing::{Event, Level, Metadata, Subscriber, field::Visit};
use tracing_subscriber::{
    layer::{Context, Filter, Layer, SubscriberExt as _},
    registry::Registry,
};

/// Marks an event of ours that routing by target would not find.
const OTHER_TARGET: &str = "(under another target)";
/// What a client sent; in no event.
const SECRET: &str = "hunter2";

static TOLD: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());
/// Whether the target is routed to the collector.
static ROUTED: AtomicBool = AtomicBool::new(true);

fn told() -> MutexGuard<'static, Vec<(Level, String)>> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Collect;

impl<S: Subscriber> Layer<S> for Collect {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
                self.0 += &format!("{}={value:?} ", field.name());
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        if event.metadata().target() != "audit" {
            text.0 += OTHER_TARGET;
        }
        told().push((*event.metadata().level(), text.0));
    }
}

/// As `RUST_LOG=audit=trace` or `audit=off`.
struct Routed;

impl<S> Filter<S> for Routed {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        let ours = metadata.module_path().is_some_and(|path| path.starts_with("audit"));
        ours && (ROUTED.load(Relaxed) || metadata.target() != "audit")
    }

    fn callsite_enabled(&self, _: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        tracing::subscriber::Interest::sometimes()
    }
}

/// One test at a time: the events come from the auditor's own threads, so the subscriber is one
/// for the process.
fn alone() -> MutexGuard<'static, ()> {
    static SUBSCRIBER: LazyLock<()> = LazyLock::new(|| {
        let collect = Registry::default().with(Collect.with_filter(Routed));
        tracing::subscriber::set_global_default(collect).unwrap();
    });
    static ONE: Mutex<()> = Mutex::new(());
    let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    LazyLock::force(&SUBSCRIBER);
    ROUTED.store(true, Relaxed);
    told().clear();
    one
}

/// The events since `alone`: as many as `expected`, each of this level and with these words.
#[track_caller]
fn assert_told(expected: &[(Level, &str)]) {
    let told = told();
    let fits = |((level, text), (wanted, words)): (&(Level, String), &(Level, &str))| {
        level == wanted && text.contains(words)
    };
    let all = told.len() == expected.len() && told.iter().zip(expected).all(fits);
    assert!(all, "told: {told:#?}, expected: {expected:#?}");
    for unwanted in [SECRET, OTHER_TARGET] {
        assert!(!told.iter().any(|(_, text)| text.contains(unwanted)), "{told:#?}");
    }
}

fn requests(auditor: &Auditor, count: usize) {
    let mut app = audited(auditor);
    for _ in 0..count {
        send(&mut app, request(&format!("/small?name={SECRET}")));
    }
}

fn wait_for(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(20), "in time; told: {:#?}", told());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Fails as long as it is told to, in other words each time; or refuses what is of a request.
#[derive(Clone, Default)]
struct Moody {
    failing: Arc<AtomicBool>,
    refusing: Arc<AtomicBool>,
    tries: Arc<AtomicUsize>,
}

impl Sink for Moody {
    fn write(&mut self, record: &Record) -> Result<(), SinkError> {
        if self.refusing.load(Relaxed) && record.kind() == Kind::Request {
            return Err(SinkError::refused(format!("cannot take {}", record.to_json())));
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), SinkError> {
        if self.failing.load(Relaxed) {
            let tries = self.tries.fetch_add(1, Relaxed);
            return Err(SinkError::unavailable(format!("no space, {tries}")));
        }
        Ok(())
    }
}

#[test]
fn a_sink_that_fails_is_told_once_and_once_when_it_is_back() {
    let _alone = alone();
    let sink = Moody::default();
    let auditor = Auditor::to(sink.clone());
    requests(&auditor, 3);
    auditor.flush().unwrap();
    assert_told(&[]);
    for _ in 0..2 {
        told().clear();
        let before = sink.tries.load(Relaxed);
        sink.failing.store(true, Relaxed);
        requests(&auditor, 3);
        wait_for(|| sink.tries.load(Relaxed) > before + 4);
        assert_told(&[(Level::ERROR, "no space")]);
        sink.failing.store(false, Relaxed);
        auditor.flush().unwrap();
        assert_told(&[(Level::ERROR, "no space"), (Level::INFO, "takes records again")]);
    }
    auditor.close_blocking().unwrap();
    assert_eq!(told().len(), 2);
}

#[test]
fn records_that_are_refused_are_told_as_one_loss_and_not_quoted() {
    let _alone = alone();
    let sink = Moody::default();
    let auditor = Auditor::to(sink.clone());
    for _ in 0..20 {
        // One refused, one taken, as a client could have it by what it sends.
        for refusing in [true, false] {
            sink.refusing.store(refusing, Relaxed);
            requests(&auditor, 1);
            auditor.flush().unwrap();
        }
    }
    assert_told(&[(Level::ERROR, "the sink refuses them")]);
    auditor.close_blocking().unwrap();
    assert_told(&[(Level::ERROR, "refuses them"), (Level::INFO, "refuses no more")]);
    assert!(told()[1].1.contains("count=20 "), "{:?}", told());
    assert_eq!(auditor.counters().dropped, 20);
}

#[test]
fn records_lost_for_want_of_memory_are_told_while_the_sink_still_fails() {
    let _alone = alone();
    let sink = Moody::default();
    sink.failing.store(true, Relaxed);
    let auditor = Auditor::builder().memory(1024 * 1024).build(sink.clone()).unwrap();
    while auditor.counters().dropped < 1000 {
        requests(&auditor, 100);
    }
    wait_for(|| told().len() >= 2);
    assert_told(&[(Level::ERROR, "no space"), (Level::ERROR, "the memory budget is used up")]);
    sink.failing.store(false, Relaxed);
    auditor.close_blocking().unwrap();
    let dropped = format!("count={} ", auditor.counters().dropped);
    assert_told(&[
        (Level::ERROR, "no space"),
        (Level::ERROR, "the memory budget is used up"),
        (Level::INFO, "takes records again"),
        (Level::INFO, &dropped),
    ]);
}

#[test]
fn what_a_close_leaves_behind_is_told_once() {
    let _alone = alone();
    struct Unclosable;
    impl Sink for Unclosable {
        fn write(&mut self, _: &Record) -> Result<(), SinkError> {
            Ok(())
        }
        fn commit(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
        fn close(&mut self) -> Result<(), SinkError> {
            Err(SinkError::unavailable("the disk is gone"))
        }
    }
    let auditor = Auditor::to(Unclosable);
    requests(&auditor, 1);
    drop(auditor.guard());
    assert_told(&[(Level::ERROR, "the disk is gone")]);
}

#[test]
fn a_further_sink_that_panics_or_fails_is_told_once() {
    let _alone = alone();
    let moody = Moody::default();
    moody.failing.store(true, Relaxed);
    let auditor = Auditor::builder()
        .also(Callback::new(|record: &Record| {
            std::panic::resume_unwind(Box::new(record.to_json()))
        }))
        .also(moody.clone())
        .build(Memory::new())
        .unwrap();
    for _ in 0..5 {
        requests(&auditor, 2);
        auditor.flush().unwrap();
    }
    moody.failing.store(false, Relaxed);
    requests(&auditor, 1);
    auditor.flush().unwrap();
    auditor.close_blocking().unwrap();
    // Of two sinks on two threads: in any order.
    told().sort_by(|a, b| a.1.cmp(&b.1));
    assert_told(&[
        (Level::INFO, "a further sink refuses no more"),
        (Level::ERROR, "a further sink refuses records"),
        (Level::INFO, "a further sink works again"),
        (Level::ERROR, "a further sink: "),
    ]);
    assert!(told()[0].1.contains("count=11 "), "{:?}", told());
}

fn segment(root: &Path) -> std::path::PathBuf {
    root.join("00").join(format!("{:020}.jsonl", 0))
}

#[test]
fn what_a_trail_repairs_is_told_once() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("audit");
    let auditor = Auditor::to(Trail::open(&root).unwrap());
    requests(&auditor, 1);
    auditor.close_blocking().unwrap();
    assert_told(&[(Level::INFO, "a key was made that signs the trail")]);
    told().clear();

    // A crash in the middle of a line.
    let torn = format!("{{\"seq\":9,\"kind\":\"request\",\"{SECRET}");
    let append = |text: &str| {
        let mut file = OpenOptions::new().append(true).open(segment(&root)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    append(&torn);
    let auditor = Auditor::to(Trail::open(&root).unwrap());
    assert_told(&[(Level::ERROR, "the trail was repaired")]);

    // Somebody else writes to it, and then removes it.
    told().clear();
    append(&torn);
    requests(&auditor, 1);
    auditor.flush().unwrap();
    assert_told(&[(Level::ERROR, "something else appended")]);
    std::fs::remove_file(segment(&root)).unwrap();
    requests(&auditor, 1);
    auditor.flush().unwrap();
    assert_told(&[(Level::ERROR, "something else appended"), (Level::ERROR, "was removed")]);
    auditor.close_blocking().unwrap();
    assert_eq!(told().len(), 2);

    // A process that ends without closing it.
    told().clear();
    drop(Trail::open(&root).unwrap());
    assert_told(&[]);
    drop(Trail::open(&root).unwrap());
    assert_told(&[(Level::WARN, "did not close")]);
}

#[test]
fn silence_silences_no_record() {
    let _alone = alone();
    ROUTED.store(false, Relaxed);
    let memory = Memory::new();
    let sink = Moody::default();
    sink.failing.store(true, Relaxed);
    let auditor = Auditor::builder().also(memory.clone()).build(sink.clone()).unwrap();
    requests(&auditor, 10);
    wait_for(|| sink.tries.load(Relaxed) > 0);
    sink.failing.store(false, Relaxed);
    auditor.close_blocking().unwrap();
    assert_told(&[]);
    assert_eq!((memory.records().len(), auditor.counters().written), (10, 10));
}

#[test]
fn refused_strict_requests_are_told_of_once() {
    let _one = alone();
    let sink = Moody::default();
    sink.failing.store(true, Relaxed);
    let auditor = Auditor::builder()
        .reliability(Reliability::Strict)
        .strict_within(Duration::from_millis(30))
        .build(sink.clone())
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for _ in 0..5 {
        let answer = audited(&auditor).call(request(&format!("/small?name={SECRET}")));
        assert_eq!(runtime.block_on(answer).unwrap().status(), 503);
    }
    wait_for(|| told().len() == 2);
    sink.failing.store(false, Relaxed);
    auditor.close_blocking().unwrap();
    assert_told(&[
        (Level::ERROR, "the sink is unavailable: no space, 0; it is tried again"),
        (Level::ERROR, "strict requests are refused"),
        (Level::INFO, "the sink takes records again"),
        (Level::INFO, "no more strict requests are refused"),
    ]);
    assert!(told()[3].1.contains("count=5 "), "{:?}", told());
}
