//! `audit keygen`: a key that signs trails.

use std::io::{self, Write as _};

use audit_trail::SigningKey;
use serde_json::json;

use crate::{args::Keygen, exit::Failure};

pub(crate) fn run(args: &Keygen) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Io(error.to_string());
    let key = SigningKey::generate(&args.name).map_err(|error| failed(&error))?;
    key.save(&args.file).map_err(|error| failed(&error))?;
    let public = key.verifying_key();
    let mut out = io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", json!({ "public": public.to_string(), "file": args.file }))?,
        false => writeln!(out, "{public}")?,
    }
    Ok(out.flush()?)
}
