//! The application's handle on the record of the present request.

use std::{
    fmt::{self, Display},
    sync::Arc,
};

use serde::Serialize;

use super::{
    change::Change,
    flags::Flag,
    frame::Tag,
    guard::Bounded,
    metadata::Value,
    said,
    state::{ContextState, Fields},
};
use crate::{Capture, MaskRules};

/// Adds to the record of the present request.
///
/// Cheap to clone, and usable from inner middleware, handlers and spawned tasks. What is added
/// after the request has ended is ignored. Setting the same thing again replaces it. Everything
/// passes the masker before it is written.
///
/// ```
/// # fn handler(audit: audit_core::AuditContext) {
/// audit.user("ann").tenant("acme").metadata("items", 3);
/// audit.description("order placed").reference_no("SO-42").amount("125.00", "EUR");
/// # }
/// ```
#[derive(Clone)]
pub struct AuditContext(pub(crate) Arc<ContextState>);

impl AuditContext {
    /// A handle that leads to no record: for code that runs without an audited request.
    #[must_use]
    pub fn detached() -> Self {
        Self(ContextState::ended())
    }

    /// Who: the name a person knows the user by. Cut after 256 bytes.
    pub fn user(&self, user: impl AsRef<str>) -> &Self {
        self.set(Tag::User, user.as_ref())
    }

    /// Who: the user's id in the application. Cut after 256 bytes.
    pub fn user_id(&self, id: impl AsRef<str>) -> &Self {
        self.set(Tag::UserId, id.as_ref())
    }

    /// The user's roles; at most 64 of at most 256 bytes are kept.
    pub fn roles<T: AsRef<str>>(&self, roles: impl IntoIterator<Item = T>) -> &Self {
        let roles = said::roles(roles);
        self.with(|f| f.said.roles(roles))
    }

    /// The company for which the user acts. Cut after 256 bytes.
    pub fn company_id(&self, id: impl AsRef<str>) -> &Self {
        self.set(Tag::Company, id.as_ref())
    }

    /// The branch of the company. Cut after 256 bytes.
    pub fn branch_id(&self, id: impl AsRef<str>) -> &Self {
        self.set(Tag::Branch, id.as_ref())
    }

    /// The session's id, in place of one from a cookie or header. Recorded as the settings say:
    /// as a keyed pseudonym, unless asked [otherwise](crate::SessionAs). Cut after 4 KiB.
    pub fn session(&self, id: impl AsRef<str>) -> &Self {
        self.set(Tag::Session, id.as_ref())
    }

    /// The customer. An identifier: 1 to 128 of `[A-Za-z0-9._:/-]`; anything else is refused
    /// and flagged `tenant_invalid` in the record.
    pub fn tenant(&self, tenant: impl AsRef<str>) -> &Self {
        self.identify(Tag::Tenant, tenant.as_ref(), Flag::TenantInvalid)
    }

    /// The part of the application. An identifier, like the tenant.
    pub fn module(&self, module: impl AsRef<str>) -> &Self {
        self.identify(Tag::Module, module.as_ref(), Flag::ModuleInvalid)
    }

    /// What is done. An identifier, like the tenant.
    pub fn action(&self, action: impl AsRef<str>) -> &Self {
        self.identify(Tag::Action, action.as_ref(), Flag::ActionInvalid)
    }

    /// What happened, in words. Cut after 1 KiB.
    pub fn description(&self, text: impl AsRef<str>) -> &Self {
        self.set(Tag::Description, text.as_ref())
    }

    /// The number that people know the matter by, such as that of an invoice. Cut after 256
    /// bytes.
    pub fn reference_no(&self, number: impl AsRef<str>) -> &Self {
        self.set(Tag::Reference, number.as_ref())
    }

    /// What the request was about: the type of a thing, such as `invoice`, and its id. Each is cut
    /// after 256 bytes.
    pub fn entity(&self, kind: impl AsRef<str>, id: impl AsRef<str>) -> &Self {
        let (kind, id) = (kind.as_ref(), id.as_ref());
        self.with(|f| {
            f.said.set(Tag::EntityType, kind);
            f.said.set(Tag::EntityId, id);
        })
    }

    /// An amount of money: a decimal number such as `-12.50`, written as it stands, at most 64
    /// bytes; and the code of its currency, 3 to 8 letters or digits, written in upper case.
    /// Anything else is left out and flagged `amount_invalid`. A `Display` of a decimal type will
    /// do; binary floating point is no way to hold money.
    ///
    /// ```
    /// # fn handler(audit: audit_core::AuditContext) {
    /// audit.amount("1250000", "MMK").amount(42, "EUR");
    /// # }
    /// ```
    pub fn amount(&self, amount: impl Display, currency: impl AsRef<str>) -> &Self {
        let (amount, currency) = (Bounded::of(&amount), currency.as_ref());
        self.with(|f| f.said.amount(&amount.text, currency))
    }

