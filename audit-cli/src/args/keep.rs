//! The commands that take things out of a trail, and the one that keeps them in.

use std::path::PathBuf;

use audit_core::{Group, Timestamp};
use clap::Args;

use crate::when;

/// Redact groups of records, and leave the proof of the rest
///
/// Replaces the values of whole groups (actor, request, response, event, change, metadata, error) by the
/// hashes that the trail was signed with: `audit verify` still passes, and says how many records were redacted. That
/// they may be is first put on record, signed. Works while the application runs, and again where
/// it was interrupted.
///
/// Exit code 1 if there is no such record, or a hold keeps it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit redact ./audit 0193a5b2-7c1d-7e3f-8a4b-5c6d7e8f9a0b --group request,response --reason case-7
  audit redact ./audit 00/17 --dry-run
  audit query ./audit --path /import --json | jq -r .id | xargs audit redact ./audit --group request

What is redacted cannot be brought back. Backups and copies of the trail are yours to redact.")]
pub(crate) struct Redact {
    /// A trail root, or one writer's folder
    #[arg(value_name = "DIR")]
    pub(crate) source: PathBuf,
    /// Records: their `id`s, or their places: NN/SEQ, or SEQ where there is one writer. Of a strict
    /// request, its announcement is redacted too
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    /// These groups only [default: all]
    #[arg(long, alias = "groups", value_name = "A,B", value_delimiter = ',')]
    pub(crate) group: Vec<Group>,
    #[command(flatten)]
    pub(crate) how: Change,
}

/// Erase a person from a trail
///
/// Redacts all groups of every record whose actor is this user, by name or id, and of what announced such a
/// request: see `audit redact`. Then tells how many records of theirs came meanwhile, and how many others mention them; --mentions redacts the groups that do, too.
///
/// Exit code 1 if a hold keeps a record of theirs.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit erase ./audit --user ann --dry-run
  audit erase ./audit --user ann@example.com --mentions --reason request-2026-114

The reason stays for ever: name a case, not the person. Where users are recorded as pseudonyms, give the
pseudonym (`audit pseudonym`). What is erased cannot be brought back. Backups are yours to redact.")]
pub(crate) struct Erase {
    /// A trail root, or one writer's folder
    #[arg(value_name = "DIR")]
    pub(crate) source: PathBuf,
    /// The user's name or id, exact
    #[arg(long, value_name = "U")]
    pub(crate) user: String,
    /// Redact the groups of other records, too, in which it occurs as a word
    #[arg(long)]
    pub(crate) mentions: bool,
    #[command(flatten)]
    pub(crate) how: Change,
}

/// Remove old records
///
/// Removes segments, the files of a trail, all of whose records began before a time; the one that is
/// written stays. That they may go is first put on record, signed, so that `audit verify` still passes. Holds,
/// forwarders that are behind, and strict requests without a record hold it back. Works while the
/// application runs.
///
/// Nothing is removed from a trail that does not verify, nor without a checkpoint that was kept elsewhere and covers
/// what goes (--anchor): exit code 1.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit prune ./audit --before 90d --dry-run
  audit prune ./audit --before 90d --anchor /mnt/elsewhere/00.checkpoint
  audit prune ./audit --before 2026-01-01 --force --reason retention-2025")]
pub(crate) struct Prune {
    /// A trail root, or one writer's folder
    #[arg(value_name = "DIR")]
    pub(crate) source: PathBuf,
    /// Records that began before TIME: an age such as 90d, or a time as for `audit query --since`
    #[arg(long, alias = "older-than", value_name = "TIME", value_parser = when::parse)]
    pub(crate) before: Timestamp,
    /// A checkpoint that was kept elsewhere; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Vec<PathBuf>,
    /// Also without a checkpoint that was kept elsewhere
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) how: Change,
}

/// Keep records from being removed or redacted
///
/// Places a hold on a whole trail, or on the records that began in a time: while it is in force, `audit prune`,
/// `audit redact` and `audit erase` leave them alone. A hold, and its end, are signed records of the trail: nobody
/// takes one away unseen. Without a name, lists the holds in force.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit hold ./audit case-7 --since 2026-03-01 --until 2026-04-01 --reason 'subpoena 114'
  audit hold ./audit
  audit hold ./audit case-7 --release --reason 'closed by counsel'")]
pub(crate) struct Hold {
    /// A trail root; a hold counts for all writers in it
    #[arg(value_name = "DIR")]
    pub(crate) source: PathBuf,
    /// What the hold is called
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Records that began at TIME or later [default: all before --until]
    #[arg(long, value_name = "TIME", value_parser = when::parse, requires = "name")]
    pub(crate) since: Option<Timestamp>,
    /// Records that began before TIME [default: all, also those to come]
    #[arg(long, value_name = "TIME", value_parser = when::parse, requires = "name")]
    pub(crate) until: Option<Timestamp>,
    /// End the hold
    #[arg(long, requires = "name", conflicts_with_all = ["since", "until"])]
    pub(crate) release: bool,
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// Print one JSON object for each hold
    #[arg(long)]
    pub(crate) json: bool,
}

/// What all of them take.
#[derive(Args, Debug)]
pub(crate) struct Change {
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// Only tell what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object for each writer
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Signing {
    /// The file with the trail's private key
    /// [default: what `AUDIT_SIGNING_KEY` holds, else the file beside the root, its name with .key]
    #[arg(long, value_name = "FILE")]
    pub(crate) signing_key: Option<PathBuf>,
    /// Why, for ever on record: one line, nothing personal
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}
