//! `audit mask`: what a record would hold of a body.

use std::io::{self, Read as _, Write as _};

use audit_core::{
    Settings,
    settings::{Origin, Reading},
};

use crate::{
    args::{Mask, Source},
    config,
    exit::Failure,
};

/// What is understood, where nobody says what is captured.
const ALL_TYPES: [&str; 7] = ["json", "form", "multipart", "xml", "text", "ndjson", "sse"];

pub(crate) fn run(args: &Mask) -> Result<(), Failure> {
    let (mut masker, limit) = settings(args)?.body_masker(args.rule.as_deref())?;
    let limit = args.limit.unwrap_or(limit);
    // One byte more tells a body that ends at the limit from one that goes on.
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut body = Vec::new();
    io::stdin()
        .lock()
        .take(most)
        .read_to_end(&mut body)
        .map_err(|error| Failure::Io(format!("cannot read the body from stdin: {error}")))?;
    let masked = masker.body(&args.content_type, &body, limit);
    let mut out = io::stdout().lock();
    writeln!(out, "{}", masked.to_json())?;
    Ok(out.flush()?)
}

/// What is configured, if anything is, and what the arguments say beside it.
fn settings(args: &Mask) -> Result<Settings, Failure> {
    let reading = match &args.source {
        Source { config: None } => Reading::default(),
        source => config::read(source)?,
    };
    let all_types = reading.origin("bodies.content_types") == Origin::Default;
    let mut settings = reading.into_settings();
    if all_types {
        settings.bodies.content_types = ALL_TYPES.map(str::to_owned).into();
    }
    let mask = &mut settings.mask;
    mask.built_in &= !args.no_builtin;
    let named =
        |texts: &[String]| texts.iter().filter(|t| !t.is_empty()).cloned().collect::<Vec<_>>();
    mask.fields.extend(named(&args.fields));
    mask.except.extend(named(&args.except));
    mask.how = args.how.clone().unwrap_or_else(|| mask.how.clone());
    mask.detectors.extend(&args.detect);
    Ok(settings)
}
