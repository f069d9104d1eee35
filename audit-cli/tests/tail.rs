//! `audit tail`, and what follows it.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

mod common;

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use common::{Trail, audit, command, control, request};

/// A follower, ended when the test is.
struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    fn start(trail: &Trail, args: &str) -> Self {
        let mut command = command("tail", trail.root(), args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|l| send.send(l)));
        Self { child, lines }
    }

    fn next(&self, within: Duration) -> String {
        self.lines.recv_timeout(within).expect("a line in time")
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

fn many(count: u64) -> Vec<String> {
    (0..count).map(|n| request(n, 1, "ann", "/", if n == 3 { 500 } else { 200 })).collect()
}

#[test]
fn the_last_ten_or_as_many_as_asked() {
    let trail = Trail::of(&many(200));
    let ids = |from: u64| (from..200).map(|n| format!("r-{n}")).collect::<Vec<_>>();
    assert_eq!(audit("tail", trail.root(), "").ids(), ids(190));
    assert_eq!(audit("tail", trail.root(), "-n 3").ids(), ids(197));
    assert_eq!(audit("tail", trail.root(), "-n 100000").ids(), ids(0));
    assert_eq!(audit("tail", trail.root(), "-n 18446744073709551615").ids(), ids(0));
    assert_eq!(audit("tail", trail.root(), "-n 0").stdout, "");
    assert_eq!(audit("tail", &trail.root().join("00"), "-n 1 --json").stdout.lines().count(), 1);
}

#[test]
fn a_filter_reaches_as_far_back_as_needed() {
    let mut lines = many(1_000);
    lines.extend((1_000..1_500).map(|n| control(n, 2, r#""op":"heartbeat""#)));
    let trail = Trail::of(&lines);
    assert_eq!(audit("tail", trail.root(), "--status 5xx").ids(), ["r-3"]);
    assert_eq!(audit("tail", trail.root(), "-n 2").ids(), ["r-998", "r-999"]);
    assert_eq!(audit("tail", trail.root(), "--kind control -n 4").stdout.lines().count(), 4);
}

#[test]
fn losses_are_told_on_stderr_between_the_records() {
    let trail = Trail::of(&[
        control(0, 1, r#""op":"gap","count":9,"reason":"old""#),
        request(1, 2, "ann", "/", 200),
        control(2, 3, r#""op":"gap","count":1,"reason":"memory""#),
        control(3, 4, r#""op":"repair""#),
        control(4, 5, r#""op":"open","unclean":true"#),
        request(5, 6, "ann", "/", 200),
    ]);
    let run = audit("tail", trail.root(), "-n 2");
    assert_eq!(run.ids(), ["r-1", "r-5"]);
    let told: Vec<_> = run.stderr.lines().collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[1].contains("gap: 1 record was lost (memory)"));
    assert!(told[2].contains("repair:") && told[3].contains("unclean end:"));
    assert_eq!(audit("tail", trail.root(), "-n 1").stderr, "");
    assert_eq!(audit("tail", trail.root(), "--all").stderr, "");
}

#[test]
fn damage_is_told_once_however_far_back_was_read() {
    let mut lines = many(300);
    lines[299] = "garbage".to_owned();
    let run = audit("tail", Trail::of(&lines).root(), "--status 500");
    assert_eq!((run.code, run.ids()), (0, vec!["r-3"]));
    assert_eq!(run.stderr.matches("damaged:").count(), 1, "{}", run.stderr);
    assert!(
        run.stderr.ends_with("the trail is damaged in 1 place; all that can be read was read\n")
    );
}

#[test]
fn a_follower_shows_what_comes_within_half_a_second() {
    let trail = Trail::of(&many(3));
    let follower = Follower::start(&trail, "-f -n 1");
    assert!(follower.next(PATIENCE).ends_with("r-2"));
    for seq in 3..6 {
        let begun = Instant::now();
        trail.append("00", &request(seq, 2, "ann", "/new", 200));
        assert!(follower.next(PATIENCE).ends_with(&format!("r-{seq}")));
        assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_follower_sees_a_writer_that_starts_later() {
    let trail = Trail::of(&many(1));
    let follower = Follower::start(&trail, "-f -n 0 --user bob");
    thread::sleep(Duration::from_millis(300));
    trail.append("00", &request(1, 2, "ann", "/", 200));
    trail.writer("01", &[request(0, 3, "bob", "/", 200)]);
    assert!(follower.next(PATIENCE).ends_with("r-0"));
}

#[test]
fn a_follower_ends_when_its_reader_is_gone() {
    let trail = Trail::of(&many(3));
    let mut command = command("tail", trail.root(), "-f -n 1");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    drop(out);
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if begun.elapsed() > PATIENCE => {
                child.kill().unwrap();
                panic!("still there");
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}
