//! Small trails written by hand, and the command run on them.

#![allow(dead_code)] // Each test file uses its own part.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// A trail root in a folder of its own.
pub(crate) struct Trail(TempDir);

impl Trail {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A root with one writer, `00`, and these lines.
    pub(crate) fn of(lines: &[String]) -> Self {
        let trail = Self::new();
        trail.writer("00", lines);
        trail
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn segment(&self, writer: &str) -> PathBuf {
        self.root().join(writer).join(format!("{:020}.jsonl", 0))
    }

    pub(crate) fn writer(&self, writer: &str, lines: &[String]) {
        fs::create_dir(self.root().join(writer)).unwrap();
        let origin = format!("x/1/{writer}");
        let header =
            format!(r#"{{"trail":"audit-trail-1","origin":"{origin}","from":0,"hashes":[]}}"#);
        fs::write(self.segment(writer), header + "\n").unwrap();
        for line in lines {
            self.append(writer, line);
        }
    }

    /// Appends one line the way a writer does: in one write.
    pub(crate) fn append(&self, writer: &str, line: &str) {
        let mut file = OpenOptions::new().append(true).open(self.segment(writer)).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

const SALT: &str = r#""salt":"00112233445566778899aabbccddeeff""#;

/// A request at 20:31 and `second`, with its number as user id and in its request id.
pub(crate) fn request(seq: u64, second: u32, user: &str, path: &str, status: u16) -> String {
    let level = ["info", "warning", "error"][usize::from(status / 100).clamp(3, 5) - 3];
    let success = status < 400;
    format!(
        "{{\"seq\":{seq},\"kind\":\"request\",\"id\":\"id-{seq}\",\
         \"time\":\"2026-11-21T20:31:{second:02}.123456Z\",\"level\":\"{level}\",\
         \"outcome\":\"completed\",\"success\":{success},\"duration_ms\":1.274,\
         \"tenant\":\"acme\",\t\"actor\":{{\"user\":\"{user}\",\"user_id\":\"{seq}\",\
         \"ip\":\"192.0.2.{seq}\"}},\t\"request\":{{\"id\":\"r-{seq}\",\"method\":\"GET\",\
         \"path\":\"{path}\"}},\t\"response\":{{\"status\":{status}}},\t{SALT}}}"
    )
}

/// A control record at 20:31 and `second`.
pub(crate) fn control(seq: u64, second: u32, members: &str) -> String {
    format!(
        "{{\"seq\":{seq},\"kind\":\"control\",\"control\":{{{members}}},\
         \"time\":\"2026-11-21T20:31:{second:02}.000000Z\"}}"
    )
}

/// How a run of the command ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Run {
    /// The part of each line of stdout that says which record it is.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.stdout.lines().filter_map(|line| line.split_whitespace().last()).collect()
    }
}

/// The command, on this trail, with arguments split at white space.
pub(crate) fn command(name: &str, source: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
    command.arg(name).arg(source).args(args.split_whitespace());
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"] {
        command.env_remove(variable);
    }
    command
}

pub(crate) fn audit(name: &str, source: &Path, args: &str) -> Run {
    finish(command(name, source, args).output().unwrap())
}

pub(crate) fn finish(output: Output) -> Run {
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().expect("ended by a signal"),
    }
}
