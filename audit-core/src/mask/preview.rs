//! The masker outside of an auditor.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    MaskRules,
    body::{Body, body},
    how::{Keys, pseudonym},
    list::MaskedList,
    names::Known,
    part::Part,
    scope::{STRINGS, Scope},
};
use crate::{CaptureState, OmitReason, Secret, record::Masked};

/// Masks bodies as records hold them, without an auditor: to try rules out, and for programs that
/// show bodies elsewhere.
///
/// ```
/// use audit_core::{BodyMasker, CaptureState, MaskRules};
///
/// let mut masker = BodyMasker::new(MaskRules::new());
/// let masked = masker.body("application/json", br#"{"user":"ann","password":"x"}"#, 8192);
/// assert_eq!(masked.state, CaptureState::Full);
/// assert_eq!(masked.body.unwrap().get(), r#"{"user":"ann","password":"[redacted]"}"#);
/// ```
#[derive(Debug)]
pub struct BodyMasker {
    rules: MaskRules,
    secret: Secret,
    tenant: String,
    list: MaskedList,
    known: Known,
}

/// A body as a record holds it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MaskedBody {
    /// How much of it is held.
    pub state: CaptureState,
    /// Why nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<OmitReason>,
    /// The body: as it stands if it is one JSON value, else as a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
    /// The places that were masked.
    pub masked: Vec<Masked>,
}

impl BodyMasker {
    /// With these rules and a secret of its own, which nobody else has.
    #[must_use]
    pub fn new(rules: MaskRules) -> Self {
        Self {
            rules,
            secret: Secret::random(),
            tenant: String::new(),
            list: MaskedList::default(),
            known: Known::default(),
        }
    }

    /// The secret that keys pseudonyms.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = secret;
        self
    }

    /// The tenant whose pseudonyms are made.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Masks one body. Of a body longer than `limit` bytes, the beginning is kept. An empty
    /// `content_type` stands for none.
    pub fn body(&mut self, content_type: &str, bytes: &[u8], limit: usize) -> MaskedBody {
        let (kept, cut) = match bytes.get(..limit) {
            Some(kept) if kept.len() < bytes.len() => (kept, true),
            _ => (bytes, false),
        };
        self.list.clear();
        let mut scope = Scope {
            rules: &self.rules,
            part: Part::RequestBody,
            list: &mut self.list,
            keys: Keys { secret: &self.secret, tenant: &self.tenant },
            known: &mut self.known,
            strings: STRINGS,
            masked: 0,
        };
        let state = if cut { CaptureState::Truncated } else { CaptureState::Full };
        let (state, reason, body) = match body(content_type.as_bytes(), kept, cut, &mut scope) {
            Ok(Body::Value(json)) => (state, None, RawValue::from_string(json).ok()),
            Ok(Body::Text(text)) => (state, None, serde_json::value::to_raw_value(&text).ok()),
            Err(reason) => (CaptureState::Omitted, Some(reason), None),
        };
        let masked = self.list.iter().map(|(part, sel)| Masked {
            part: part.as_str().to_owned(),
            field: self.rules.shown(sel).to_owned(),
            how: self.rules.how_of(sel).as_str().to_owned(),
        });
        MaskedBody { state, reason, body, masked: masked.collect() }
    }
}

impl Secret {
    /// The pseudonym that stands in records for `value` under a field that is masked with
    /// [`How::Pseudonym`](crate::How::Pseudonym), to look for it: `hmac-sha256:KEYID:HEX`. `field`
    /// is the selector as it was configured; `tenant` is empty where requests have none. The text
    /// `1` and the `number` 1 have different ones.
    #[must_use]
    pub fn pseudonym_of(&self, tenant: &str, field: &str, value: &str, number: bool) -> String {
        let kind = if number { "number" } else { "string" };
        pseudonym(self, tenant, field, kind, value)
    }
}
