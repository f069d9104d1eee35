//! Runs a policy's rows on a testbed.

use std::{cell::Cell, collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

use audit_core::Entry;
use audit_tests::{
    testbed::Testbed,
    trail::{Follower, told},
};

use super::{
    ask::ask,
    found::{Found, found},
    table::{How, Leaves, Policy, Row},
    verdict::{difference, expected},
};
use crate::pair::Framework;

/// Gives what is not as expected; `at` is the row that it is at.
pub(super) fn run<'p>(
    policy: &'p Policy,
    framework: Framework,
    at: &Cell<Option<&'p Row>>,
) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    let (config, root, metrics) = (path("audit.toml"), path("trail"), path("metrics"));
    fs::write(path("secret"), "5e".repeat(32)).expect("a file");
    fs::set_permissions(path("secret"), fs::Permissions::from_mode(0o600)).expect("a file");
    // A policy that says where its trail is has no flag for it.
    let placed = |text: &str| text.replace("FOLDER", folder.path().to_str().expect("a path"));
    let text = placed(&policy.config);
    fs::write(&config, &text).expect("a file");
    let variables: Vec<_> =
        policy.variables.iter().map(|(name, value)| (name.clone(), placed(value))).collect();
    let flags: Vec<_> = policy.flags.iter().map(|flag| placed(flag)).collect();
    let says_where = variables.iter().map(|(_, value)| value).chain([&text]).chain(&flags);
    let mut all = vec!["--config", &config, "--metrics", &metrics];
    if !says_where.into_iter().any(|text| text.contains(&root)) {
        all.extend(["--trail", &root]);
    }
    all.extend(flags.iter().map(String::as_str));
    let mut testbed = Testbed::start_in(framework.testbed(), &all, &variables);
    let mut trail = Follower::open(Path::new(&root));

    let mut differences = Vec::new();
    let mut counted = BTreeMap::new();
    for row in &policy.rows {
        at.set(Some(row));
        *counted.entry("started").or_insert(0) += 1;
        let answer = ask(testbed.addr, row);
        let record = match &row.leaves {
            Leaves::Record(_) => {
                *counted.entry("accepted").or_default() += 1;
                Some(next(&mut trail))
            }
            Leaves::None(counter, _) => {
                *counted.entry(counter.as_str()).or_default() += 1;
                marked(&mut trail, &testbed, &mut counted);
                None
            }
        };
        let record = record.map(|(entry, text)| Found::new(&trail, &entry, &text));
        let found = found(row, answer.as_ref(), record.as_ref());
        let what = format!("{}\n    {} {} on {framework:?}", policy.title, row.method, row.target);
        differences
            .extend(difference(&expected(row), &found).map(|told| format!("{what}\n{told}")));
    }
    at.set(None);
    testbed.stop_cleanly(panics(&policy.rows));
    trail.ends_well();
    check_counters(&metrics, &counted);
    differences
}

fn next(trail: &mut Follower) -> (Entry, String) {
    trail.requests_with_text(1).remove(0)
}

/// A request whose record comes, while that of the one before does not: until the end, when the
/// trail holds nothing more.
fn marked(trail: &mut Follower, testbed: &Testbed, counted: &mut BTreeMap<&str, u64>) {
    let marker = super::table::marker();
    ask(testbed.addr, &marker);
    *counted.entry("started").or_default() += 1;
    *counted.entry("accepted").or_default() += 1;
    let (entry, _) = next(trail);
    let path = entry.request().and_then(|request| request.path.as_deref());
    assert_eq!(path, Some(&*marker.target), "{}", told(&entry));
}

fn panics(rows: &[Row]) -> usize {
    rows.iter().filter(|row| row.target.starts_with("/panic") && row.how != How::Head).count()
}

/// What was counted is what was sent, and adds up.
fn check_counters(metrics: &str, counted: &BTreeMap<&str, u64>) {
    let text = fs::read_to_string(metrics).expect("the counters");
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse::<u64>().ok()).unwrap_or_else(|| panic!("{name}: {text}"))
    };
    for (name, metric) in [
        ("started", "audit_requests_started_total"),
        ("excluded", "audit_requests_excluded_total"),
        ("sampled_out", "audit_requests_sampled_out_total"),
        ("discarded", "audit_requests_discarded_total"),
        ("dropped", "audit_requests_dropped_total"),
        ("accepted", "audit_requests_accepted"),
    ] {
        assert_eq!(value(metric), counted.get(name).copied().unwrap_or(0), "{name}: {text}");
    }
    assert_eq!(value("audit_records_written_total"), value("audit_requests_accepted"), "{text}");
}
