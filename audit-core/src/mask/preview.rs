//! The masker outside of an auditor.

use super::{
    How, MaskRules,
    body::{Body, body},
    how::{Keys, pseudonym},
    known::Known,
    list::MaskedList,
    part::Part,
    scope::Scope,
};
use crate::{
    CaptureState, OmitReason, Secret,
    policy::{Bodies, Described},
    record::{Masked, json as token},
};

/// Masks bodies as records hold them, without an auditor: to try rules out, and for programs that
/// show bodies elsewhere.
///
/// ```
/// use audit_core::{BodyMasker, CaptureState, MaskRules};
///
/// let mut masker = BodyMasker::new(MaskRules::new());
/// let masked = masker.body("application/json", br#"{"user":"ann","password":"x"}"#, 8192);
/// assert_eq!(masked.state, CaptureState::Full);
/// assert_eq!(masked.body.unwrap(), r#"{"user":"ann","password":"[redacted]"}"#);
/// ```
#[derive(Debug)]
pub struct BodyMasker {
    rules: MaskRules,
    secret: Secret,
    tenant: String,
    list: MaskedList,
    known: Known,
    /// Which bodies are captured at all; `None`: all that are understood.
    bodies: Option<Bodies>,
}

/// A body as a record holds it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MaskedBody {
    /// How much of it is held.
    pub state: CaptureState,
    /// Why nothing is.
    pub reason: Option<OmitReason>,
    /// The body as JSON text: as it stands if it is one JSON value, else as a string.
    pub body: Option<String>,
    /// The places that were masked.
    pub masked: Vec<Masked>,
}

impl MaskedBody {
    /// As one JSON object: `state`, `reason`, `body`, `masked`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = b"{".to_vec();
        token::text_member(&mut out, "state", self.state.as_str());
        token::optional_text(&mut out, "reason", self.reason.map(OmitReason::as_str));
        if let Some(body) = &self.body {
            token::name(&mut out, "body");
            out.extend_from_slice(body.as_bytes());
        }
        token::name(&mut out, "masked");
        let masked = serde_json::to_vec(&self.masked).unwrap_or_else(|_| b"[]".to_vec());
        out.extend_from_slice(&masked);
        out.push(b'}');
        String::from_utf8_lossy(&out).into_owned()
    }
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
            bodies: None,
        }
    }

    /// Only bodies that these settings capture.
    pub(crate) fn only(mut self, bodies: Bodies) -> Self {
        self.bodies = Some(bodies);
        self
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
        let omitted = |reason| MaskedBody {
            state: CaptureState::Omitted,
            reason: Some(reason),
            body: None,
            masked: Vec::new(),
        };
        let described = Described::of_type(content_type.as_bytes());
        if let Some(Err(reason)) = self.bodies.as_ref().map(|bodies| bodies.admit(&described)) {
            return omitted(reason);
        }
        let keys = Keys { secret: Some(&self.secret), tenant: &self.tenant };
        let part = Part::RequestBody;
        let mut scope = Scope::new(&self.rules, part, &mut self.list, keys, &self.known);
        let state = if cut { CaptureState::Truncated } else { CaptureState::Full };
        let body = match body(content_type.as_bytes(), kept, cut, &mut scope) {
            Ok(Body::Value(json)) => Some(json),
            Ok(Body::Text(text)) => {
                let mut quoted = Vec::new();
                token::string(&mut quoted, &text);
                String::from_utf8(quoted).ok()
            }
            Err(reason) => return omitted(reason),
        };
        let masked = self.list.iter().map(|(part, sel)| Masked {
            part: part.as_str().to_owned(),
            field: self.rules.shown(sel).to_owned(),
            how: self.rules.how_of(sel).as_str().to_owned(),
        });
        MaskedBody { state, reason: None, body, masked: masked.collect() }
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

/// A masked value, and the places in it that were masked: the selector, and how.
pub(crate) type MaskedValue = (Vec<u8>, Vec<(String, &'static str)>);

/// Masks one JSON value by rules of its own, where there is no secret for pseudonyms. `None`: it
/// is no JSON.
pub(crate) fn value(json: &[u8], rules: &MaskRules) -> Option<MaskedValue> {
    // One value has too few names to be worth remembering them, on the caller's thread too.
    let (mut list, known) = (MaskedList::default(), Known::none());
    let keys = Keys { secret: None, tenant: "" };
    let mut scope = Scope::new(rules, Part::Metadata, &mut list, keys, &known);
    scope.allow(json.len());
    let mut out = String::with_capacity(json.len());
    super::json::documents(&mut out, std::str::from_utf8(json).ok()?, false, &mut scope).ok()?;
    let masked = list.iter().map(|(_, sel)| {
        let how = match rules.how_of(sel) {
            How::Pseudonym => How::Redact.as_str(),
            how => how.as_str(),
        };
        (rules.shown(sel).to_owned(), how)
    });
    Some((out.into_bytes(), masked.collect()))
}
