//! The application's handle on the record of the present request.

use std::{
    cell::RefCell,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use super::{
    copied::Copied,
    flags::{Flag, Flags},
    frame::{self, Tag},
    metadata::{Metadata, Value},
};
use crate::{Capture, MaskRules};

/// Longest user name, user id or role, in bytes.
const ACTOR: usize = 256;
/// Most roles.
const ROLES: usize = 64;
/// Longest route template.
pub(super) const ROUTE: usize = 1024;

/// Adds to the record of the present request.
///
/// Cheap to clone, and usable from inner middleware, handlers and spawned tasks. What is added
/// after the request has ended is ignored. Setting the same thing again replaces it. Everything
/// passes the masker before it is written.
///
/// ```
/// # fn handler(audit: audit_core::AuditContext) {
/// audit.user("ann").tenant("acme").metadata("items", 3);
/// # }
/// ```
#[derive(Clone)]
pub struct AuditContext(pub(crate) Arc<ContextState>);

/// What the application added and what it read. The only part of an exchange that is shared.
#[derive(Default)]
pub(crate) struct ContextState(Mutex<Fields>);

#[derive(Default)]
struct Fields {
    ended: bool,
    discard: bool,
    flags: Flags,
    user: Option<String>,
    user_id: Option<String>,
    roles: Vec<String>,
    tenant: Option<String>,
    module: Option<String>,
    action: Option<String>,
    route: Option<String>,
    metadata: Metadata,
    capture: Option<Capture>,
    request_body: Copied,
}

thread_local! {
    /// The context of the request whose code runs on this thread right now.
    static CURRENT: RefCell<Option<AuditContext>> = const { RefCell::new(None) };
}

impl AuditContext {
    /// The handle of the request whose code runs on this thread right now: in its handlers, inner
    /// services and bodies, between two awaits, and in what they call. Not in tasks and threads
    /// they spawn: move a clone there.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|current| current.try_borrow().ok()?.clone()).ok().flatten()
    }

    /// Makes this the current one until the guard is dropped.
    pub(super) fn enter(self) -> Entered {
        Entered(swap(Some(self)))
    }

    /// A handle that leads to no record: for code that runs without an audited request.
    #[must_use]
    pub fn detached() -> Self {
        let context = Self(Arc::default());
        context.0.lock().ended = true;
        context
    }

    /// Who: the name a person knows the user by. Cut after 256 bytes.
    pub fn user(&self, user: impl AsRef<str>) -> &Self {
        self.with(|f| f.user = Some(cut(user.as_ref(), &mut f.flags)))
    }

    /// Who: the user's id in the application. Cut after 256 bytes.
    pub fn user_id(&self, id: impl AsRef<str>) -> &Self {
        self.with(|f| f.user_id = Some(cut(id.as_ref(), &mut f.flags)))
    }

    /// The user's roles; at most 64 of at most 256 bytes are kept.
    pub fn roles<T: AsRef<str>>(&self, roles: impl IntoIterator<Item = T>) -> &Self {
        // Collected before the lock is taken: the iterator is the caller's code.
        let mut flags = Flags::default();
        let mut roles = roles.into_iter();
        let kept = roles.by_ref().take(ROLES).map(|r| cut(r.as_ref(), &mut flags)).collect();
        if roles.next().is_some() {
            flags.set(Flag::ActorTruncated);
        }
        self.with(|f| {
            f.roles = kept;
            f.flags.add(flags);
        })
    }

    /// The customer. An identifier: 1 to 128 of `[A-Za-z0-9._:/-]`; anything else is refused
    /// and flagged `tenant_invalid` in the record.
    pub fn tenant(&self, tenant: impl AsRef<str>) -> &Self {
        self.with(|f| f.identify(|f| &mut f.tenant, tenant.as_ref(), Flag::TenantInvalid))
    }

    /// The part of the application. An identifier, like the tenant.
    pub fn module(&self, module: impl AsRef<str>) -> &Self {
        self.with(|f| f.identify(|f| &mut f.module, module.as_ref(), Flag::ModuleInvalid))
    }

    /// What is done. An identifier, like the tenant.
    pub fn action(&self, action: impl AsRef<str>) -> &Self {
        self.with(|f| f.identify(|f| &mut f.action, action.as_ref(), Flag::ActionInvalid))
    }

    /// The route template, for an adapter that learns it after the request's head. An earlier
    /// one stays. Cut after 1 KiB.
    pub fn route(&self, route: impl AsRef<str>) -> &Self {
        self.with(|f| {
            if f.route.is_none() {
                let route = route.as_ref();
                let end = route.floor_char_boundary(ROUTE);
                if end < route.len() {
                    f.flags.set(Flag::PathTruncated);
                }
                f.route = Some(route[..end].to_owned());
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

    fn with(&self, change: impl FnOnce(&mut Fields)) -> &Self {
        let mut fields = self.0.lock();
        if !fields.ended {
            change(&mut fields);
        }
        drop(fields);
        self
    }
}

impl fmt::Debug for AuditContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What the application added may be secret until it has passed the masker.
        f.debug_struct("AuditContext").finish_non_exhaustive()
    }
}

/// The context that was current before.
pub(super) struct Entered(Option<AuditContext>);

impl Drop for Entered {
    fn drop(&mut self) {
        swap(self.0.take());
    }
}

fn swap(with: Option<AuditContext>) -> Option<AuditContext> {
    // While a thread is torn down its locals are gone, and nothing is current.
    CURRENT
        .try_with(|current| {
            current.try_borrow_mut().ok().and_then(|mut c| std::mem::replace(&mut *c, with))
        })
        .ok()
        .flatten()
}

/// What is left of a context when its exchange ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended {
    pub(crate) discard: bool,
    pub(crate) flags: Flags,
    /// The level that the application asked for.
    pub(crate) capture: Option<Capture>,
}

impl ContextState {
    /// Ends the context: appends its fields to the arena, takes the copy of the request's body,
    /// ignores everything later.
    pub(crate) fn end(&self, arena: &mut Vec<u8>, request_body: &mut Copied) -> Ended {
        let mut guard = self.lock();
        let fields = &mut *guard;
        fields.ended = true;
        std::mem::swap(&mut fields.request_body, request_body);
        let discard = fields.discard || fields.capture == Some(Capture::None);
        let ended = Ended { discard, flags: fields.flags, capture: fields.capture };
        if !ended.discard {
            for (tag, value) in [
                (Tag::User, &fields.user),
                (Tag::UserId, &fields.user_id),
                (Tag::Tenant, &fields.tenant),
                (Tag::Module, &fields.module),
                (Tag::Action, &fields.action),
                (Tag::Route, &fields.route),
            ] {
                if let Some(value) = value {
                    frame::push(arena, tag, b"", value.as_bytes());
                }
            }
            fields.roles.iter().for_each(|r| frame::push(arena, Tag::Role, b"", r.as_bytes()));
            fields.metadata.push(arena);
        }
        ended
    }

    /// Changes the copy of the request's body, until the exchange ends.
    pub(super) fn request_body<T>(&self, change: impl FnOnce(&mut Copied) -> T) -> Option<T> {
        let mut fields = self.lock();
        (!fields.ended).then(|| change(&mut fields.request_body))
    }

    /// Makes the state new for another exchange, when no handle to it is left.
    pub(crate) fn renew(state: &mut Arc<Self>) {
        match Arc::get_mut(state) {
            Some(alone) => {
                *alone.0.get_mut().unwrap_or_else(PoisonError::into_inner) = Fields::default();
            }
            None => *state = Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Fields> {
        // A panic between two assignments leaves a usable state: poison says nothing here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cut(text: &str, flags: &mut Flags) -> String {
    if text.len() <= ACTOR {
        return text.to_owned();
    }
    flags.set(Flag::ActorTruncated);
    text[..text.floor_char_boundary(ACTOR)].to_owned()
}

/// Whether `text` may stand in the core of a record.
pub(crate) fn is_identifier(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}

impl Fields {
    /// Sets a field of the core. The core is not redactable, so nothing but an identifier may
    /// get there, not even a part of anything else.
    fn identify(&mut self, field: fn(&mut Self) -> &mut Option<String>, text: &str, invalid: Flag) {
        *field(self) = is_identifier(text).then(|| text.to_owned());
        if field(self).is_none() {
            self.flags.set(invalid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(context: &AuditContext) -> (Ended, Vec<(Tag, String, String)>) {
        let mut arena = Vec::new();
        let ended = context.0.end(&mut arena, &mut Copied::default());
        let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
        (ended, frame::fields(&arena).map(|f| (f.tag, text(f.name), text(f.value))).collect())
    }

    fn words(ended: Ended) -> Vec<&'static str> {
        ended.flags.words().collect()
    }

    #[test]
    fn the_last_value_of_a_thing_counts() {
        let context = AuditContext(Arc::default());
        context.user("bob").user("ann").metadata("n", 1).metadata("n", [2]).roles(["a", "b"]);
        let (ended, fields) = fields(&context);
        assert!(!ended.discard);
        let plain = |tag, value: &str| (tag, String::new(), value.to_owned());
        assert_eq!(
            fields,
            [
                plain(Tag::User, "ann"),
                plain(Tag::Role, "a"),
                plain(Tag::Role, "b"),
                (Tag::Metadata, "n".into(), "[2]".into()),
            ]
        );
    }

    #[test]
    fn after_the_end_nothing_counts() {
        let context = AuditContext(Arc::default());
        fields(&context);
        context.user("ann");
        assert!(context.0.lock().user.is_none());
        AuditContext::detached().user("ann").discard();
    }

    #[test]
    fn the_core_takes_identifiers_only() {
        let context = AuditContext(Arc::default());
        context.tenant("acme").tenant("Ann Smith, 12 High St").module("sales/eu").action("");
        let (ended, fields) = fields(&context);
        assert_eq!(words(ended), ["tenant_invalid", "action_invalid"]);
        assert_eq!(fields, [(Tag::Module, String::new(), "sales/eu".into())]);
    }

    #[test]
    fn limits_are_kept_and_told() {
        let context = AuditContext(Arc::default());
        context.user("é".repeat(200)).metadata("big", "x".repeat(super::super::metadata::MOST));
        context.metadata("key", f64::NAN).metadata("ok", true).route("/é".repeat(1000));
        let (ended, kept) = fields(&context);
        assert_eq!(words(ended), ["path_truncated", "metadata_truncated", "actor_truncated"]);
        assert_eq!(kept[0].2, "é".repeat(128));
        assert_eq!(kept[1].2, format!("{}/", "/é".repeat(341)));
        assert_eq!(kept.len(), 4);

        let context = AuditContext(Arc::default());
        let map = std::collections::BTreeMap::from([(vec![1], 2)]);
        context.metadata("not a string key", map);
        let mut deep = serde_json::Value::Null;
        (0..70).for_each(|_| deep = serde_json::Value::Array(vec![deep.take()]));
        context.metadata("deep", deep);
        let (ended, kept) = fields(&context);
        assert_eq!(words(ended), ["metadata_invalid"]);
        assert!(kept.is_empty());
    }

    #[test]
    fn raw_json_is_made_fit_for_a_line() {
        let raw = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
        let context = AuditContext(Arc::default());
        context.metadata("spaced", raw("{\n \"password\" : \"x\"}"));
        context.metadata("paired", raw("\"\\ud83d\\ude00\""));
        context.metadata("lone", raw("[\"\\ud800\"]"));
        let (ended, fields) = fields(&context);
        assert_eq!(words(ended), ["metadata_invalid"]);
        let values: Vec<_> = fields.iter().map(|(_, _, value)| value.as_str()).collect();
        assert_eq!(values, [r#"{"password":"x"}"#, r#""\ud83d\ude00""#]);
    }

    #[test]
    fn the_current_context_is_that_of_the_innermost_request() {
        let (outer, inner) = (AuditContext(Arc::default()), AuditContext(Arc::default()));
        let is = |context: &AuditContext| {
            AuditContext::current().is_some_and(|current| Arc::ptr_eq(&current.0, &context.0))
        };
        let first = outer.clone().enter();
        let second = inner.clone().enter();
        assert!(is(&inner));
        drop(second);
        assert!(is(&outer));
        drop(first);
        assert!(AuditContext::current().is_none());
    }

    #[test]
    fn a_state_is_renewed_only_when_nobody_holds_it() {
        let mut state = Arc::new(ContextState::default());
        let held = AuditContext(state.clone());
        ContextState::renew(&mut state);
        held.user("ann");
        assert!(state.lock().user.is_none());
        AuditContext(state.clone()).user("ann");
        let before = Arc::as_ptr(&state);
        ContextState::renew(&mut state);
        assert_eq!(before, Arc::as_ptr(&state));
        assert!(state.lock().user.is_none());
    }
}
