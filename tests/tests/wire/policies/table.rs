//! The table of policies: files that hold, one after another, a configuration as a user would write
//! it, requests, and what is expected of the record of each.
//!
//! ```text
//! === What this is about
//! $ --audit headers              a flag of the testbed
//! $ AUDIT_CAPTURE=full           a variable of its environment
//! [auditor]                      and the configuration
//! capture = "metadata"
//!
//! > POST /orders                 a request
//! > content-type: application/json
//! >
//! > {"item":"tea"}
//! policy.capture = full          what its record says, beside what every record says
//! no actor.ip                    what it does not say, though every record does
//! none excluded                  or: it leaves none, and this counts it
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A configuration, and the requests that are sent under it.
#[derive(Debug, Default)]
pub(super) struct Policy {
    pub(super) title: String,
    pub(super) flags: Vec<String>,
    pub(super) variables: Vec<(String, String)>,
    /// TOML.
    pub(super) config: String,
    pub(super) rows: Vec<Row>,
}

/// A request and what it leaves.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) how: How,
    pub(super) leaves: Leaves,
}

/// How it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Plainly,
    Http2,
    /// The client resets the connection while the handler runs.
    Reset,
    /// The client resets the connection when the body has begun.
    ResetInBody,
    /// The client leaves when it has the head.
    Head,
}

#[derive(Debug)]
pub(super) enum Leaves {
    Record(Vec<Told>),
    /// No record: the counter that tells of it, and what is expected of the answer.
    None(String, Vec<Told>),
}

/// What is told of a member, over what is expected of every record.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Is(String, String),
    Absent(String),
}

/// Every file of the table.
pub(super) fn all() -> Vec<Policy> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/policies/table");
    let entries = fs::read_dir(folder).expect("the table");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let read = |file: &PathBuf| {
        let name = file.file_stem().expect("a name").to_string_lossy();
        read(&name, &fs::read_to_string(file).expect("a text"))
    };
    files.iter().flat_map(read).collect()
}

/// What is asked for after a request that leaves no record.
pub(super) fn marker() -> Row {
    row("marker", "> GET /users/marker")
}

fn read(file: &str, text: &str) -> Vec<Policy> {
    let blocks = text.split("=== ").skip(1);
    blocks.map(|block| policy(file, block)).collect()
}

fn policy(file: &str, block: &str) -> Policy {
    let (title, rest) = block.split_once('\n').expect("a title");
    let mut policy = Policy { title: format!("{file}: {title}"), ..Policy::default() };
    for paragraph in rest.trim().split("\n\n") {
        let mut lines = paragraph.lines().filter(|line| !line.starts_with('#'));
        let first = lines.next();
        if first.is_none() {
            continue;
        }
        if first.is_some_and(|line| line.starts_with('>')) {
            policy.rows.push(row(&policy.title, paragraph));
            continue;
        }
        assert!(policy.rows.is_empty(), "{title}: no request: {paragraph}");
        for line in paragraph.lines() {
            match line.strip_prefix("$ ") {
                None => policy.config += &format!("{line}\n"),
                Some(flags) if flags.starts_with("--") => {
                    policy.flags.extend(flags.split(' ').map(str::to_owned));
                }
                Some(variable) => policy.variables.push(pair(variable, "=")),
            }
        }
        policy.config.push('\n');
    }
    assert!(!policy.rows.is_empty(), "{title}: no requests");
    policy
}

fn row(title: &str, paragraph: &str) -> Row {
    let sent: Vec<_> =
        paragraph.lines().filter_map(|line| Some(line.strip_prefix('>')?.trim_start())).collect();
    let (method, target) = pair(sent[0], " ");
    let mut row = Row {
        method,
        target,
        headers: Vec::new(),
        body: String::new(),
        how: How::Plainly,
        leaves: Leaves::Record(Vec::new()),
    };
    let mut parts = sent[1..].splitn(2, |line| line.is_empty());
    for header in parts.next().unwrap_or_default() {
        match *header {
            "over HTTP/2" => row.how = How::Http2,
            "and resets while the handler runs" => row.how = How::Reset,
            "and resets in the body" => row.how = How::ResetInBody,
            "and leaves after the head" => row.how = How::Head,
            header => row.headers.push(pair(header, ":")),
        }
    }
    row.body = parts.next().unwrap_or_default().join("\n");
    let (mut told, mut counter) = (Vec::new(), None);
    for line in paragraph.lines().filter(|line| !line.starts_with(['>', '#'])) {
        let words: Vec<_> = line.splitn(3, ' ').collect();
        match words[..] {
            ["no", name] => told.push(Told::Absent(name.to_owned())),
            ["none", why] => counter = Some(why.to_owned()),
            [name, "="] => told.push(Told::Is(name.to_owned(), String::new())),
            [name, "=", value] => told.push(Told::Is(name.to_owned(), value.to_owned())),
            _ => panic!("{title}: cannot read `{line}`"),
        }
    }
    row.leaves = match counter {
        Some(counter) => Leaves::None(counter, told),
        None => Leaves::Record(told),
    };
    row
}

fn pair(text: &str, between: &str) -> (String, String) {
    let (name, value) = text.split_once(between).unwrap_or_else(|| panic!("`{text}`"));
    (name.to_owned(), value.trim_start().to_owned())
}
