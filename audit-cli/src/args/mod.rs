//! The command line.

use std::path::PathBuf;

use audit_core::{Detector, How};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::filter::Filter;

mod keep;
mod proof;
mod prove;
mod settings;

pub(crate) use keep::{Erase, Hold, Prune, Redact, Signing};
pub(crate) use proof::{Keygen, Verify};
pub(crate) use prove::{CheckProof, Prove};
pub(crate) use settings::{Config, ConfigCommand, Explain, Lint, Source};

const EXAMPLES: &str = "\
Examples:
  audit demo                                   see what it is about, with no application
  audit tail ./audit -f                        watch requests as they finish
  audit query ./audit --since 2h --status 5xx  what failed in the last two hours
  audit query ./audit --user ann --json | jq   every record of one user, as JSON
  audit mask --content-type application/json   what a record would hold of a body (stdin)
  audit explain --config audit.toml GET /      what would be recorded of a request, and why
  audit lint audit.toml                        what is wrong in a configuration, or unlikely
  audit verify ./audit                         whether a trail still is what was signed
  audit prove ./audit 00/17 --out 17.proof     one record, for somebody without the trail
  audit erase ./audit --user ann               take a person out, and leave the proof of the rest

Exit codes:
  0  done (also when nothing matched, and when the reader of a pipe stopped early)
  1  the answer is no (lint: the file has errors; verify: the trail was changed; erase: it is held;
     check-proof: it does not hold)
  2  wrong use
  3  locked: another process takes things out, or the writer does not answer
  4  cannot read or write";

/// Read audit trails, and try out what they hold and why
#[derive(Parser, Debug)]
#[command(name = "audit", version, after_long_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Colour the output [default: auto, that is on a terminal and without `NO_COLOR`]
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true
    )]
    pub(crate) color: Color,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Tail(Tail),
    Query(Query),
    Mask(Mask),
    Pseudonym(Pseudonym),
    Explain(Explain),
    Lint(Lint),
    Config(Config),
    Verify(Verify),
    Keygen(Keygen),
    Prove(Prove),
    CheckProof(CheckProof),
    Redact(Redact),
    Erase(Erase),
    Prune(Prune),
    Hold(Hold),
    Demo(Demo),
}

/// Show the newest records, and with -f those that follow
///
/// Prints the newest records that match, oldest of them first, and ends; with -f it goes on with
/// every record that is written from then on, until Ctrl-C, or until the reader of its output
/// is gone. Lost records, repairs and unclean ends are announced on stderr.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit tail ./audit                       the last 10 records
  audit tail ./audit -n 100 --status 5xx   the last 100 that failed
  audit tail ./audit -f --path '/api/**'   watch a part of the application
  audit tail ./audit -f -n 0 --json | jq   only what comes from now on, as JSON
  audit tail ./audit --kind control        what the audit layer says about itself

Ctrl-C ends -f the way it ends other programs: by the signal. Everything printed is complete.")]
pub(crate) struct Tail {
    /// A trail: its root (the folder with 00/, 01/, …) or one writer's folder
    #[arg(value_name = "SOURCE")]
    pub(crate) source: PathBuf,
    /// Go on with what is written from now on
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many of the newest matching records to show first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub(crate) lines: usize,
    #[command(flatten)]
    pub(crate) look: Look,
    #[command(flatten)]
    pub(crate) filter: Filter,
}

/// Find records
///
/// Prints every record that matches: in the order written within a writer, the writers merged by
/// time. Works while the application runs.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit query ./audit --since today --user ann
  audit query ./audit --since yesterday --until today --status '>=500'
  audit query ./audit --path '/orders/*' --method post,put
  audit query ./audit --outcome panicked,service_error -v
  audit query ./audit --request-id 0193a5b2-7c1d-7e3f-8a4b-5c6d7e8f9a0b --json
  audit query ./audit --json | jq -r '.request.path' | sort | uniq -c | sort -rn

Nothing that matches is no error: nothing is printed and the exit code is 0.")]
pub(crate) struct Query {
    /// A trail: its root (the folder with 00/, 01/, …) or one writer's folder
    #[arg(value_name = "SOURCE")]
    pub(crate) source: PathBuf,
    /// Stop after N records, the oldest ones (for the newest: audit tail -n N)
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    #[command(flatten)]
    pub(crate) look: Look,
    #[command(flatten)]
    pub(crate) filter: Filter,
}

