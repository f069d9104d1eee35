//! What `explain` says of a request, beside what becomes of that request.
#![allow(clippy::unwrap_used)] // A helper that fails fails its test.

use std::time::Duration;

use audit_core::{
    Auditor, Begin, BodyAction, Capture, Exchange, Explanation, Outcome, Question, Reliability,
    Rule, Settings, sink::Memory,
};
use proptest::{
    collection::vec,
    option::{of, weighted},
    prelude::*,
    sample::{select, subsequence},
};
use serde_json::Value;

use crate::{Request, Response};

const METHODS: &[&str] = &["GET", "HEAD", "POST", "OPTIONS", "CONNECT", "get", "PURGE", "M-SEARCH"];
const ROUTES: &[&str] = &["/a", "/a/{id}", "/{*rest}"];
const USERS: &[&str] = &["ann", "bob", "7"];
const TENANTS: &[&str] = &["acme", "umbrella"];
const STATUSES: &[u16] =
    &[100, 101, 102, 199, 200, 201, 204, 302, 304, 400, 404, 499, 500, 503, 599, 600, 999];
const RANGES: &[&str] =
    &["1xx", "2xx", "3xx", "4xx", "5xx", "404", "500-503", "101", "204", "600-999"];
const NEVER: Duration = Duration::from_secs(3600);

fn path() -> impl Strategy<Value = String> {
    let segment = select(vec![
        "a", "b", "ab", "", ".", "..", "%2e", "%2E%2e", "%61", "a%2Fb", "a%5Cb", "a\\b", "a;x=1",
        "é", "%C3%A9", "%", "%zz", "%00", "a.css", "a.CSS", ".css", "css", "*", "**", "{id}", " ",
    ]);
    let many = vec(segment, 0..5).prop_map(|segments| format!("/{}", segments.join("/")));
    let fixed = select(vec!["*", "", "a", "http://a/b", "example.com:443"]).prop_map(str::to_owned);
    let long = (1..5000_usize).prop_map(|length| format!("/a/{}", "b".repeat(length)));
    prop_oneof![12 => many, 1 => fixed, 1 => long]
}

fn glob() -> impl Strategy<Value = String> {
    let segment = select(vec![
        "a", "b", "ab", "*", "**", "a*", "*b", "*.css", "a.css", "", "..", "%61", "é", "a%2Fb",
        "{id}",
    ]);
    vec(segment, 0..4).prop_map(|segments| format!("/{}", segments.join("/")))
}

fn some(all: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![2 => Just(Vec::new()), 1 => subsequence(all, 1..=all.len().min(3))]
}

