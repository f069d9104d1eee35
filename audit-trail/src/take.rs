//! The first writer directory of a root that can be written.

use std::time::Duration;

use rustix::io::Errno;

use crate::{
    TrailError,
    directory::Directory,
    files::{VERIFIER, parse_name},
    line::Event,
    lock::Lock,
    note::VerifyingKey,
    recover::{Fitness, Found, recover},
};

/// How many writers a root takes: their names have two digits.
const WRITERS: usize = 100;

/// How long a directory is left alone whose `LOCK` was removed: longer than its writer takes to find
/// out, unless it waits for the disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// A writer directory that is held and can be written.
pub(crate) struct Place {
    pub(crate) directory: Directory,
    pub(crate) lock: Lock,
    /// What was found in it; its repairs name the directories before it that were left.
    pub(crate) found: Found,
}

/// What came of a directory.
pub(crate) enum Tried {
    Fit(Box<Place>),
    /// A living process holds it.
    Held,
    /// It is left as it is, for this reason.
    Left(String),
}

/// Takes the first directory that no living process holds and that can be gone on with. One that
/// cannot be is evidence, whatever stands there: it is left as it is.
pub(crate) fn take(root: &Directory, key: &VerifyingKey) -> Result<Place, TrailError> {
    let (mut held, mut left) = (0, Vec::new());
    for number in 0..WRITERS {
        let name = format!("{number:02}");
        // In one that is made now, nothing is somebody else's fault.
        let is_new = root.stat(&name).is_err();
        let why = match root.child(&name).and_then(|directory| attempt(directory, key)) {
            Ok(Tried::Fit(mut place)) => {
                let told = |reason| Event::Repair { file: None, bytes: 0, reason };
                place.found.repairs.extend(left.into_iter().map(told));
                return Ok(*place);
            }
            Ok(Tried::Held) => {
                held += 1;
                continue;
            }
            Ok(Tried::Left(why)) => why,
            Err(error) if error.is_of_a_directory() && !is_new => error.to_string(),
            Err(error) => return Err(error),
        };
        left.push(format!("{name} was left as it is: {why}"));
    }
    Err(TrailError::Occupied { root: root.path().to_owned(), held, left })
}

/// Where `LOCK` was removed, a writer that lives leaves the directory meanwhile.
fn wait_for_who_lost_it(directory: &Directory, lock: &Lock) {
    let used = |names: Vec<String>| names.iter().any(|name| parse_name(name).is_some());
    if lock.is_new && directory.names().is_ok_and(used) {
        std::thread::sleep(PATIENCE);
    }
}

/// Takes a directory that no living process holds, and makes it fit.
pub(crate) fn attempt(directory: Directory, key: &VerifyingKey) -> Result<Tried, TrailError> {
    let Some(lock) = Lock::take(&directory)? else { return Ok(Tried::Held) };
    wait_for_who_lost_it(&directory, &lock);
    let found = match recover(&directory, key)? {
        Fitness::Fit(found) => *found,
        Fitness::Left(why) => return Ok(Tried::Left(why)),
    };
    match directory.create_whole(VERIFIER, format!("{key}\n").as_bytes()) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => {
            return Err(TrailError::io("write verifier.key in", directory.path(), error));
        }
    }
    Ok(Tried::Fit(Box::new(Place { directory, lock, found })))
}
