//! The one secret: it keys pseudonyms (and, later, sampling), each in its own domain.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// 32 secret bytes that key pseudonyms.
///
/// The same value gives the same pseudonym under one secret, so records of one session belong
/// together without the session id being readable. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// From 32 bytes that nobody else knows.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A fresh secret from the system's random source. Pseudonyms made with it cannot be
    /// compared with those of another run, unless it is kept.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The bytes, to keep them in a file that only the service can read.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Tells one secret from another without saying anything of either: eight hex digits.
    pub(crate) fn key_id(&self) -> String {
        let id = u128::from_be_bytes(self.pseudonym("key id", b""));
        format!("{:08x}", id >> 96)
    }

    /// HMAC-SHA-256 of `value` in `domain`. Two domains give unrelated results.
    pub(crate) fn pseudonym(&self, domain: &str, value: &[u8]) -> [u8; 16] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes a key of any length")
        };
        mac.update(domain.as_bytes());
        mac.update(&[0]);
        mac.update(value);
        let mut short = [0; 16];
        short.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        short
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_in_a_domain_and_unrelated_across() {
        let secret = Secret::new([7; 32]);
        let one = secret.pseudonym("session", b"abc");
        assert_eq!(one, secret.pseudonym("session", b"abc"));
        assert_ne!(one, secret.pseudonym("field", b"abc"));
        assert_ne!(one, Secret::new([8; 32]).pseudonym("session", b"abc"));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new([7; 32])), "Secret([redacted])");
    }
}
