//! Detectors: what is a secret by its own look, whatever it is called.

/// Finds secrets inside of texts by their own look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Detector {
    /// JSON web tokens: three parts of base64url, the first of which is a JSON object.
    Jwt,
    /// PEM blocks: keys and certificates.
    Pem,
    /// Numbers of payment cards: 12 to 19 digits, spaces and dashes between them allowed, whose
    /// check digit is right.
    Card,
    /// Keys of well-known services, told by their prefix.
    Key,
}

impl Detector {
    /// Every detector.
    pub const ALL: [Self; 4] = [Self::Jwt, Self::Pem, Self::Card, Self::Key];

    /// The spelling used in settings and in `masked`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Pem => "pem",
            Self::Card => "card",
            Self::Key => "key",
        }
    }
}

/// A text that is no detector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of: jwt, pem, card, key")]
pub struct UnknownDetector(String);

impl std::str::FromStr for Detector {
    type Err = UnknownDetector;

    fn from_str(text: &str) -> Result<Self, UnknownDetector> {
        let named = Self::ALL.into_iter().find(|detector| detector.as_str() == text);
        named.ok_or_else(|| UnknownDetector(text.to_owned()))
    }
}

/// A set of detectors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Detectors {
    on: [bool; Detector::ALL.len()],
}

impl Detectors {
    pub(super) fn extend(&mut self, detectors: impl IntoIterator<Item = Detector>) {
        detectors.into_iter().for_each(|detector| self.on[detector as usize] = true);
    }

    pub(super) fn any(&self) -> bool {
        self.on.contains(&true)
    }

    pub(super) fn has(&self, detector: Detector) -> bool {
        self.on[detector as usize]
    }
}
