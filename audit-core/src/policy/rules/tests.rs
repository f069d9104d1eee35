use std::time::Duration;

use super::*;
use crate::{
    Rule, Settings,
    settings::{Code, compile},
};

fn rules(rules: impl IntoIterator<Item = Rule>) -> Rules {
    let settings = Settings { rules: rules.into_iter().collect(), ..Settings::default() };
    compile(&settings, &Code::default()).unwrap().rules
}

const ENDED: Facts<'_> = Facts {
    route: None,
    status: Some(200),
    outcome: Outcome::Completed,
    nanos: 0,
    size: 0,
    user: None,
    user_id: None,
    tenant: None,
};

/// The name of the rule that decides on a request.
fn decides<'r>(rules: &'r Rules, method: &str, path: &str, facts: Facts<'_>) -> &'r str {
    let head = rules.at_head(method, path, None);
    &rules.get(rules.at_end(head.candidates, &facts)).name
}

#[test]
fn candidates_are_told_in_order() {
    let mut candidates = Candidates::default();
    let places = [0, 1, 63, 64, 130, 255];
    places.iter().rev().for_each(|at| candidates.add(*at));
    assert_eq!(candidates.iter().collect::<Vec<_>>(), places);
    assert_eq!(Candidates::default().iter().count(), 0);
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = rules([
        Rule::new("failed-orders").path("/orders/**").status(["4xx", "500-503"]),
        Rule::new("orders").path("/orders/**").methods(["post", "PUT"]),
        Rule::new("route").route("/users/{id}"),
        Rule::new("slow").min_duration(Duration::from_secs(1)),
        Rule::new("large").min_size(1000),
        Rule::new("ann").user(["ann", "7"]),
        Rule::new("acme").tenant(["acme"]),
        Rule::new("panicked").outcome([Outcome::Panicked, Outcome::Cancelled]),
    ]);
    let status = |status| Facts { status: Some(status), ..ENDED };
    for (method, path, facts, expected) in [
        ("POST", "/orders/7", status(404), "failed-orders"),
        ("POST", "/orders", status(503), "failed-orders"),
        ("POST", "/orders", status(504), "orders"),
        ("PUT", "/%6frders/7", ENDED, "orders"),
        ("GET", "/orders", ENDED, "default"),
        ("GET", "/", Facts { route: Some("/users/{id}"), ..ENDED }, "route"),
        ("GET", "/", Facts { nanos: 1_000_000_000, ..ENDED }, "slow"),
        ("GET", "/", Facts { nanos: 999_999_999, ..ENDED }, "default"),
        ("GET", "/", Facts { size: 1000, ..ENDED }, "large"),
        ("GET", "/", Facts { user: Some("ann"), ..ENDED }, "ann"),
        ("GET", "/", Facts { user_id: Some("7"), ..ENDED }, "ann"),
        ("GET", "/", Facts { user: Some("Ann"), tenant: Some("acme"), ..ENDED }, "acme"),
        ("GET", "/", Facts { outcome: Outcome::Cancelled, status: None, ..ENDED }, "panicked"),
    ] {
        assert_eq!(decides(&rules, method, path, facts), expected, "{method} {path} {facts:?}");
    }
}

#[test]
fn as_much_is_gathered_as_a_rule_may_ask_for() {
    let full = |rule: Rule| rule.capture(Capture::Full);
    let rules = rules([
        full(Rule::new("errors").status(["5xx"])).body_limit(99),
        Rule::new("orders").path("/orders").capture(Capture::Headers),
        full(Rule::new("never").path("/orders")).body_limit(100_000),
        full(Rule::new("users").route("/users/{id}")).body_limit(50_000),
    ]);
    let gathered = |path, route| {
        let head = rules.at_head("GET", path, route);
        (head.capture, head.limit, head.candidates.iter().collect::<Vec<_>>())
    };
    // The rule for orders is decided, and stands before the one that asks for more.
    assert_eq!(gathered("/orders", None), (Capture::Full, 8192, vec![0, 1]));
    assert_eq!(gathered("/", None), (Capture::Full, 50_000, vec![0, 3, 4]));
    assert_eq!(gathered("/", Some("/users/{id}")), (Capture::Full, 50_000, vec![0, 3]));
    assert_eq!(gathered("/", Some("/")), (Capture::Full, 8192, vec![0, 4]));
}

#[test]
fn what_leaves_no_record_is_no_way_around_one() {
    let rules = rules([Rule::new("quiet").path("/health/**").capture(Capture::None)]);
    for (path, expected) in [
        ("/health", "quiet"),
        ("/health/live", "quiet"),
        ("/%68ealth", "default"),
        ("/health/../admin", "default"),
        ("/health/..%2Fadmin", "default"),
    ] {
        assert_eq!(decides(&rules, "GET", path, ENDED), expected, "{path}");
    }
}

#[test]
fn errors_and_slow_requests_are_kept() {
    let says = |rule| rules([rule]).get(0).says.clone();
    let never = says(Rule::new("a").sample(0.0).slow(Duration::from_millis(1)));
    assert_eq!(never.sampled(0, &ENDED), Sampled::Out);
    for kept in [
        Facts { status: Some(404), ..ENDED },
        Facts { outcome: Outcome::Cancelled, status: None, ..ENDED },
        Facts { nanos: 1_000_000, ..ENDED },
    ] {
        assert_eq!(never.sampled(u64::MAX, &kept), Sampled::In(1.0));
    }
    let errors_too = says(Rule::new("a").sample(0.0).keep_errors(false));
    assert_eq!(errors_too.sampled(0, &Facts { status: Some(500), ..ENDED }), Sampled::Out);
}

#[test]
fn a_share_of_all_lots_is_in() {
    let says = rules([Rule::new("a").sample(0.25)]).get(0).says.clone();
    let quarter = u64::MAX / 4;
    assert_eq!(says.sampled(0, &ENDED), Sampled::In(0.25));
    assert_eq!(says.sampled(quarter - 2048, &ENDED), Sampled::In(0.25));
    assert_eq!(says.sampled(quarter + 1, &ENDED), Sampled::Out);
    let all = rules([Rule::new("a")]).get(0).says.clone();
    assert_eq!(all.sampled(u64::MAX, &ENDED), Sampled::In(1.0));
}
