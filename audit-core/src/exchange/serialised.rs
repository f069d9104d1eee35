//! Values of the application, as JSON that fits a record.

use std::io;

use serde::Serialize;

use crate::mask;

/// Why a value cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    TooLarge,
    /// It cannot be serialised, or nests too deep, or holds what many readers refuse.
    Invalid,
}

/// At most `most` bytes of JSON without white space, nesting at most `deepest`. `Serialize` is the
/// application's code: it runs here, on its thread, and under no lock.
pub(super) fn to_json(
    value: &impl Serialize,
    most: usize,
    deepest: usize,
) -> Result<Vec<u8>, Unfit> {
    let mut out = Bounded { json: Vec::new(), most };
    match serde_json::to_writer(&mut out, value) {
        Ok(()) => {
            let mut json = out.json;
            mask::compact(&mut json);
            let readable = mask::depth(&json) <= deepest && !has_lone_surrogate(&json);
            if readable { Ok(json) } else { Err(Unfit::Invalid) }
        }
        Err(error) if error.is_io() => Err(Unfit::TooLarge),
        Err(_) => Err(Unfit::Invalid),
    }
}

/// Refuses to grow beyond the limit, so that a huge value costs no more than that.
struct Bounded {
    json: Vec<u8>,
    most: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.json.len() + bytes.len() > self.most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.json.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether raw JSON holds an escape that stands for no character, which many readers refuse.
fn has_lone_surrogate(json: &[u8]) -> bool {
    // Only raw JSON has such escapes at all: what is serialised here stands as it is.
    let suspicious = json.windows(3).any(|w| matches!(w, [b'\\', b'u', b'd' | b'D']));
    suspicious && serde_json::from_slice::<serde_json::Value>(json).is_err()
}