/// Show what a record would hold of a body
///
/// Reads a body on stdin, masks it as a record would hold it, and prints one JSON object:
/// `state`, `reason` when nothing is kept, `body`, and `masked`, the places that were masked. All
/// formats that are understood are on (JSON, form, multipart, XML, text, NDJSON and SSE), unless a
/// configuration says which.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  echo '{\"user\":\"ann\",\"password\":\"x\"}' | audit mask --content-type application/json
  audit mask --content-type application/json --fields salary,'$.items[*].pin' < order.json
  audit mask --content-type text/plain --no-builtin --detect card,jwt < note.txt
  audit mask --content-type application/json --limit 100 < long.json
  audit mask --content-type application/json --config audit.toml --rule orders < order.json

A body of which nothing is kept is no error: its state is `omitted`, and the exit code is 0.")]
pub(crate) struct Mask {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Mask as this rule of the configuration does
    #[arg(long, value_name = "NAME", requires = "config")]
    pub(crate) rule: Option<String>,
    /// The body's Content-Type, with its parameters; without it, the body is looked at
    #[arg(long, value_name = "TYPE", default_value = "", hide_default_value = true)]
    pub(crate) content_type: String,
    /// Mask these too: names, `$.path.to[*].field`
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,
    /// Do not mask these, though a name says so
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) except: Vec<String>,
    /// Do not mask the built-in names (password, token, …)
    #[arg(long)]
    pub(crate) no_builtin: bool,
    /// How: redact, remove, last4 or pseudonym (with a secret made for this run)
    /// [default: as configured, else redact]
    #[arg(long, value_name = "HOW")]
    pub(crate) how: Option<How>,
    /// Look inside of texts for: jwt, pem, card, key
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) detect: Vec<Detector>,
    /// Keep so many bytes of the body [default: as configured, else 8192]
    #[arg(long, value_name = "BYTES")]
    pub(crate) limit: Option<usize>,
}

/// Print the pseudonyms that stand for values in records
///
/// Reads values on stdin, one a line (not as arguments, which other users can see), and prints
/// the pseudonym of each: look for it with `audit query`, or in the trail with grep.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  echo ann@example.com | audit pseudonym --secret ./audit.secret --field email
  echo 4711 | audit pseudonym --secret ./audit.secret --field customer_no --number --tenant acme

The field is the selector as it is configured; a built-in name is told by the record's `masked`.")]
pub(crate) struct Pseudonym {
    /// The service's secret, made beside its trail
    #[arg(long, value_name = "FILE")]
    pub(crate) secret: PathBuf,
    /// The selector under which the value is masked
    #[arg(long, value_name = "NAME")]
    pub(crate) field: String,
    /// The tenant of the record; none for records without one
    #[arg(long, value_name = "TENANT", default_value = "", hide_default_value = true)]
    pub(crate) tenant: String,
    /// The values are JSON numbers, not texts
    #[arg(long)]
    pub(crate) number: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Watch a small shop being audited
///
/// Starts a shop inside this program, sends it requests, shows their records as they come, says
/// what there is to see, and then shows the commands to look at them with. Opens no port, and
/// writes only to a fresh folder in TMPDIR, which it removes: also on Ctrl-C.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit demo                  five seconds of it
  audit demo --seconds 60     time to watch
  audit demo --keep           leave the trail, to try the commands on")]
pub(crate) struct Demo {
    /// How long requests are sent, in seconds (all kinds of them are sent once at least)
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub(crate) seconds: u64,
    /// Keep the trail, and say where it is
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Print the JSON as stored, one record a line
    ///
    /// Byte for byte as stored. Only where it goes to a terminal are characters that would act
    /// on it (such as U+009B or U+202E) written as JSON escapes.
    #[arg(long, conflicts_with = "verbose")]
    pub(crate) json: bool,
    /// Print the whole record, indented, below its line
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Cli::command().get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Examples:"), "{}", command.get_name());
        }
    }

    #[test]
    fn what_is_not_yet_there_is_refused_as_wrong_use() {
        for name in ["serve", "tial"] {
            let error = Cli::try_parse_from(["audit", name]).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(name));
        }
    }
}
