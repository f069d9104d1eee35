//! Ed25519 keys in the spelling of C2SP signed notes.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};

use crate::{
    TrailError,
    secret::make_private,
    tree::{hex, unhex},
};

/// The kind of key that signs notes with Ed25519.
const ED25519: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";

/// A text that is no key: what is expected, and never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no {expected}")]
pub struct BadKey {
    expected: &'static str,
}

const NO_PRIVATE: BadKey = BadKey {
    expected: "private key: one line, `PRIVATE+KEY+name+id+base64`, as `audit keygen` prints",
};
const NO_PUBLIC: BadKey =
    BadKey { expected: "public key: one line, `name+id+base64`, as in the file verifier.key" };

/// The key that signs the checkpoints of a trail. Whoever has it can rewrite what no checkpoint
/// outside of the trail covers.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

/// The key that tells whether a checkpoint was signed by the other one.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key: ed25519_dalek::VerifyingKey,
}

impl SigningKey {
    /// A new key from the system's random source. What a name may not hold (anything but
    /// `A-Z a-z 0-9 . _ -`) is replaced by `_`.
    ///
    /// # Errors
    ///
    /// Where the system has no randomness to give.
    pub fn generate(name: &str) -> std::io::Result<Self> {
        use rand::TryRng as _;
        let mut seed = [0; 32];
        rand::rngs::SysRng.try_fill_bytes(&mut seed).map_err(std::io::Error::other)?;
        Ok(Self { name: plain(name), key: ed25519_dalek::SigningKey::from_bytes(&seed) })
    }

    /// From its one line.
    ///
    /// # Errors
    ///
    /// When it is not what [`to_text`](Self::to_text) gives.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let text = text.trim_end_matches(['\r', '\n']);
        let (name, id, bytes) = text.strip_prefix(PRIVATE).and_then(fields).ok_or(NO_PRIVATE)?;
        let key = Self { name, key: ed25519_dalek::SigningKey::from_bytes(&bytes) };
        if key.verifying_key().id() != id {
            return Err(NO_PRIVATE);
        }
        Ok(key)
    }

    /// Its one line, without line feed. Keep it secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        let id = hex(&self.verifying_key().id());
        format!("{PRIVATE}{}+{id}+{}", self.name, tagged(self.key.as_bytes()))
    }

    /// Writes its one line to a file that only its owner can read, and not over one that exists.
    ///
    /// # Errors
    ///
    /// When there is such a file, or it cannot be made.
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<(), TrailError> {
        let path = path.as_ref();
        let disk: std::sync::Arc<dyn crate::disk::Disk> = std::sync::Arc::new(crate::disk::Os);
        match make_private(path, &format!("{}\n", self.to_text()), &disk)? {
            true => Ok(()),
            false => Err(TrailError::Key {
                path: path.to_owned(),
                why: "it exists already, and is left as it is: name another file".to_owned(),
            }),
        }
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// The signature of a text.
    pub(crate) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.key.sign(text).to_bytes()
    }
}

/// Not the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("name", &self.name).finish_non_exhaustive()
    }
}

impl VerifyingKey {
    /// From its one line, a C2SP vkey.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let text = text.trim_end_matches(['\r', '\n']);
        let (name, id, bytes) = fields(text).ok_or(NO_PUBLIC)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| NO_PUBLIC)?;
        let key = Self { name, key };
        // A weak key verifies signatures that nobody made.
        if key.id() != id || key.key.is_weak() {
            return Err(NO_PUBLIC);
        }
        Ok(key)
    }

    /// Its name: that of the root.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', ED25519])
            .chain_update(self.key.as_bytes())
            .finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// Whether the signature is this key's, of this text.
    pub(crate) fn verifies(&self, text: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.key.verify_strict(text, &signature).is_ok()
    }
}

/// Its one line, without line feed.
impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, hex(&self.id()), tagged(self.key.as_bytes()))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

fn tagged(bytes: &[u8; 32]) -> String {
    STANDARD.encode([&[ED25519][..], bytes].concat())
}

