//! `audit config`: which settings count; and the settings of the other commands.

use std::io::{self, Write as _};

use audit_core::settings::Reading;

use crate::{
    args::{Config, ConfigCommand, Source},
    exit::Failure,
};

pub(crate) fn run(args: &Config) -> Result<(), Failure> {
    let ConfigCommand::Show(args) = &args.command;
    let reading = read(&args.source)?;
    let mut out = io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", reading.to_json(args.origin))?,
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
    reading.environment()?;
    Ok(reading)
}
