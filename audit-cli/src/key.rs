//! The public key that `--key` names.

use std::{fs, path::Path};

use audit_trail::VerifyingKey;

use crate::exit::Failure;

/// The key in a file of this name, or the key itself.
pub(crate) fn key(text: &str) -> Result<VerifyingKey, Failure> {
    let wrong = |error: audit_trail::BadKey| Failure::Usage(format!("--key {text}: {error}"));
    match VerifyingKey::parse(text) {
        Ok(key) => Ok(key),
        Err(error) if text.contains('+') && !Path::new(text).exists() => Err(wrong(error)),
        Err(_) => VerifyingKey::parse(&read(Path::new(text))?).map_err(wrong),
    }
}

/// A small file of text.
pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file)
        .map_err(|error| Failure::Io(format!("cannot read {}: {error}", file.display())))
}
