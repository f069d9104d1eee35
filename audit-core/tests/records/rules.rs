//! What rules leave of requests, and what becomes of it when the settings are replaced.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use audit_core::{
    Auditor, Begin, BodyAction, Capture, Question, Rule, Settings, sink::Memory, testing,
};
use serde_json::Value;

use crate::{Request, Response};

fn request(path: &str) -> Request {
    let json = ("content-type".to_owned(), b"application/json".to_vec(), false);
    Request { method: "POST".into(), path: path.into(), headers: vec![json], ..Default::default() }
}

/// Sends a request with a body and answers it with another.
fn serve(auditor: &Auditor, path: &str, status: u16) {
    let Begin::Record(mut exchange) = auditor.begin(&request(path)) else { return };
    if let Some(tee) = exchange.tee() {
        tee.data(br#"{"item":"tea","email":"a@example.com"}"#, true);
    }
    let json = ("content-type".to_owned(), b"application/json".to_vec(), false);
    if exchange.head(&Response(status, vec![json])) == BodyAction::Watch {
        exchange.data(br#"{"ok":true}"#, true);
    }
}

fn values(memory: &Memory) -> Vec<Value> {
    let records = memory.records();
    records.iter().map(|record| serde_json::to_value(record).expect("JSON")).collect()
}

#[test]
fn bodies_only_of_errors() {
    let memory = Memory::new();
    let auditor = Auditor::builder()
        .rule(Rule::new("quiet").path("/quiet/**").capture(Capture::None))
        .rule(
            Rule::new("failed")
                .path("/orders/**")
                .status(["4xx", "5xx"])
                .capture(Capture::Full)
                .mask(["email"])
                .body_limit(30),
        )
        .build(memory.clone())
        .unwrap();
    serve(&auditor, "/orders/1", 200);
    serve(&auditor, "/orders/2", 503);
    serve(&auditor, "/quiet", 200);
    auditor.close_blocking().unwrap();
    let [fine, failed] = &values(&memory)[..] else { panic!("{:?}", memory.records()) };
    assert_eq!(fine["policy"]["rule"], "default");
    assert_eq!(fine["policy"]["capture"], "metadata");
    assert!(fine["request"].get("body").is_none() && fine["request"].get("capture").is_none());
    assert_eq!(failed["policy"]["rule"], "failed");
    assert_eq!(failed["request"]["capture"]["state"], "truncated");
    assert_eq!(failed["response"]["body"]["ok"], true);
    testing::assert_no_leak(&memory.records(), "a@example.com");
    let counters = auditor.counters();
    assert_eq!((counters.excluded, counters.written, counters.memory_bytes), (1, 2, 0));
}

#[test]
fn a_share_is_sampled_and_errors_are_kept() {
    let memory = Memory::with_most(10_000);
    let rule = Rule::new("reads").sample(0.25);
    let auditor = Auditor::builder().rule(rule).build(memory.clone()).unwrap();
    for at in 0..4_000 {
        serve(&auditor, "/", if at % 40 == 0 { 404 } else { 200 });
    }
    auditor.close_blocking().unwrap();
    let mut rates = BTreeMap::new();
    for record in values(&memory) {
        let rate = record["policy"]["sample_rate"].as_f64().unwrap();
        let kept = record["response"]["status"] == 404;
        assert_eq!(rate, if kept { 1.0 } else { 0.25 });
        *rates.entry(kept).or_insert(0) += 1;
    }
    assert_eq!(rates[&true], 100);
    // Of 3,900 a quarter: 975, and eight standard deviations of 27.
    assert!((759..=1191).contains(&rates[&false]), "{rates:?}");
    let counters = auditor.counters();
    assert_eq!(counters.sampled_out + counters.written, 4_000);
}

#[test]
fn a_thousand_reloads_under_load_lose_nothing_and_mix_nothing() {
    const THREADS: usize = 2;
    let memory = Memory::with_most(2_000_000);
    let settings = |name: &str, capture, field: &str| {
        let rule = Rule::new(name).capture(capture).mask([field]);
        let mut settings = Settings::default();
        settings.rules.push(rule);
        settings
    };
    let of = [settings("one", Capture::Full, "item"), settings("two", Capture::Request, "email")];
    let auditor = Auditor::builder().settings(of[0].clone()).build(memory.clone()).unwrap();
    let stop = AtomicBool::new(false);
    let served = thread::scope(|scope| {
        let mut servers = Vec::new();
        for _ in 0..THREADS {
            servers.push(scope.spawn(|| {
                let mut served = 0_u64;
                while !stop.load(Relaxed) {
                    serve(&auditor, "/", 200);
                    served += 1;
                    thread::yield_now();
                    // Far ahead of a writer that gets no processor, records are without bodies.
                    while served > auditor.counters().written + 1_000 {
                        thread::yield_now();
                    }
                }
                served
            }));
        }
        for at in 0..1_000 {
            let result = match at % 5 {
                4 => auditor.reload(Err("no such file")),
                _ => auditor.reload(Ok::<_, &str>(of[at % 2].clone())),
            };
            assert_eq!(result.is_err(), at % 5 == 4);
            thread::yield_now();
        }
        stop.store(true, Relaxed);
        servers.into_iter().map(|server| server.join().unwrap()).sum::<u64>()
    });
    auditor.close_blocking().unwrap();
    let counters = auditor.counters();
    assert_eq!((counters.written, counters.dropped), (served, 0));
    let (mut told, mut refused) = (0, 0);
    for record in values(&memory) {
        if record["kind"] == "control" {
            assert_eq!(record["control"]["op"], "config_change");
            told += 1;
            refused += usize::from(record["control"]["result"] == "refused");
            continue;
        }
        let body = &record["request"]["body"];
        let (capture, item, email) = match record["policy"]["rule"].as_str() {
            Some("one") => ("full", "[redacted]", "a@example.com"),
            Some("two") => ("request", "tea", "[redacted]"),
            other => panic!("no policy of this name: {other:?}"),
        };
        assert_eq!(record["policy"]["capture"], capture);
        assert_eq!((body["item"].as_str(), body["email"].as_str()), (Some(item), Some(email)));
    }
    assert_eq!((told, refused), (1_000, 200));
}

#[test]
fn what_is_explained_is_what_happens() {
    let memory = Memory::new();
    let auditor = Auditor::builder()
        .exclude_path("/health")
        .rule(Rule::new("failed").path("/orders/**").status(["5xx"]).capture(Capture::Full))
        .rule(Rule::new("orders").path("/orders/**").mask(["email"]))
        .build(memory.clone())
        .unwrap();
    let ask = |path, status| auditor.explain(&Question::new("POST", path).status(status));
    let excluded = ask("/health", 200);
    assert_eq!(excluded.why, "no record: excluded by exclude.paths `/health`");
    let explained = ask("/orders/1", 200);
    assert_eq!((&*explained.rule, explained.capture), ("orders", Capture::Metadata));
    assert_eq!(explained.gathered, Capture::Full);
    assert_eq!(explained.rules[0].conditions, ["status is 5xx"]);
    assert_eq!(explained.rules[1].conditions, ["path matches /orders/**"]);
    assert_eq!(explained.masks, [("email".to_owned(), "redact")]);
    for (path, status) in [("/orders/1", 200), ("/orders/1", 500), ("/", 404)] {
        serve(&auditor, path, status);
    }
    auditor.close_blocking().unwrap();
    let rules: Vec<_> = values(&memory).iter().map(|r| r["policy"]["rule"].clone()).collect();
    let explained = [ask("/orders/1", 200), ask("/orders/1", 500), ask("/", 404)];
    assert_eq!(rules, explained.map(|e| e.rule));
}
