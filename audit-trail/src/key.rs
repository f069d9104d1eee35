//! The private key of a trail: where it is found, and how it is made.

use std::{path::Path, sync::Arc};

use crate::{
    TrailError,
    disk::Disk,
    note::SigningKey,
    secret::{load_private, make_private},
};

/// Holds the private key itself, where no file is named.
const VARIABLE: &str = "AUDIT_SIGNING_KEY";

/// The key of the trail called `name`: of the file that was named, of the environment, or of the
/// file beside the root, where one is made when it is missing.
pub(crate) fn of_trail(
    named: Option<&Path>,
    beside: &Path,
    name: &str,
    disk: &Arc<dyn Disk>,
) -> Result<SigningKey, TrailError> {
    if let Some(key) = given(named)? {
        return Ok(key);
    }
    loop {
        if let Some(key) = load(beside)? {
            return Ok(key);
        }
        let random = |error| TrailError::io("make a key for", beside, error);
        let key = SigningKey::generate(name).map_err(random)?;
        // Where another process made one meanwhile, that one counts.
        if make_private(beside, &format!("{}\n", key.to_text()), disk)? {
            tracing::info!(
                target: "audit",
                file = %beside.display(),
                public = %key.verifying_key(),
                "a key was made that signs the trail; keep a copy of its public half elsewhere"
            );
            return Ok(key);
        }
    }
}

/// The key of a trail that has one: found likewise, and never made.
pub(crate) fn existing(named: Option<&Path>, beside: &Path) -> Result<SigningKey, TrailError> {
    if let Some(key) = given(named)? {
        return Ok(key);
    }
    let missing = || TrailError::Key {
        path: beside.to_owned(),
        why: format!(
            "it is not there: name the file with the private key that signs this trail, or put its line \
             into {VARIABLE}"
        ),
    };
    load(beside)?.ok_or_else(missing)
}

/// The key of the file that was named, or of the environment.
fn given(named: Option<&Path>) -> Result<Option<SigningKey>, TrailError> {
    if let Some(path) = named {
        let missing = || TrailError::Key {
            path: path.to_owned(),
            why: "it is not there: make one with `audit keygen`, or name no key".to_owned(),
        };
        return load(path)?.ok_or_else(missing).map(Some);
    }
    if let Some(text) = std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) {
        return SigningKey::parse(&text.to_string_lossy()).map(Some).map_err(|error| {
            TrailError::Key {
                path: format!("the environment variable {VARIABLE}").into(),
                why: error.to_string(),
            }
        });
    }
    Ok(None)
}

fn load(path: &Path) -> Result<Option<SigningKey>, TrailError> {
    let Some(text) = load_private(path)? else { return Ok(None) };
    let key = SigningKey::parse(&String::from_utf8_lossy(&text));
    key.map(Some).map_err(|error| TrailError::Key { path: path.to_owned(), why: error.to_string() })
}
