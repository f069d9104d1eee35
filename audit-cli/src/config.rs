//! `audit config`: which settings count; and the settings of the other commands.

use std::io::{self, Write as _};

use audit_core::settings::Reading;

use crate::{
    args::{Config, ConfigCommand, Source},
    escape::{Escaped, EscapedJson},
    exit::Failure,
    talk,
};

pub(crate) fn run(args: &Config) -> Result<(), Failure> {
    let ConfigCommand::Show(args) = &args.command;
    let reading = read(&args.source)?;
    let mut out = io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", EscapedJson(&reading.to_json(args.origin)))?,
        false => write!(out, "{}", reading.to_toml(args.origin))?,
    }
    Ok(out.flush()?)
}

/// The settings of an application: defaults, the file over them, the environment over that.
pub(crate) fn read(source: &Source) -> Result<Reading, Failure> {
    let mut reading = Reading::default();
    if let Some(file) = &source.config {
        reading.file(file)?;
    }
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if let Some(meant) = Reading::meant_variable(&name) {
            talk::say(format!(
                "environment {}: sets nothing; did you mean `{meant}`?",
                Escaped(&name)
            ));
        }
    }
    reading.environment()?;
    Ok(reading)
}
