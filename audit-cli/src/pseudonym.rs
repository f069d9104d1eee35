//! `audit pseudonym`: which pseudonyms stand for values.

use std::io::{self, BufRead as _, Write as _};

use crate::{args::Pseudonym, exit::Failure};

pub(crate) fn run(args: &Pseudonym) -> Result<(), Failure> {
    let secret =
        audit_trail::read_secret(&args.secret).map_err(|error| Failure::Io(error.to_string()))?;
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let value =
            line.map_err(|error| Failure::Io(format!("cannot read values from stdin: {error}")))?;
        let pseudonym = secret.pseudonym_of(&args.tenant, &args.field, &value, args.number);
        match args.json {
            true => writeln!(out, "{{\"pseudonym\":\"{pseudonym}\"}}")?,
            false => writeln!(out, "{pseudonym}")?,
        }
    }
    Ok(out.flush()?)
}
