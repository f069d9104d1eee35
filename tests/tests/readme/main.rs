//! The README's shell blocks, run as a newcomer would: the example is started, the requests are
//! sent with a real curl, the records are read with `audit` and `jq`.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use audit_tests::programs;

mod configuration;

const ADDRESS: &str = "127.0.0.1:3000";

const README: &str = include_str!("../../../README.md");

/// The blocks of a page in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in page.lines() {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(of)) if of == language => block = Some(String::new()),
            (Some(_), Some(_)) => blocks.extend(block.take()),
            (Some(block), None) => *block += &format!("{line}\n"),
            (None, _) => {}
        }
    }
    blocks
}

/// The lines of a page's `sh` blocks.
fn shell_lines(page: &str) -> Vec<String> {
    blocks(page, "sh").iter().flat_map(|block| block.lines()).map(str::to_owned).collect()
}

/// Killed with its handle.
struct Shop(Child);

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts an example on a free port. Gives its address.
fn start_shop(folder: &Path, example: &str, args: &[&str]) -> (Shop, String) {
    let mut child = Command::new(programs::example(example))
        .args(args)
        .arg("127.0.0.1:0")
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let shop = Shop(child);
    let mut lines = stdout.lines().map_while(Result::ok);
    let first = lines.next().expect("a greeting");
    // The rest are the greeting and the records; unread they would fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    let address = first.split_once("http://").expect("an address").1;
    let end = |c: char| !c.is_ascii_digit() && c != ':' && c != '.';
    let address = address.split(end).next().expect("an address").trim_end_matches('.');
    (shop, address.to_owned())
}

fn sh(folder: &Path, line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).current_dir(folder).output().expect("sh");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{line}` failed: {stderr}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_newcomer_reads_a_record_of_each_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_shop, address) = start_shop(folder.path(), "axum", &[]);
    let mut ran = 0;
    for line in shell_lines(README) {
        // `audit` is run as it was built, and the shop listens on a free port.
        let audit = programs::audit();
        let line = line
            .replace("cargo run -q -p audit-cli --", audit.to_str().expect("a path"))
            .replace(ADDRESS, &address);
        match line.split_whitespace().next() {
            Some("curl") => {
                sh(folder.path(), &line);
            }
            Some("jq") => {
                let read = || sh(folder.path(), &line);
                let deadline = Instant::now() + Duration::from_secs(5);
                while read().lines().count() < 3 && Instant::now() < deadline {
                    std::thread::sleep(Duration::from_millis(10));
                }
                let records = read();
                assert_eq!(records.lines().count(), 3, "{records}");
                assert!(records.contains("404,\"/orders/7\"]"), "{records}");
            }
            Some(first) if Path::new(first) == audit && line.ends_with(" demo") => {
                let shown = sh(folder.path(), &line);
                assert!(
                    shown.contains("The books add up") && !shown.contains("hunter2"),
                    "{shown}"
                );
            }
            Some(first) if Path::new(first) == audit => {
                // A finished record shows within half a second.
                std::thread::sleep(Duration::from_millis(500));
                let shown = sh(folder.path(), &line);
                assert_eq!(shown.lines().count(), 3, "{shown}");
                assert!(shown.contains("/orders/7") && !shown.contains("hunter2"), "{shown}");
            }
            Some("cargo" | "scripts/test") => continue,
            other => panic!("the README has a command that no test knows: {other:?}"),
        }
        ran += 1;
    }
    assert_eq!(ran, 6, "the demo, three requests, audit and jq");
}

#[test]
fn the_two_commands_are_there() {
    let lines = shell_lines(README);
    assert!(lines.iter().any(|line| line == "cargo run --example axum"));
    assert!(lines.iter().any(|line| line == "scripts/test"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/test");
    assert!(script.metadata().is_ok_and(|meta| meta.is_file()));
}

#[test]
fn the_masking_guide_shows_what_the_command_prints() {
    let guide = include_str!("../../../docs/masking.md");
    let block = |fence: &str| {
        let (_, rest) = guide.split_once(fence).expect("a block");
        rest.split_once("```").expect("its end").0.to_owned()
    };
    let audit = programs::audit();
    let command = block("```sh\n").replace("audit mask", &format!("{} mask", audit.display()));
    assert_eq!(sh(Path::new("."), &command), block("```json\n"));
}
