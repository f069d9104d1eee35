//! Every wrong value of every key, and what is said of it: compared as a whole with a file.

use std::fmt::Write as _;

use super::super::{
    ConfigError, Reading,
    keys::{KEYS, RULE_KEYS},
};

/// Values that no key of this form takes, and those that are out of its bounds.
fn wrong(key: &str) -> &'static [&'static str] {
    match key {
        "service.name" | "service.version" | "service.instance" => &["1", "'my shop'"],
        "name" => &["1", "'my shop'", "'default'"],
        "auditor.secret" | "trail.key" => &["1", "['a']"],
        "trail.dir" => &["1", "''"],
        "auditor.memory" => &["'64MB'", "-1", "1000", "true"],
        "bodies.limit" | "limit" => &["'64MB'", "-1", "'17MiB'"],
        "trail.segment_bytes" => &["'many'", "0", "'2TiB'"],
        "min_size" => &["'many'", "1.5"],
        "trail.segment_age" => &["24", "'0s'", "'a day'"],
        "trail.commit_interval" | "trail.checkpoint_interval" => &["10", "'61s'"],
        "trail.checkpoint_records" => &["'4096'", "0", "2000000"],
        "slow" | "min_duration" => &["1", "'1 second'"],
        "auditor.reliability" | "reliability" => &["1", "'strikt'"],
        "auditor.capture" | "capture" => &["1", "'bodies'", "'Full'"],
        "client.forwarded" => &["1", "'x-real-ip'", "'X-Forwarded-For'"],
        "client.ip" => &["1", "'prefixed'"],
        "session.as" => &["1", "'hashed'"],
        "mask.how" => &["1", "'hash'", "'redacted'"],
        "mask.detectors" => &["'jwt'", "['jwt', 'jwtt']", "[1]"],
        "outcome" => &["'panicked'", "['panic', 'completed']"],
        "bodies.content_types" => &["'json'", "['json', 'yaml']"],
        "mask.fields" | "mask.except" => &["'a'", "['a', '$.']", "[1]"],
        "exclude.paths" => &["'/health'", "['/a', 'health', '/b?c']"],
        "path" => &["['/health']", "'health'", "'/b?c'"],
        "route" => &["1", "'orders'"],
        "exclude.extensions" => &["'css'", "['css', 'a/b', '']"],
        "exclude.methods" | "methods" => &["'GET'", "['GET', 'GET /', '']"],
        "client.trusted_proxies" => &["'10.0.0.0/8'", "['10.0.0.0/8', '10.0.0.0/33', 'proxy']"],
        "request_id.header" | "request_id.response_header" | "session.header" => {
            &["true", "'x id'"]
        }
        "session.cookie" => &["true"],
        "status" => &["true", "[404, 'bad', '4xx', 99, '503-500']"],
        "user" | "tenant" => &["1", "''", "['a', 2]"],
        "sample" => &["'all'", "1.5", "-1", "nan"],
        // The switches.
        _ => &["1", "'yes'"],
    }
}

#[test]
fn every_wrong_value_is_told_with_its_key_and_what_is_allowed() {
    let mut told = String::new();
    let keys = KEYS.iter().map(|key| (key.name, "", key.variable()));
    let of_rules = RULE_KEYS.iter().map(|key| (key.name, "[[rule]]\n", None));
    for (key, before, variable) in keys.chain(of_rules) {
        for value in wrong(key) {
            let mut reading = Reading::default();
            let text = format!("{before}{key} = {value}");
            let Err(ConfigError::Wrong(problems)) = reading.text("audit.toml", &text) else {
                panic!("{text} is taken");
            };
            for problem in problems {
                assert!(problem.key().ends_with(key), "{problem}");
                let _ = writeln!(told, "{problem}");
            }
        }
        if let Some(variable) = variable {
            // A number is a text here, so the last one is the one that is always wrong.
            let value = wrong(key).last().unwrap().trim_matches('\'');
            if let Err(error) = Reading::default().variables([(variable, value)]) {
                let _ = writeln!(told, "{error}");
            }
        }
    }
    let expected = include_str!("wrong.txt");
    assert!(told == expected, "wrong.txt should be:\n{told}");
}
