//! A configuration that is read again: the next request goes by it, and one that is wrong changes
//! nothing. Either way a control record says so.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use audit_core::Level;
use audit_tests::{audited::PATIENCE, trail};
use serde_json::Value;

use crate::pair::{Audited, Framework};

#[test]
fn what_is_read_again_counts_from_the_next_request_on() {
    for framework in Framework::ALL {
        let mut service = Service::start(framework, "[auditor]\ncapture = \"headers\"\n");
        service.records("/hello", "default", "headers");

        service.reads("[[rule]]\nname = \"greeting\"\npath = \"/hello\"\ncapture = \"full\"\n");
        service.records("/hello", "greeting", "full");
        service.records("/users/7", "default", "metadata");

        // What is wrong changes nothing, be it one key or the file.
        service.reads("[auditor]\ncapture = \"everything\"\n[[rule]]\npath = \"/**\"\n");
        service.records("/hello", "greeting", "full");
        service.reads("[auditor\n");
        service.records("/hello", "greeting", "full");
        fs::remove_file(&service.file).expect("a file");
        service.reload();
        service.records("/hello", "greeting", "full");

        service.reads(
            "[auditor]\ncapture = \"headers\"\nmemory = \"2MiB\"\n[service]\nname = \"new\"\n",
        );
        service.records("/hello", "default", "headers");
        service.reads("[exclude]\npaths = [\"/hello\"]\n");
        service.bed.ask("/hello").answer();
        service.records("/users/7", "default", "metadata");
        service.ends();
    }
}

struct Service {
    bed: Audited,
    file: std::path::PathBuf,
    reloads: usize,
}

impl Service {
    fn start(framework: Framework, config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("audit.toml");
        fs::write(&file, config).expect("a file");
        let bed =
            Audited::start_with(framework, folder, &["--config", file.to_str().expect("a path")]);
        Self { bed, file, reloads: 0 }
    }

    fn reads(&mut self, config: &str) {
        fs::write(&self.file, config).expect("a file");
        self.reload();
    }

    /// Waits until the trail tells of it.
    fn reload(&mut self) {
        self.bed.testbed.reload();
        self.reloads += 1;
        let deadline = Instant::now() + PATIENCE;
        while self.bed.trail.ops("config_change").len() < self.reloads {
            assert!(Instant::now() < deadline, "no {} changes", self.reloads);
            thread::sleep(Duration::from_millis(2));
            self.bed.trail.requests(0);
        }
    }

    fn records(&mut self, path: &str, rule: &str, capture: &str) {
        self.bed.ask(path).answer();
        let (record, json) = self.bed.record_as_json(path);
        let policy = record.policy.expect("a policy");
        assert_eq!((&*policy.rule, &*policy.capture), (rule, capture));
        assert_eq!(json["service"]["name"], "testbed", "fixed once it has started");
        let headers = json["request"]["headers"].is_object();
        assert_eq!(headers, capture != "metadata");
        assert_eq!(json["response"]["body"].is_string(), capture == "full", "{json}");
    }

    fn ends(mut self) {
        let (status, _) = self.bed.testbed.stop();
        let stderr = self.bed.testbed.stderr();
        assert_eq!(status.code(), Some(0), "{stderr}");
        self.bed.trail.ends_well();
        let name = self.file.to_str().expect("a path");
        let refusals = [
            format!(
                "{name}:2:11: auditor.capture: `\"everything\"` is not one of none, metadata, headers, \
                 request, full"
            ),
            format!("{name}:1:9: "),
            format!("cannot read {name}: No such file"),
        ];
        for refusal in &refusals {
            assert!(stderr.contains(refusal), "{refusal}: {stderr}");
        }
        let changes: Vec<_> = self.bed.trail.ops("config_change").into_iter().cloned().collect();
        let levels: Vec<_> = changes.iter().filter_map(|change| change.level).collect();
        let (good, bad) = (Level::Notice, Level::Error);
        assert_eq!(levels, [good, bad, bad, bad, good, good]);
        let lines = controls(&self.bed.root);
        let results: Vec<_> = lines.iter().map(|line| &line["control"]["result"]).collect();
        assert_eq!(results, ["applied", "refused", "refused", "refused", "applied", "applied"]);
        let generations: Vec<_> =
            lines.iter().filter_map(|line| line["control"]["generation"].as_u64()).collect();
        assert_eq!(generations, [1, 2, 3]);
        let after = &lines[4]["control"]["after_restart"];
        assert_eq!(*after, serde_json::json!(["service.name", "auditor.memory"]));
        for (line, refusal) in lines[1..4].iter().zip(&refusals) {
            assert_eq!(line["error"]["kind"], "config");
            let message = line["error"]["message"].as_str().expect("a message");
            assert!(message.contains(refusal), "{refusal}: {message}");
        }
    }
}

/// The control records of changes, as they stand in the trail.
fn controls(root: &std::path::Path) -> Vec<Value> {
    let files = trail::files(root).into_iter();
    let texts = files.filter(|(path, _)| path.extension().is_some_and(|end| end == "jsonl"));
    let text: String = texts.map(|(_, bytes)| String::from_utf8(bytes).expect("text")).collect();
    let lines = text.lines().filter(|line| line.contains("\"op\":\"config_change\""));
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
