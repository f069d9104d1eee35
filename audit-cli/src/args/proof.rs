//! The commands about what a trail proves.

use std::path::PathBuf;

use clap::Args;

/// Check that a trail still is what was signed
///
/// Reads every line once and compares it with the checkpoints that were signed when it was written:
/// in the files, and those given with --anchor. Works while the application runs. What was signed
/// and changed is named by file, line and record; an edit that keeps the form, by the two
/// checkpoints it lies between.
///
/// Exit code 1 if what was signed was changed, if the end is damaged, or if there are foreign files.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit verify ./audit                                       is it consistent in itself?
  audit verify ./audit --key audit.pub                       was it signed by this key?
  audit verify ./audit --key audit.pub --anchor friday.note  does it still hold what it held on Friday?
  audit verify ./audit/00 --json | jq .integrity

Without --key the key is the one in the trail, which whoever changed the trail may have replaced too.
Without --anchor a trail that was put back to an older state cannot be told from a whole one: keep
copies of the file `checkpoint` elsewhere.")]
pub(crate) struct Verify {
    /// A trail root, or one writer's folder
    #[arg(value_name = "DIR")]
    pub(crate) source: PathBuf,
    /// The public key: a file that holds it (a copy of verifier.key), or the key itself
    #[arg(long, value_name = "FILE_OR_KEY")]
    pub(crate) key: Option<String>,
    /// A checkpoint that was kept elsewhere; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Vec<PathBuf>,
    /// Print one JSON object for each writer
    #[arg(long)]
    pub(crate) json: bool,
}

/// Make a key that signs trails
///
/// Writes the private key to a file that only you can read, and prints the public key, which
/// `audit verify --key` takes. Name the file in trail.key, or put its line into the environment
/// variable `AUDIT_SIGNING_KEY`. Without one a trail makes its own beside its root.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  audit keygen /etc/shop/audit.key > audit.pub
  audit keygen /etc/shop/audit.key --name shop --json")]
pub(crate) struct Keygen {
    /// Where the private key goes; a file that exists is left as it is
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The key's name, told with each signature
    #[arg(long, default_value = "audit")]
    pub(crate) name: String,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
