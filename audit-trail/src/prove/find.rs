//! Finding a record by its id, without hashing what is passed.

use std::{borrow::Cow, io, path::Path};

use super::segments;
use crate::{
    ReadError,
    files::file_name,
    line::{self, Lines, Next},
    read::open_file,
};

/// Where an id stands.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The first record that has it as its id.
    pub(super) seq: Option<u64>,
    /// The first record that holds it as another member's value, such as a request's id.
    pub(super) elsewhere: Option<u64>,
}

#[derive(serde::Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

/// Looks through a directory for a record with this id.
pub(super) fn by_id(path: &Path, id: &str) -> Result<Found, ReadError> {
    let quoted = serde_json::Value::from(id).to_string();
    let needle = memchr::memmem::Finder::new(quoted.as_bytes());
    let mut found = Found::default();
    for from in segments(path)? {
        let path = path.join(file_name(from));
        let file = match open_file(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(ReadError::io(&path, error));
            }
            // Pruned since it was listed, or no file.
            Err(_) => continue,
        };
        let mut lines = Lines::at(0);
        loop {
            match lines.next(&file).map_err(|error| ReadError::io(&path, error))? {
                Next::Line(line) if needle.find(line).is_some() => see(line, id, &mut found),
                Next::Line(_) | Next::TooLong => {}
                Next::End(_) => break,
            }
            if found.seq.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

fn see(line: &[u8], id: &str, found: &mut Found) {
    let Ok(parts) = line::record(line) else { return };
    match serde_json::from_slice::<Told<'_>>(line) {
        Ok(told) if told.id.as_deref() == Some(id) => found.seq = Some(parts.seq),
        _ => found.elsewhere = found.elsewhere.or(Some(parts.seq)),
    }
}
