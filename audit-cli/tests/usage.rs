//! Exit codes, help and what is said when something is wrong.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

mod common;

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
};

use common::{Run, Trail, audit, command, finish, request};

fn run(args: &[&str]) -> Run {
    finish(Command::new(env!("CARGO_BIN_EXE_audit")).args(args).output().unwrap())
}

#[test]
fn a_source_that_is_not_there_is_exit_4_with_what_to_do() {
    for name in ["tail", "query"] {
        let missing = audit(name, Path::new("/nonexistent/trail"), "");
        assert_eq!((missing.code, missing.stdout.as_str()), (4, ""));
        assert!(missing.stderr.starts_with("audit: "), "{}", missing.stderr);
        assert!(missing.stderr.contains("/nonexistent/trail"));
        assert_eq!(missing.stderr.lines().count(), 1);
    }
}

#[test]
fn wrong_use_is_exit_2_on_stderr() {
    let cases: [&[&str]; 10] = [
        &[],
        &["tial"],
        &["prune", "x"],
        &["serve"],
        &["query"],
        &["query", "x", "--status", "4xy"],
        &["query", "x", "--since", "soon"],
        &["query", "x", "--since", "today", "--until", "yesterday"],
        &["query", "x", "--json", "-v"],
        &["tail", "x", "-n", "-1"],
    ];
    for args in cases {
        let run = run(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(!run.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn a_wrong_value_is_named_with_what_is_allowed() {
    let cases = [("--status", "4xy", "`4xx`"), ("--since", "soon", "`2h`"), ("--ip", "x", "/24")];
    for (option, value, allowed) in cases {
        let said = run(&["query", "x", option, value]).stderr;
        assert!(said.contains(value) && said.contains(option) && said.contains(allowed), "{said}");
    }
}

#[test]
fn help_is_data_and_has_examples() {
    for args in [["tail", "--help"], ["query", "--help"]] {
        let long = run(&args);
        assert_eq!((long.code, long.stderr.as_str()), (0, ""));
        assert!(long.stdout.contains("Examples:\n  audit "), "{}", long.stdout);
        let short = run(&[args[0], "-h"]);
        assert!(short.stdout.len() < long.stdout.len());
    }
    assert!(run(&["--help"]).stdout.contains("Exit codes:"));
    assert!(run(&["--version"]).stdout.starts_with("audit "));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let lines: Vec<_> = (0..20_000).map(|n| request(n, 1, "ann", "/", 200)).collect();
    let trail = Trail::of(&[]);
    trail.append("00", &lines.join("\n"));
    let mut command = command("query", trail.root(), "--json");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(first.trim_end(), lines[0]);
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_exit_4() {
    let trail = Trail::of(&[request(0, 1, "ann", "/", 200)]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let run = finish(command("query", trail.root(), "").stdout(full).output().unwrap());
    assert_eq!(run.code, 4);
    assert!(run.stderr.contains("cannot write the output"), "{}", run.stderr);
}
