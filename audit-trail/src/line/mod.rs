//! One line of a segment: how it is built and how it is judged.

mod announced;
mod check;
mod control;
mod encode;
mod json;
mod leaf;
mod redact;
mod split;

pub(crate) use self::{
    announced::{Told, core_of, interrupted, told},
    check::{GROUPS, Parts, bits, control_op, is_of_a_start, record},
    control::Event,
    encode::encode,
    leaf::leaf,
    redact::redact,
    split::{Lines, Next},
};

#[cfg(test)]
pub(crate) use self::leaf::{commitment, salt_of};

/// The most a line takes, with its line feed, in bytes.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// The highest sequence number: it fits a signed 64-bit column, and 19 digits.
pub(crate) const MAX_SEQ: u64 = i64::MAX as u64;

/// Where `byte` first occurs.
fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    memchr::memchr(byte, bytes)
}