fn rule() -> impl Strategy<Value = Rule> {
    let head = (some(METHODS), of(glob()), weighted(0.2, select(ROUTES)));
    let end = (
        some(RANGES),
        weighted(0.2, subsequence(Outcome::ALL, 1..4)),
        weighted(0.2, select(vec![Duration::ZERO, NEVER])),
        weighted(0.2, select(vec![0_u64, 7, 8])),
        some(USERS),
        some(TENANTS),
    );
    let says = (
        of(select(Capture::ALL)),
        weighted(0.1, select(Reliability::ALL)),
        weighted(0.4, select(vec![0.0, -0.0, 0.5, 1.0])),
        of(any::<bool>()),
        weighted(0.2, select(vec![Duration::ZERO, NEVER])),
        some(&["salary", "note"]),
    );
    (head, end, says).prop_map(|(head, end, says)| {
        let (methods, path, route) = head;
        let (status, outcomes, duration, size, user, tenant) = end;
        let mut rule = Rule::new("").methods(methods).status(status).user(user).tenant(tenant);
        rule = path.into_iter().fold(rule, Rule::path);
        rule = route.into_iter().fold(rule, Rule::route);
        rule = outcomes.into_iter().fold(rule, Rule::outcome);
        rule = duration.into_iter().fold(rule, Rule::min_duration);
        rule = size.into_iter().fold(rule, Rule::min_size);
        let (capture, reliability, sample, keep_errors, slow, mask) = says;
        rule = capture.into_iter().fold(rule, Rule::capture);
        rule = reliability.into_iter().fold(rule, Rule::reliability);
        rule = sample.into_iter().fold(rule, Rule::sample);
        rule = keep_errors.into_iter().fold(rule, Rule::keep_errors);
        rule = slow.into_iter().fold(rule, Rule::slow);
        if mask.is_empty() { rule } else { rule.mask(mask) }
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let exclude = (vec(glob(), 0..2), some(&["css", "b"]), some(&["OPTIONS", "get", "PURGE"]));
    let strict = proptest::bool::weighted(0.05);
    (vec(rule(), 0..4), exclude, select(Capture::ALL), strict).prop_map(
        |(rules, exclude, capture, strict)| {
            let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
            let mut settings = Settings::default();
            settings.rules = rules;
            settings.auditor.capture = capture;
            if strict {
                settings.auditor.reliability = Reliability::Strict;
            }
            settings.exclude.paths = exclude.0;
            settings.exclude.extensions = owned(exclude.1);
            settings.exclude.methods = owned(exclude.2);
            settings
        },
    )
}

/// A request, and how it ends.
#[derive(Clone, Debug)]
struct Case {
    method: &'static str,
    path: String,
    route: Option<&'static str>,
    status: u16,
    end: End,
    user: Option<(bool, &'static str)>,
    tenant: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Completed,
    Fails,
    Dropped,
    DroppedBeforeHead,
    NoResponse,
    Panics,
    PanicsInBody,
}

fn case() -> impl Strategy<Value = Case> {
    let end = select(vec![
        End::Completed,
        End::Completed,
        End::Completed,
        End::Fails,
        End::Dropped,
        End::DroppedBeforeHead,
        End::NoResponse,
        End::Panics,
        End::PanicsInBody,
    ]);
    let who = (of((any::<bool>(), select(USERS))), of(select(TENANTS)));
    let head = (select(METHODS), path(), of(select(ROUTES)), select(STATUSES));
    (head, end, who).prop_map(|((method, path, route, status), end, (user, tenant))| Case {
        method,
        path,
        route,
        status,
        end,
        user,
        tenant,
    })
}

const REQUEST: &[u8] = b"{\"a\":1}";

impl Case {
    /// What there is to ask, once a record tells how it ended.
    fn question(&self, ended: &Value) -> Question {
        let outcome = ended["outcome"].as_str().unwrap().parse().unwrap();
        let mut question = Question::new(self.method, &self.path).outcome(outcome);
        question = self.route.into_iter().fold(question, Question::route);
        question = self.user.into_iter().fold(question, |question, (_, user)| question.user(user));
        question = self.tenant.into_iter().fold(question, Question::tenant);
        question = question.size(REQUEST.len() as u64);
        match ended["response"]["status"].as_u64() {
            Some(status) => question.status(status.try_into().unwrap()),
            None => question,
        }
    }

    fn send(&self, auditor: &Auditor) -> bool {
        let json = ("content-type".to_owned(), b"application/json".to_vec(), false);
        let request = Request {
            method: self.method.into(),
            path: self.path.clone(),
            route: self.route.map(str::to_owned),
            // What is not declared is counted only where the body is recorded.
            headers: vec![json.clone(), ("content-length".to_owned(), b"7".to_vec(), false)],
            ..Default::default()
        };
        let Begin::Record(mut exchange) = auditor.begin(&request) else { return false };
        match self.user {
            Some((true, id)) => _ = exchange.context().user_id(id),
            Some((false, name)) => _ = exchange.context().user(name),
            None => {}
        }
        self.tenant.into_iter().for_each(|tenant| _ = exchange.context().tenant(tenant));
        if let Some(tee) = exchange.tee() {
            tee.data(REQUEST, true);
        }
        let strict = exchange.is_strict();
        self.end(exchange, json);
        strict
    }

    fn end(&self, mut exchange: Exchange, json: (String, Vec<u8>, bool)) {
        match self.end {
            End::DroppedBeforeHead => return,
            End::NoResponse => return exchange.service_error(Some(&"gone")),
            End::Panics => {
                _ = exchange.run(|| std::panic::resume_unwind(Box::new("oh")));
                return;
            }
            _ => {}
        }
        if exchange.head(&Response(self.status, vec![json])) != BodyAction::Watch {
            return;
        }
        exchange.data(b"{}", false);
        match self.end {
            End::Fails => exchange.body_error(&"torn"),
            End::PanicsInBody => _ = exchange.run(|| std::panic::resume_unwind(Box::new("oh"))),
            End::Dropped => {}
            _ => exchange.end(),
        }
    }
}

/// What the record says that was made of it; `strict`: it was to wait.
fn same(said: &Explanation, record: &Value, strict: bool) -> Result<(), TestCaseError> {
    let policy = &record["policy"];
    prop_assert_eq!(&said.excluded, &None);
    prop_assert_eq!(&policy["rule"], &Value::from(&*said.rule));
    prop_assert_eq!(&policy["capture"], &Value::from(said.capture.as_str()));
    prop_assert_eq!(policy["sample_rate"].as_f64(), Some(said.sample_rate), "{}", said.why);
    prop_assert_eq!(said.reliability == Reliability::Strict, strict);
    let [before @ .., last] = &said.rules[..] else { panic!("no rule was tried") };
    prop_assert!(last.decides && last.name == said.rule);
    prop_assert!(before.iter().all(|tried| !tried.decides && !tried.conditions.is_empty()));
    let headers = record["request"].get("headers").is_some();
    prop_assert_eq!(headers, said.capture >= Capture::Headers);
    let captured = |side: &str| record[side].get("capture").is_some();
    prop_assert_eq!(captured("request"), said.capture >= Capture::Request);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_says_what_becomes_of_a_request(settings in settings(), cases in vec(case(), 1..12)) {
        let (memory, all) = (Memory::new(), Memory::new());
        let auditor = Auditor::builder().settings(settings).build(memory.clone()).unwrap();
        // It records everything, so that it tells how each ends.
        let other = Auditor::to(all.clone());
        for case in &cases {
            case.send(&other);
            other.flush().unwrap();
            let ended = serde_json::to_value(all.records().pop().unwrap()).unwrap();
            let before = auditor.counters();
            let strict = case.send(&auditor);
            auditor.flush().unwrap();
            let after = auditor.counters();
            let records = memory.records();
            memory.clear();
            all.clear();
            let said = auditor.explain(&case.question(&ended));
            prop_assert!(records.len() <= 1);
            if let Some(record) = records.first() {
                same(&said, &serde_json::to_value(record).unwrap(), strict)?;
            } else if after.sampled_out > before.sampled_out {
                prop_assert!(said.excluded.is_none() && said.sample_rate < 1.0, "{:?}", said);
                prop_assert!(said.capture > Capture::None, "{:?}", said);
            } else {
                prop_assert!(after.excluded > before.excluded);
                prop_assert!(said.excluded.is_some() || said.capture == Capture::None, "{:?}", said);
                prop_assert_eq!(said.sample_rate, 0.0);
            }
        }
        auditor.close_blocking().unwrap();
    }

    #[cfg(feature = "config")]
    #[test]
    fn what_lint_calls_never_reached_decides_on_no_request(
        settings in settings(),
        cases in vec(case(), 50),
    ) {
        let auditor = Auditor::builder().settings(settings.clone()).build(Memory::new()).unwrap();
        let warnings = audit_core::settings::Reading::over(settings).lint().unwrap();
        let never = |rule: &str| {
            let of = |w: &&audit_core::settings::Warning| w.key() == format!("rule.{rule}");
            let is = |why: &str| why.contains("never reached") || why.contains("decides on no");
            warnings.iter().filter(of).any(|warning| is(warning.why()))
        };
        let all = Memory::new();
        let other = Auditor::to(all.clone());
        for case in &cases {
            case.send(&other);
        }
        other.flush().unwrap();
        for (case, ended) in cases.iter().zip(all.records()) {
            let ended = serde_json::to_value(ended).unwrap();
            let said = auditor.explain(&case.question(&ended));
            if said.excluded.is_none() {
                prop_assert!(!never(&said.rule), "{}: {:?} {:?}", said.rule, case, warnings);
            }
        }
    }
}
