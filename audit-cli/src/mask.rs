//! `audit mask`: what a record would hold of a body.

use std::io::{self, Read as _, Write as _};

use audit_core::{BadSelector, BodyMasker, MaskRules};

use crate::{args::Mask, exit::Failure};

pub(crate) fn run(args: &Mask) -> Result<(), Failure> {
    let rules = rules(args).map_err(|error| Failure::Usage(error.to_string()))?;
    // One byte more tells a body that ends at the limit from one that goes on.
    let most = u64::try_from(args.limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut body = Vec::new();
    io::stdin()
        .lock()
        .take(most)
        .read_to_end(&mut body)
        .map_err(|error| Failure::Io(format!("cannot read the body from stdin: {error}")))?;
    let masked = BodyMasker::new(rules).body(&args.content_type, &body, args.limit);
    let mut out = io::stdout().lock();
    writeln!(out, "{}", masked.to_json())?;
    Ok(out.flush()?)
}

fn rules(args: &Mask) -> Result<MaskRules, BadSelector> {
    MaskRules::new()
        .built_in(!args.no_builtin)
        .how(args.how.clone())
        .detect(args.detect.iter().copied())
        .fields(args.fields.iter().filter(|field| !field.is_empty()))?
        .except(args.except.iter().filter(|field| !field.is_empty()))
}