    /// What changed: a thing as it was and as it is. The record has both values, and a list of the
    /// members that differ, with their paths. `None` stands for nothing: a thing that was made, or
    /// deleted.
    ///
    /// Both are serialised here, on the caller's thread; they are compared later, on the writer's.
    /// Each is held to 16 KiB: one that is larger is left out and flagged `change_truncated`. One
    /// that cannot be serialised, or nests deeper than 61, is left out and flagged
    /// `change_invalid`. Fields are masked by name and path as in a body; that a masked field
    /// changed is still told.
    ///
    /// ```
    /// # fn handler(audit: audit_core::AuditContext) {
    /// #[derive(serde::Serialize)]
    /// struct Customer { name: &'static str, credit_limit: u64 }
    ///
    /// audit.change(
    ///     Customer { name: "Ann", credit_limit: 500_000 },
    ///     Customer { name: "Ann", credit_limit: 1_000_000 },
    /// );
    /// # }
    /// ```
    pub fn change(&self, old: impl Serialize, new: impl Serialize) -> &Self {
        // Before the lock: `Serialize` is the caller's code.
        let change = Box::new(Change::of(&old, &new));
        self.with(|f| f.change = Some(change))
    }

    /// What went wrong, in words, where the application knows it: `error.message`, with the kind
    /// `application`. It changes neither status nor level. Where a request ends otherwise than it
    /// should (a panic, a failing body), that is the kind, and this is the message only if there
    /// is no other. Cut after 1 KiB.
    pub fn error(&self, message: impl Display) -> &Self {
        let message = Bounded::of(&message);
        self.with(|f| {
            f.said.set(Tag::Failure, &message.text);
            if message.full {
                f.flags.set(Flag::ErrorTruncated);
            }
        })
    }

    /// The route template, for an adapter that learns it after the request's head. An earlier
    /// one stays. Cut after 1 KiB.
    pub fn route(&self, route: impl AsRef<str>) -> &Self {
        let route = route.as_ref();
        self.with(|f| {
            if !f.said.has(Tag::Route) {
                f.said.set(Tag::Route, route);
            }
        })
    }

    /// Anything else worth knowing, under a key of its own. The value is serialised here, on the
    /// caller's thread. All keys and values together are held to 16 KiB: what does not fit is
    /// left out and flagged `metadata_truncated`. A value that cannot be serialised, or nests
    /// deeper than 63, is left out and flagged `metadata_invalid`.
    pub fn metadata(&self, key: impl AsRef<str>, value: impl Serialize) -> &Self {
        // Before the lock: `Serialize` is the caller's code.
        self.set_metadata(key.as_ref(), Value::of(&value))
    }

    /// The same for a value with fields that only its type knows to be secret: they are masked
    /// here already, by these rules, and then by the auditor's. A pseudonym needs the auditor's
    /// secret, so [`How::Pseudonym`](crate::How::Pseudonym) redacts.
    ///
    /// ```
    /// use std::sync::LazyLock;
    /// use audit_core::{AuditContext, How, MaskRules};
    ///
    /// #[derive(serde::Serialize)]
    /// struct Customer { name: String, iban: String, score: u32 }
    ///
    /// impl Customer {
    ///     fn rules() -> &'static MaskRules {
    ///         static RULES: LazyLock<MaskRules> = LazyLock::new(|| {
    ///             let rules = MaskRules::new().fields(["$.score"]);
    ///             let rules = rules.and_then(|rules| rules.fields_how(["$.iban"], How::Last4));
    ///             rules.expect("selectors")
    ///         });
    ///         &RULES
    ///     }
    /// }
    /// # fn handler(audit: AuditContext, customer: Customer) {
    /// audit.metadata_masked("customer", &customer, Customer::rules());
    /// # }
    /// ```
    pub fn metadata_masked(
        &self,
        key: impl AsRef<str>,
        value: impl Serialize,
        rules: &MaskRules,
    ) -> &Self {
        self.set_metadata(key.as_ref(), Value::masked(&value, rules))
    }

    fn set_metadata(&self, key: &str, value: Result<Value, Flag>) -> &Self {
        self.with(|f| {
            if let Err(flag) = value.and_then(|value| f.metadata.set(key, value)) {
                f.flags.set(flag);
            }
        })
    }

    /// Leaves no record of this request. It is counted as discarded.
    pub fn discard(&self) -> &Self {
        self.with(|f| f.discard = true)
    }

    /// Records more or less of this request than the settings say.
    ///
    /// It takes effect when the request ends, and the last call counts. So it reaches what has
    /// gone by already: lowered to [`Capture::Metadata`] a record has no headers and no bodies,
    /// though they were there before. A body that was to be recorded and is left out here is
    /// told as `omitted`, with the reason `policy`. [`Capture::None`] is [`discard`](Self::discard).
    ///
    /// What was not gathered cannot be recorded. To raise the level in a handler, let the layer
    /// gather that much of each request:
    /// [`capture_up_to`](crate::AuditorBuilder::capture_up_to). What goes beyond is ignored.
    pub fn capture(&self, level: Capture) -> &Self {
        self.with(|f| f.capture = Some(level))
    }

    /// A hook panicked that may have had something to add.
    pub(super) fn hook_failed(&self) {
        self.with(|f| f.flags.set(Flag::HookFailed));
    }

    fn set(&self, tag: Tag, text: &str) -> &Self {
        self.with(|f| f.said.set(tag, text))
    }

    fn identify(&self, tag: Tag, text: &str, invalid: Flag) -> &Self {
        self.with(|f| f.said.identify(tag, text, invalid))
    }

    fn with(&self, change: impl FnOnce(&mut Fields)) -> &Self {
        self.0.change(change);
        self
    }
}

impl fmt::Debug for AuditContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What the application added may be secret until it has passed the masker.
        f.debug_struct("AuditContext").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
