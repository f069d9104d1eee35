//! The walk of the configuration guide, as a newcomer would take it, and its examples.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use audit_core::settings::Reading;
use audit_tests::programs;

use super::{ADDRESS, README, blocks, sh, shell_lines, start_shop};

const GUIDE: &str = include_str!("../../../docs/configuration.md");
const EXAMPLE: &str = include_str!("../../../examples/configured.toml");

#[test]
fn the_walk_leads_where_the_guide_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let audit = programs::audit();
    let audit = audit.to_str().expect("a path");
    let mut shop = None;
    let mut answers = Vec::new();
    for line in shell_lines(GUIDE) {
        if line.starts_with("cargo run --example configured") {
            shop = Some(start_shop(folder.path(), "configured", &["audit-shop.toml"]));
            continue;
        }
        let (address, pid) = match &shop {
            Some((shop, address)) => (address.as_str(), shop.0.id()),
            None => (ADDRESS, 0),
        };
        let example = root.join("examples/configured.toml");
        let line = line
            .replace("cargo run -q -p audit-cli --", audit)
            .replace("cp examples/configured.toml", &format!("cp {}", example.display()))
            .replace("\"$(pgrep -n configured)\"", &pid.to_string())
            .replace(ADDRESS, address);
        let tail = line.contains(" tail ");
        let mut answer = sh(folder.path(), &line);
        // A reload is told when it is done, and a record shows within half a second.
        let deadline = Instant::now() + Duration::from_secs(5);
        while (tail && !answer.contains("\"method\":\"GET\"") || line.starts_with("kill"))
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(50));
            let changed = format!("{audit} query ./audit --kind control --json");
            if !tail && sh(folder.path(), &changed).contains("\"result\":\"applied\"") {
                break;
            }
            if tail {
                answer = sh(folder.path(), &line);
            }
        }
        answers.push(answer);
    }
    let [_, lint, orders, failed, health, .., again, _, _, last] = &answers[..] else {
        panic!("the guide has other commands: {answers:?}");
    };
    assert_eq!((lint.as_str(), again.as_str()), ("", ""), "nothing is unlikely");
    assert!(orders.contains("orders  decides: method is POST, path matches /orders/**"));
    assert_eq!(*failed, blocks(GUIDE, "text")[0]);
    assert!(health.contains("excluded by exclude.paths `/health`"), "{health}");
    assert!(last.contains("\"rule\":\"failed\"") && last.contains("405"), "{last}");
    let all = sh(folder.path(), &format!("{audit} query ./audit --json"));
    let records: Vec<&str> = all.lines().collect();
    assert!(records[0].contains("\"policy\":{\"rule\":\"orders\",\"capture\":\"headers\""));
    assert!(!records[0].contains("\"body\":"), "{}", records[0]);
    assert!(records[1].contains("\"rule\":\"failed\""));
    assert!(records[1].contains("\"note\":\"[redacted]\""), "{}", records[1]);
}

#[test]
fn the_guide_shows_the_example() {
    let shown = &blocks(GUIDE, "toml")[0];
    let example: Vec<_> =
        EXAMPLE.lines().skip_while(|l| l.starts_with('#') || l.is_empty()).collect();
    assert_eq!(shown.trim_end(), example.join("\n"));
}

#[test]
fn every_configuration_that_is_shown_is_one_without_warnings() {
    let pages = [README, GUIDE, include_str!("../../../docs/masking.md")];
    let shown = pages.iter().flat_map(|page| blocks(page, "toml"));
    let mut count = 0;
    for text in shown {
        let mut reading = Reading::default();
        reading.text("the page", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let warnings = reading.lint().expect("settings that can be");
        assert!(warnings.is_empty(), "{warnings:?}\n{text}");
        count += 1;
    }
    assert!(count >= 2);
}
