//! How far back requests are looked for that were announced and have no record.

use std::fs::File;

use rustix::fs::OFlags;

use crate::{
    TrailError,
    announced::{Note, Unrecorded},
    directory::{Directory, size},
    files::file_name,
    line::Event,
};

/// Where the note tells nothing, segments of so many bytes are read.
const MOST: u64 = 1 << 30;

/// The first of these segments, which are in order, that has to be read, by its place.
pub(super) fn first(directory: &Directory, segments: &[u64], note: Note) -> usize {
    match note {
        Note::Missing => segments.len(),
        Note::At(oldest) => segments.partition_point(|from| *from <= oldest).saturating_sub(1),
        Note::Damaged => {
            let mut left = MOST;
            let fits = |from: &&u64| {
                let len = directory.stat(&file_name(**from)).map_or(0, |stat| size(&stat));
                let fits = len <= left;
                left = left.saturating_sub(len);
                fits
            };
            segments.len() - segments.iter().rev().take_while(fits).count()
        }
    }
}

/// Reads segments for such requests.
pub(super) fn look(
    directory: &Directory,
    segments: &[u64],
    requests: &mut Unrecorded,
) -> Result<(), TrailError> {
    for from in segments {
        let name = file_name(*from);
        // Of what cannot be read nothing can be told; the reader says so.
        if let Ok(file) = directory.open(&name, OFlags::RDONLY) {
            let path = directory.file_path(&name);
            let looked = requests.look_at(&File::from(file));
            looked.map_err(|error| TrailError::io("read", &path, error))?;
        }
    }
    Ok(())
}

/// What is told where the note was none.
pub(super) fn told(segments: &[u64], first: usize) -> Event {
    let what = match segments.get(first).filter(|_| first > 0) {
        Some(from) => {
            format!("those that were announced before {} may have no record", file_name(*from))
        }
        None => "all segments were read for requests without a record".to_owned(),
    };
    let reason = format!("its file `announced` was none that a writer has left: {what}");
    Event::Repair { file: None, bytes: 0, reason }
}
