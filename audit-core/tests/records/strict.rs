//! Requests that wait for their records, on sinks that work, fail and hang.
#![allow(clippy::unwrap_used)] // A helper that fails fails its test.

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use audit_core::{
    Auditor, AuditorBuilder, Begin, Capture, Exchange, Kind, Question, Record, Refused,
    Reliability, Rule, Sink, sink::SinkError,
};
use serde_json::Value;

use crate::{Request, Response};

const PATIENCE: Duration = Duration::from_secs(10);

/// What a sink does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Works,
    FailsToWrite,
    FailsToSync,
    Refuses,
    Hangs,
    Panics,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    written: Vec<Value>,
    /// So many of them are durable.
    durable: usize,
    syncs: usize,
}

#[derive(Clone, Debug, Default)]
struct Disk(Arc<(Mutex<State>, Condvar)>);

impl Disk {
    fn set(&self, mode: Mode) {
        self.0.0.lock().unwrap().mode = mode;
        self.0.1.notify_all();
    }

    fn records(&self) -> Vec<Value> {
        self.0.0.lock().unwrap().written.clone()
    }

    fn durable(&self) -> Vec<Value> {
        let state = self.0.0.lock().unwrap();
        state.written[..state.durable].to_vec()
    }

    fn syncs(&self) -> usize {
        self.0.0.lock().unwrap().syncs
    }
}

impl Sink for Disk {
    fn write(&mut self, record: &Record) -> Result<(), SinkError> {
        let value = serde_json::to_value(record).unwrap();
        let mut state = self.0.0.lock().unwrap();
        while state.mode == Mode::Hangs {
            state = self.0.1.wait(state).unwrap();
        }
        match state.mode {
            Mode::FailsToWrite => return Err(SinkError::unavailable("full")),
            Mode::Refuses if record.kind() == Kind::Control => {
                return Err(SinkError::refused("never"));
            }
            Mode::Panics => {
                drop(state);
                // Without the hook, which takes its time to tell of it.
                std::panic::resume_unwind(Box::new("a sink that panics"));
            }
            _ => {}
        }
        state.written.push(value);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        let mut state = self.0.0.lock().unwrap();
        if state.mode == Mode::FailsToSync {
            return Err(SinkError::unavailable("no sync"));
        }
        state.durable = state.written.len();
        state.syncs += 1;
        Ok(())
    }
}

fn strict(settings: impl FnOnce(AuditorBuilder) -> AuditorBuilder) -> (Auditor, Disk) {
    let disk = Disk::default();
    let builder = Auditor::builder().reliability(Reliability::Strict);
    (settings(builder).build(disk.clone()).unwrap(), disk)
}

fn get(path: &str) -> Request {
    Request { method: "GET".into(), path: path.into(), ..Default::default() }
}

