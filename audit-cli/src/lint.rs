//! `audit lint`: what is wrong in a configuration file, or unlikely.

use std::io::{self, Write};

use audit_core::settings::{ConfigError, Problem, Reading, Warning};
use serde_json::{Value, json};

use crate::{
    args::Lint,
    escape::{Escaped, EscapedJson},
    exit::Failure,
    talk,
};

pub(crate) fn run(args: &Lint) -> Result<(), Failure> {
    let mut reading = Reading::default();
    let read = reading.file(&args.file);
    let mut out = io::stdout().lock();
    match read {
        Ok(()) => {
            let warnings = reading.lint()?;
            for warning in &warnings {
                match args.json {
                    true => writeln!(out, "{}", EscapedJson(&unlikely(warning).to_string()))?,
                    false => warn(&mut out, warning)?,
                }
            }
            out.flush()?;
            say(0, warnings.len());
            Ok(())
        }
        Err(ConfigError::Wrong(problems)) => {
            for problem in &problems {
                match args.json {
                    true => writeln!(out, "{}", EscapedJson(&wrong(problem).to_string()))?,
                    false => tell(&mut out, problem)?,
                }
            }
            out.flush()?;
            say(problems.len(), 0);
            Err(Failure::No)
        }
        Err(error) => Err(error.into()),
    }
}

/// For people: what and where, then the line itself.
fn tell(out: &mut impl Write, problem: &Problem) -> io::Result<()> {
    writeln!(out, "error: {}", Escaped(&problem.to_string()))?;
    for line in problem.excerpt().unwrap_or_default().lines() {
        writeln!(out, "    {}", Escaped(&line.replace('\t', " ")))?;
    }
    Ok(())
}

fn warn(out: &mut impl Write, warning: &Warning) -> io::Result<()> {
    writeln!(out, "warning: {}", Escaped(&warning.to_string()))
}

/// For programs.
fn wrong(problem: &Problem) -> Value {
    json!({
        "severity": "error",
        "line": problem.line(),
        "key": problem.key(),
        "why": problem.why(),
    })
}

fn unlikely(warning: &Warning) -> Value {
    let mut told = json!({ "severity": "warning", "key": warning.key(), "why": warning.why() });
    if let Some(line) = warning.origin().line() {
        told["line"] = json!(line);
    }
    told
}

/// The summary, which is no data.
fn say(errors: usize, warnings: usize) {
    let plural = |count: usize, word| talk::plural(count as u64, word);
    match (errors, warnings) {
        (0, 0) => talk::say("no errors, no warnings"),
        (0, _) => talk::say(format!("no errors, {}", plural(warnings, "warning"))),
        (_, _) => talk::say(format!(
            "{}; warnings are looked for once there are none",
            plural(errors, "error")
        )),
    }
}
