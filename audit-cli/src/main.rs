//! The `audit` command: shows and searches audit trails, and tries out what they hold.
//!
//! Stdout is data, stderr is talk. The exit code says how it ended: 0 done, 1 the answer is no, 2 wrong use,
//! 3 locked, 4 cannot read or write.

mod args;
mod check_proof;
mod config;
mod demo;
mod detail;
mod escape;
mod exit;
mod explain;
mod filter;
mod keep;
mod key;
mod keygen;
mod lint;
mod mask;
mod network;
mod output;
mod path;
mod progress;
mod prove;
mod pseudonym;
mod query;
mod ring;
mod show;
mod source;
mod status;
mod tail;
mod talk;
mod verify;
mod when;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Cli, Command},
    output::Output,
};

fn main() -> ExitCode {
    // Wrong use ends here, with exit code 2.
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Tail(args) => tail::run(args, &mut Output::new(args.look, cli.color)),
        Command::Query(args) => query::run(args, &mut Output::new(args.look, cli.color)),
        Command::Mask(args) => mask::run(args),
        Command::Pseudonym(args) => pseudonym::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Lint(args) => lint::run(args),
        Command::Config(args) => config::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Keygen(args) => keygen::run(args),
        Command::Prove(args) => prove::run(args),
        Command::CheckProof(args) => check_proof::run(args),
        Command::Redact(args) => keep::redact(args),
        Command::Erase(args) => keep::erase(args),
        Command::Prune(args) => keep::prune(args),
        Command::Hold(args) => keep::hold(args),
        Command::Demo(args) => demo::run(args, cli.color),
    };
    let Err(failure) = result else {
        return ExitCode::SUCCESS;
    };
    for line in failure.message().unwrap_or_default().lines() {
        talk::say(line);
    }
    failure.code()
}