fn begin(auditor: &Auditor, request: &Request) -> Exchange {
    match auditor.begin(request) {
        Begin::Record(exchange) => exchange,
        other => panic!("{other:?}"),
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Polls until it is ready, only after it has woken the task.
fn wait<T>(mut poll: impl FnMut(&Context<'_>) -> Poll<T>) -> T {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let cx = Context::from_waker(&waker);
    let begun = Instant::now();
    loop {
        let before = woken.0.load(SeqCst);
        if let Poll::Ready(done) = poll(&cx) {
            return done;
        }
        while woken.0.load(SeqCst) == before {
            assert!(begun.elapsed() < PATIENCE, "it is never woken");
            thread::yield_now();
        }
    }
}

fn intent(exchange: &mut Exchange) -> Result<(), Refused> {
    wait(|cx| exchange.poll_intent(cx))
}

fn head(exchange: &mut Exchange, status: u16) -> Result<(), Refused> {
    wait(|cx| exchange.poll_head(cx, status))
}

/// Answers a request in every step, as an adapter does.
fn serve(auditor: &Auditor, request: &Request, status: u16) {
    let mut exchange = begin(auditor, request);
    intent(&mut exchange).unwrap();
    head(&mut exchange, status).unwrap();
    let _watch = exchange.head(&Response(status, Vec::new()));
    exchange.end();
}

/// What there is, in short: the op or the outcome, and the id that it names or has.
fn told(records: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let short = |record: &Value| match record["kind"].as_str() {
        Some("control") => (text(&record["control"]["op"]), text(&record["control"]["record"])),
        _ => (text(&record["outcome"]), text(&record["id"])),
    };
    records.iter().map(short).collect()
}

fn ops(records: &[Value]) -> Vec<String> {
    told(records).into_iter().map(|(what, _)| what).collect()
}

/// The records of requests alone: those of one may come after the intent of the next.
fn requests(disk: &Disk) -> Vec<Value> {
    let mut records = disk.records();
    records.retain(|record| record["kind"] == "request");
    records
}

fn adds_up(auditor: &Auditor) {
    let c = auditor.counters();
    let ended = c.excluded + c.sampled_out + c.discarded + c.accepted + c.dropped;
    assert_eq!((c.started, c.accepted), (ended, c.written + c.in_memory), "{c:?}");
    assert_eq!((c.in_flight, c.in_memory, c.memory_bytes), (0, 0, 0), "{c:?}");
}

#[test]
fn it_is_durable_before_the_request_runs_and_before_it_is_answered() {
    let (auditor, disk) = strict(|s| s.service("shop", "1"));
    let mut request = get("/orders");
    request.query = Some("token=hunter2&page=1".into());
    request.headers.push(("user-agent".into(), b"curl".to_vec(), false));
    let mut exchange = begin(&auditor, &request);
    assert!(exchange.is_strict());
    exchange.context().user("ann");
    assert_eq!(disk.records(), [] as [Value; 0]);
    intent(&mut exchange).unwrap();
    let [written] = &disk.durable()[..] else { panic!("{:?}", disk.durable()) };
    assert_eq!(written["control"]["op"], "intent");
    assert_eq!(written["level"], "info");
    assert_eq!(written["service"]["name"], "shop");
    assert_eq!(written["actor"], serde_json::json!({"user": "ann", "user_agent": "curl"}));
    assert_eq!(written["request"]["query"], "token=[redacted]&page=1");
    assert_eq!(written["masked"][0]["field"], "token");
    assert!(written["request"].get("headers").is_none(), "not asked for");
    let id = written["control"]["record"].as_str().unwrap();
    assert_ne!(written["id"], id);

    head(&mut exchange, 201).unwrap();
    let durable = disk.durable();
    assert_eq!(
        durable[1]["control"],
        serde_json::json!({"op": "head", "record": id, "status": 201})
    );
    let _watch = exchange.head(&Response(201, Vec::new()));
    exchange.data(b"hello", true);
    auditor.flush().unwrap();
    let records = disk.records();
    assert_eq!(ops(&records), ["intent", "head", "completed"]);
    assert_eq!((&records[2]["id"], &records[2]["response"]["size"]), (&id.into(), &5.into()));
    assert_eq!(records[2]["actor"]["user"], "ann");
    adds_up(&auditor);
    auditor.close_blocking().unwrap();
}

#[test]
fn a_buffered_request_does_not_wait() {
    let quick = Rule::new("quick").path("/quick").reliability(Reliability::Buffered);
    let (auditor, disk) = strict(|s| s.rule(quick).exclude_path("/health"));
    disk.set(Mode::Hangs);
    let mut exchange = begin(&auditor, &get("/quick"));
    let cx = Context::from_waker(Waker::noop());
    assert!(!exchange.is_strict());
    assert_eq!(exchange.poll_intent(&cx), Poll::Ready(Ok(())));
    assert_eq!(exchange.poll_head(&cx, 200), Poll::Ready(Ok(())));
    drop(exchange);
    assert!(matches!(auditor.begin(&get("/health")), Begin::Pass(_)));
    disk.set(Mode::Works);
    auditor.close_blocking().unwrap();
    assert_eq!(ops(&disk.records()), ["cancelled"]);
}

#[test]
fn one_rule_that_may_still_match_makes_it_strict() {
    let failed = Rule::new("failed").status(["5xx"]).reliability(Reliability::Strict);
    let disk = Disk::default();
    let auditor = Auditor::builder().rule(failed).build(disk.clone()).unwrap();
    serve(&auditor, &get("/"), 200);
    auditor.close_blocking().unwrap();
    assert_eq!(ops(&disk.records()), ["intent", "head", "completed"]);
    assert_eq!(disk.records()[2]["policy"]["rule"], "default");
}

#[test]
fn what_any_rule_may_mask_is_masked_before_one_decides() {
    let open = Rule::new("open").status(["5xx"]).mask_except(["token"]);
    let closed = Rule::new("closed").mask(["salary"]).capture(Capture::Headers);
    let (auditor, disk) = strict(|s| s.rule(open).rule(closed));
    let mut request = get("/");
    request.query = Some("token=hunter2&salary=100000".into());
    request.headers.push(("x-note".into(), b"hello".to_vec(), false));
    serve(&auditor, &request, 200);
    serve(&auditor, &request, 500);
    auditor.close_blocking().unwrap();
    let (all, ended) = (disk.records(), requests(&disk));
    let query = |record: &Value| record["request"]["query"].as_str().unwrap().to_owned();
    let intents: Vec<_> = all.iter().filter(|r| r["control"]["op"] == "intent").collect();
    assert_eq!(intents.len(), 2);
    for intent in intents {
        assert_eq!(query(intent), "token=[redacted]&salary=[redacted]");
        assert!(intent["request"].get("headers").is_none(), "one of the two does not ask for them");
    }
    assert_eq!(query(&ended[0]), "token=[redacted]&salary=[redacted]");
    assert_eq!(query(&ended[1]), "token=hunter2&salary=100000");
    assert!(ended[0]["request"].get("headers").is_some());
}

#[test]
fn headers_are_in_it_where_all_rules_agree() {
    let (auditor, disk) = strict(|s| s.capture(Capture::Full));
    let mut request = get("/");
    request.headers.push(("authorization".into(), b"Bearer hunter2".to_vec(), false));
    serve(&auditor, &request, 200);
    auditor.close_blocking().unwrap();
    assert_eq!(disk.records()[0]["request"]["headers"]["authorization"][0], "[redacted]");
}

#[test]
fn neither_the_application_nor_a_rule_leaves_it_without_a_record() {
    let (auditor, disk) = strict(|s| {
        s.capture(Capture::Full)
            .rule(Rule::new("none").status(["404"]).capture(Capture::None))
            .rule(Rule::new("few").sample(0.0))
    });
    serve(&auditor, &get("/"), 404);
    serve(&auditor, &get("/"), 200);
    for capture_none in [false, true] {
        let mut exchange = begin(&auditor, &get("/"));
        intent(&mut exchange).unwrap();
        let context = exchange.context();
        context.user("ann");
        if capture_none {
            context.capture(Capture::None)
        } else {
            context.discard()
        };
        head(&mut exchange, 200).unwrap();
        let _watch = exchange.head(&Response(200, Vec::new()));
        exchange.end();
    }
    auditor.close_blocking().unwrap();
    assert_eq!(disk.records().len(), 12);
    let records = requests(&disk);
    let of = |at: usize| (&records[at]["policy"]["capture"], records[at].get("flags"));
    let kept = serde_json::json!(["kept_by_strict"]);
    for at in [0, 2, 3] {
        assert_eq!(of(at), (&"metadata".into(), Some(&kept)), "{at}");
        assert!(records[at].get("actor").is_none(), "what it said is not told");
    }
    assert_eq!(of(1), (&"full".into(), None));
    assert_eq!(records[1]["policy"]["sample_rate"], 1.0);
    adds_up(&auditor);
}

/// Asks in vain, and gives how long that took.
fn asks_in_vain(auditor: &Auditor) -> Duration {
    let begun = Instant::now();
    let mut exchange = begin(auditor, &get("/"));
    assert!(intent(&mut exchange).is_err());
    assert!(exchange.id().is_none(), "it is finished");
    begun.elapsed()
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let limit = Duration::from_millis(100);
    for mode in [Mode::FailsToWrite, Mode::FailsToSync, Mode::Hangs, Mode::Panics] {
        let (auditor, disk) = strict(|s| s.strict_within(limit));
        serve(&auditor, &get("/before"), 200);
        disk.set(mode);
        let took = asks_in_vain(&auditor);
        assert!(took >= limit && took < PATIENCE, "{mode:?}: {took:?}");
        if mode != Mode::Hangs {
            let quick = (0..3).map(|_| asks_in_vain(&auditor)).min().unwrap();
            assert!(quick < limit, "{mode:?}: once it is known to fail, nobody waits: {quick:?}");
        }
        disk.set(Mode::Works);
        // It is found out by itself that it works again.
        let begun = Instant::now();
        while intent(&mut begin(&auditor, &get("/after"))).is_err() {
            assert!(begun.elapsed() < PATIENCE, "{mode:?}");
            thread::sleep(Duration::from_millis(10));
        }
        auditor.close_blocking().unwrap();
        adds_up(&auditor);
        let records = disk.records();
        let refused: Vec<_> = records.iter().filter(|r| r["response"]["status"] == 503).collect();
        assert!(!refused.is_empty(), "{mode:?}");
        for record in refused {
            assert_eq!(record["flags"], serde_json::json!(["intent_unrecorded"]), "{record}");
            assert_eq!((&record["level"], &record["success"]), (&"error".into(), &false.into()));
        }
        each_ends(&records);
    }
}

/// Every intent is followed by the one record it names.
fn each_ends(records: &[Value]) {
    let told = told(records);
    for (at, (what, id)) in told.iter().enumerate() {
        if what == "intent" {
            let ends = |rest: &[(String, String)]| {
                rest.iter().filter(|(op, of)| of == id && op != "intent" && op != "head").count()
            };
            assert_eq!((ends(&told[at..]), ends(&told[..at])), (1, 0), "{id}: {told:?}");
        }
    }
}

#[test]
fn a_flush_that_failed_refuses_nobody_later() {
    let (auditor, disk) = strict(|s| s.strict_within(Duration::from_millis(50)));
    disk.set(Mode::FailsToSync);
    assert!(auditor.flush().is_err());
    disk.set(Mode::Works);
    thread::sleep(Duration::from_millis(100));
    serve(&auditor, &get("/"), 200);
    auditor.close_blocking().unwrap();
}

#[test]
fn buffered_requests_go_on_while_nothing_can_be_made_durable() {
    let quick = Rule::new("quick").path("/quick").reliability(Reliability::Buffered);
    let within = Duration::from_millis(50);
    let (auditor, disk) = strict(|s| s.rule(quick).strict_within(within));
    disk.set(Mode::FailsToSync);
    asks_in_vain(&auditor);
    for _ in 0..100 {
        drop(begin(&auditor, &get("/quick")));
    }
    let begun = Instant::now();
    while auditor.counters().in_memory > 0 {
        assert!(begun.elapsed() < PATIENCE, "{:?}", auditor.counters());
        thread::sleep(Duration::from_millis(1));
    }
    assert!(requests(&disk).len() > 100, "they are written, and the refused one is too");
    asks_in_vain(&auditor);
    disk.set(Mode::Works);
    auditor.close_blocking().unwrap();
    adds_up(&auditor);
}

#[test]
fn it_is_explained() {
    let few = Rule::new("few").path("/few").sample(0.1);
    let none = Rule::new("none").status(["404"]).capture(Capture::None);
    let (auditor, _) = strict(|s| s.rule(few).rule(none).exclude_path("/health"));
    let few = auditor.explain(&Question::new("GET", "/few"));
    assert_eq!((few.reliability, few.sample_rate), (Reliability::Strict, 1.0));
    assert_eq!(few.why, "always recorded: it is strict");
    let none = auditor.explain(&Question::new("GET", "/").status(404));
    assert_eq!((none.capture, none.sample_rate), (Capture::Metadata, 1.0));
    let health = auditor.explain(&Question::new("GET", "/health"));
    assert_eq!(health.sample_rate, 0.0);
    auditor.close_blocking().unwrap();
}

#[test]
fn a_control_record_that_is_refused_refuses_the_request() {
    let (auditor, disk) = strict(|s| s);
    disk.set(Mode::Refuses);
    assert!(asks_in_vain(&auditor) < Duration::from_secs(4), "there is nothing to wait for");
    auditor.close_blocking().unwrap();
    adds_up(&auditor);
}

#[test]
fn a_head_that_cannot_be_recorded_is_not_sent() {
    let (auditor, disk) = strict(|s| s.strict_within(Duration::from_millis(100)));
    let mut exchange = begin(&auditor, &get("/"));
    intent(&mut exchange).unwrap();
    disk.set(Mode::FailsToSync);
    assert!(head(&mut exchange, 200).is_err());
    disk.set(Mode::Works);
    auditor.close_blocking().unwrap();
    let records = disk.records();
    let record = records.iter().find(|record| record["kind"] == "request").unwrap();
    assert_eq!(record["response"]["status"], 503);
    assert_eq!(record["flags"], serde_json::json!(["head_unrecorded"]));
    each_ends(&records);
    adds_up(&auditor);
}

#[test]
fn dropped_while_it_waits() {
    let (auditor, disk) = strict(|s| s);
    let cx = Context::from_waker(Waker::noop());
    disk.set(Mode::Hangs);
    // Never polled, while its intent waits, while its head waits.
    drop(begin(&auditor, &get("/unpolled")));
    let mut waits = begin(&auditor, &get("/intent"));
    assert!(waits.poll_intent(&cx).is_pending());
    drop(waits);
    disk.set(Mode::Works);
    let mut waits = begin(&auditor, &get("/head"));
    intent(&mut waits).unwrap();
    disk.set(Mode::Hangs);
    assert!(waits.poll_head(&cx, 200).is_pending());
    drop(waits);
    disk.set(Mode::Works);
    auditor.close_blocking().unwrap();
    let records = disk.records();
    let ended: Vec<_> = records.iter().filter(|record| record["kind"] == "request").collect();
    assert_eq!(ended.len(), 3, "{records:?}");
    assert!(ended.iter().all(|record| record["outcome"] == "cancelled"), "{ended:?}");
    assert!(ended.iter().all(|record| record["error"]["phase"] == "handler"), "{ended:?}");
    each_ends(&records);
    adds_up(&auditor);
}

#[test]
fn those_that_wait_at_once_share_a_sync() {
    let (auditor, disk) = strict(|s| s);
    disk.set(Mode::Hangs);
    let cx = Context::from_waker(Waker::noop());
    let mut all: Vec<_> = (0..64).map(|_| begin(&auditor, &get("/"))).collect();
    // The first may be in the sink's hands already, the others wait for it.
    all.iter_mut().for_each(|exchange| assert!(exchange.poll_intent(&cx).is_pending()));
    disk.set(Mode::Works);
    all.iter_mut().for_each(|exchange| intent(exchange).unwrap());
    assert!(disk.syncs() <= 3, "{}", disk.syncs());
    drop(all);
    auditor.close_blocking().unwrap();
    adds_up(&auditor);
}

#[test]
fn ends_never_come_before_their_intents() {
    let (auditor, disk) = strict(|s| s);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let auditor = auditor.clone();
            thread::spawn(move || {
                let cx = Context::from_waker(Waker::noop());
                for n in 0..500 {
                    let mut exchange = begin(&auditor, &get("/"));
                    let _ = exchange.poll_intent(&cx);
                    if n % 8 == 0 && intent(&mut exchange).is_ok() {
                        let _ = exchange.poll_head(&cx, 200);
                    }
                    // And on another thread's shard, too.
                    if n % 16 == 1 {
                        thread::spawn(move || drop(exchange)).join().unwrap();
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    auditor.close_blocking().unwrap();
    let records = disk.records();
    assert_eq!(records.iter().filter(|record| record["kind"] == "request").count(), 4_000);
    each_ends(&records);
    adds_up(&auditor);
}

#[test]
fn without_memory_it_is_refused_and_what_was_promised_is_kept() {
    let (auditor, disk) = strict(|s| s.memory(1 << 20));
    let mut promised = begin(&auditor, &get("/promised"));
    intent(&mut promised).unwrap();
    let mut held = Vec::new();
    let refused = loop {
        match auditor.begin(&get("/")) {
            Begin::Record(exchange) => held.push(exchange),
            other => break other,
        }
    };
    assert!(matches!(refused, Begin::Refuse(Some(_))), "{refused:?}");
    // Its record is much longer than what was reserved for it.
    for key in ["a", "b"] {
        promised.context().metadata(key, "x".repeat(7_000));
    }
    drop(promised);
    drop(held);
    auditor.close_blocking().unwrap();
    let records = disk.records();
    let is = |record: &&Value| record["request"]["path"] == "/promised";
    let promised = records.iter().rfind(is).unwrap();
    assert_eq!(promised["metadata"]["a"].as_str().unwrap().len(), 7_000);
    assert_eq!(auditor.counters().dropped, 1);
    adds_up(&auditor);
}

#[test]
fn a_closed_auditor_refuses() {
    let (auditor, disk) = strict(|s| s);
    let mut runs = begin(&auditor, &get("/"));
    intent(&mut runs).unwrap();
    auditor.close_blocking().unwrap();
    assert!(head(&mut runs, 200).is_err());
    assert!(asks_in_vain(&auditor) < Duration::from_secs(4), "there is nobody to wait for");
    assert_eq!(ops(&disk.records()), ["intent"]);
    let counters = auditor.counters();
    assert_eq!((counters.started, counters.dropped, counters.memory_bytes), (2, 2, 0));
}