/// `name+id+base64(1 ‖ 32 bytes)`.
fn fields(text: &str) -> Option<(String, [u8; 4], [u8; 32])> {
    let (name, rest) = text.split_once('+')?;
    let (id, key) = rest.split_once('+')?;
    let bytes = STANDARD.decode(key).ok()?;
    let bytes: [u8; 32] = bytes.strip_prefix(&[ED25519])?.try_into().ok()?;
    let known = !name.is_empty() && plain(name) == name;
    known.then_some((name.to_owned(), unhex(id.as_bytes())?, bytes))
}

fn plain(name: &str) -> String {
    let fit = |c: char| match c {
        'A'..='Z' | 'a'..='z' | '0'..='9' | '.' | '_' | '-' => c,
        _ => '_',
    };
    let name: String = name.chars().take(64).map(fit).collect();
    if name.is_empty() { "trail".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_one_spelling_each() {
        let key = SigningKey::generate("my trail").unwrap();
        let text = key.to_text();
        assert!(text.starts_with("PRIVATE+KEY+my_trail+"));
        assert_eq!(SigningKey::parse(&format!("{text}\n")).unwrap().to_text(), text);
        let public = key.verifying_key();
        assert_eq!(VerifyingKey::parse(&public.to_string()).unwrap(), public);
        // The last of its fields, which may have plus signs of its own.
        let secret = text.splitn(5, '+').last().unwrap();
        assert!(secret.len() > 40 && !format!("{key:?}").contains(secret));
        let vkey = public.to_string();
        for wrong in [
            vkey.replace("my_trail", "other"),
            vkey.replacen('+', " ", 1),
            format!(" {vkey}"),
            format!("{vkey}="),
            vkey[..vkey.len() - 1].to_owned(),
            text.clone(),
            String::new(),
        ] {
            assert_eq!(VerifyingKey::parse(&wrong), Err(NO_PUBLIC), "{wrong}");
        }
        let error = SigningKey::parse(&vkey).unwrap_err().to_string();
        assert!(error.contains("audit keygen") && !error.contains(&vkey), "{error}");
    }

    #[test]
    fn line_ends_behind_a_key_are_not_looked_at() {
        let key = SigningKey::generate("k").unwrap();
        for end in ["", "\n", "\r\n", "\n\r\n\n"] {
            let public = format!("{}{end}", key.verifying_key());
            assert_eq!(VerifyingKey::parse(&public), Ok(key.verifying_key()));
            assert!(SigningKey::parse(&format!("{}{end}", key.to_text())).is_ok());
        }
        let twice = format!("{0}\n{0}\n", key.verifying_key());
        assert_eq!(VerifyingKey::parse(&twice), Err(NO_PUBLIC));
        let long = key.verifying_key().to_string().replacen('k', &"k".repeat(65), 1);
        assert_eq!(VerifyingKey::parse(&long), Err(NO_PUBLIC));
    }

    /// All encodings of points whose order divides 8, also those with a coordinate that is not
    /// reduced.
    #[test]
    fn keys_of_small_order_are_none() {
        for (begin, rest, end) in [
            ("00", "00", 0x00_u8),
            ("01", "00", 0x00),
            ("ec", "ff", 0x7f),
            ("ed", "ff", 0x7f),
            ("ee", "ff", 0x7f),
            ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc", "", 0x05),
            ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03", "", 0x7a),
        ] {
            for sign in [0, 0x80] {
                let text =
                    format!("{begin}{}{:02x}", rest.repeat(31 - begin.len() / 2), end | sign);
                let bytes: [u8; 32] = unhex(text.as_bytes()).unwrap();
                let id = Sha256::digest([&b"k\n\x01"[..], &bytes].concat());
                let vkey = format!("k+{}+{}", hex(&id[..4]), tagged(&bytes));
                assert_eq!(VerifyingKey::parse(&vkey), Err(NO_PUBLIC), "{text}");
            }
        }
    }

    #[test]
    fn the_example_of_the_note_specification() {
        // From the C2SP specification of signed notes.
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key = VerifyingKey::parse(vkey).unwrap();
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let bytes = STANDARD.decode(signature).unwrap();
        assert_eq!(bytes[..4], key.id());
        assert!(key.verifies(text.as_bytes(), bytes[4..].try_into().unwrap()));
        assert!(!key.verifies(b"another text\n", bytes[4..].try_into().unwrap()));
    }
}
