//! The commands about one record, for whoever does not have the trail.

use std::path::PathBuf;

use audit_core::Group;
use clap::Args;

/// Make a proof of one record, for somebody who does not have the trail
///
/// The proof is a small text: the record, the hashes that lead from it to the root of the tree of all
/// records, and the latest checkpoint that covers it. With it and the public key anybody can check that
/// the record is what was written, at its place, with `audit check-proof`. Works while the application
/// runs.
///
/// It holds the record as it is: leave out with --without what is not to be shown. The proof holds
/// all the same.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit query ./audit --user ann --json | jq -r .id             which records there are
  audit prove ./audit 0193a5b2-7c1d-7e3f-8a4b-5c6d7e8f9a0b      the proof of one, to stdout
  audit prove ./audit 00/17 --out 17.tlog-proof                 the record with seq 17 in 00
  audit prove ./audit 00/17 --without actor,request             without who, and what was asked
  audit prove ./audit 00/17 --anchor friday.note                for somebody who has kept that checkpoint
  audit prove ./audit 00/17 | audit check-proof --key audit.pub

Exit code 1 if there is no such record, if no checkpoint covers it yet, or if what was signed was changed.")]
pub(crate) struct Prove {
    /// A trail root, or one writer's folder
    #[arg(value_name = "DIR")]
    pub(crate) source: PathBuf,
    /// The record: its `id`, or its place: NN/SEQ, or SEQ where there is one writer
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Leave these groups out: actor, request, response, event, change, metadata, error
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) without: Vec<Group>,
    /// The public key: a file that holds it, or the key itself [default: that in the trail]
    #[arg(long, value_name = "FILE_OR_KEY")]
    pub(crate) key: Option<String>,
    /// Prove against this checkpoint, which was kept elsewhere, and not the latest; may be given
    /// several times: then against the latest of them
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Vec<PathBuf>,
    /// Write the proof to this file, which only you can read; one that exists is left as it is
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON object; without --out it holds the proof
    #[arg(long)]
    pub(crate) json: bool,
}

/// Check a proof of one record
///
/// Needs no trail: only the proof and the public key, which must have come another way than the
/// proof. Prints what was proven, and the record.
///
/// Exit code 1 if it does not hold.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit check-proof 17.tlog-proof --key audit.pub
  audit prove ./audit 00/17 | audit check-proof --key audit.pub
  audit check-proof 17.tlog-proof --key audit.pub --json | jq .record
  audit check-proof 17.tlog-proof --key audit.pub --anchor friday.note
  audit check-proof bare.tlog-proof --key audit.pub --record line.json

It shows that the owner of the key has signed a trail that holds this record at this place; with --anchor,
that it was there already when you got that checkpoint. It does not show that the record is true, nor
what else the trail holds.")]
pub(crate) struct CheckProof {
    /// The proof; without it, or with -, it is read on stdin
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The public key: a file that holds it (a copy of verifier.key), or the key itself
    #[arg(long, value_name = "FILE_OR_KEY")]
    pub(crate) key: String,
    /// A checkpoint that you have kept: that of the proof must be the same; or one of several
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Vec<PathBuf>,
    /// A file with the record's line, in place of the record in the proof
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
