//! Who asks, as whoever authenticates the request tells it.

use std::{fmt, sync::Arc};

use super::{
    flags::Flag,
    frame::Tag,
    said::{self, Said},
};

/// Who asks, for the layer to read from the extensions of a request or of its response.
///
/// Made by what authenticates requests, such as a middleware that need not know of the audit
/// otherwise. The layer reads it from the extensions of the response and, if there is none, from
/// those of the request as they were when the layer was called. What is said through
/// [`AuditContext`](super::AuditContext) counts more, member by member; two identities are never
/// mixed. Limits are those of `AuditContext`. Cheap to clone.
///
/// ```
/// use audit_core::Identity;
///
/// let identity = Identity::new().user("ann").user_id("42").roles(["manager"]).tenant("acme");
/// // request.extensions_mut().insert(identity);
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Identity(Arc<Said>);

impl Identity {
    /// Nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name a person knows the user by.
    pub fn user(self, user: impl AsRef<str>) -> Self {
        self.set(Tag::User, user.as_ref())
    }

    /// The user's id in the application.
    pub fn user_id(self, id: impl AsRef<str>) -> Self {
        self.set(Tag::UserId, id.as_ref())
    }

    /// The user's roles.
    pub fn roles<T: AsRef<str>>(self, roles: impl IntoIterator<Item = T>) -> Self {
        let roles = said::roles(roles);
        self.with(|said| said.roles(roles))
    }

    /// The customer, an identifier.
    pub fn tenant(self, tenant: impl AsRef<str>) -> Self {
        self.with(|said| said.identify(Tag::Tenant, tenant.as_ref(), Flag::TenantInvalid))
    }

    /// The company for which the user acts.
    pub fn company_id(self, id: impl AsRef<str>) -> Self {
        self.set(Tag::Company, id.as_ref())
    }

    /// The branch of the company.
    pub fn branch_id(self, id: impl AsRef<str>) -> Self {
        self.set(Tag::Branch, id.as_ref())
    }

    /// The session's id, recorded as the settings say.
    pub fn session(self, id: impl AsRef<str>) -> Self {
        self.set(Tag::Session, id.as_ref())
    }

    pub(super) fn said(&self) -> &Said {
        &self.0
    }

    fn set(self, tag: Tag, text: &str) -> Self {
        self.with(|said| said.set(tag, text))
    }

    fn with(mut self, change: impl FnOnce(&mut Said)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names may be secret until they have passed the masker.
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}
