//! Signed notes: the keys, and the checkpoints they sign.

mod checkpoint;
mod key;

pub(crate) use self::checkpoint::{Checkpoint, from_line, to_line};
pub use self::key::{BadKey, SigningKey, VerifyingKey};
