//! Every key there is: its name, what it may be, and the setting it stands for.
//!
//! One table drives the file, the environment, what is shown, the suggestions and the tests of the
//! documentation.

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use super::{
    Settings, Value,
    forms::{
        Count, File, Filled, Flag, Form, Maybe, OneOrMore, Share, Size, Span, Statuses, Text,
        Texts, Word, WordList,
    },
};
use crate::{
    Capture, ClientIp, Detector, ForwardedHeader, How, Outcome, Reliability, Rule, SessionAs,
};

/// A key of `S`.
pub(super) struct Key<S: 'static> {
    /// With its section: `client.trusted_proxies`; of a rule without.
    pub(super) name: &'static str,
    /// Whether the environment can set it.
    scalar: bool,
    /// What is allowed where `words` are none.
    allowed: &'static str,
    words: fn() -> Vec<&'static str>,
    /// Sets it; false for a value of another form.
    pub(super) set: fn(&mut S, &Value) -> bool,
    /// None where it is not set.
    pub(super) get: fn(&S) -> Option<Value>,
}

impl<S> Key<S> {
    /// What is allowed.
    pub(super) fn allowed(&self) -> String {
        let words = (self.words)();
        match words.is_empty() {
            true => self.allowed.to_owned(),
            false => format!("{} {}", self.allowed, words.join(", ")),
        }
    }

    /// Why this value is none for it.
    pub(super) fn refusal(&self, value: &Value) -> String {
        self.likely(format!("{} is not {}", value.told(), self.allowed()), value)
    }

    /// Why this item is none for its list.
    pub(super) fn refusal_in_list(&self, item: &Value) -> String {
        self.likely(format!("{} does not belong in {}", item.told(), self.allowed()), item)
    }

    fn likely(&self, mut why: String, value: &Value) -> String {
        let text = value.text().filter(|text| !(self.words)().contains(text));
        if let Some(word) = text.and_then(|text| closest(text, (self.words)())) {
            why += &format!("; did you mean `{word}`?");
        }
        why
    }

    /// The environment variable that sets it: `AUDIT_`, the section, the key; the section `auditor`
    /// is left out.
    pub(super) fn variable(&self) -> Option<String> {
        let name = self.name.strip_prefix("auditor.").unwrap_or(self.name);
        self.scalar.then(|| in_capitals(name))
    }
}

fn in_capitals(key: &str) -> String {
    format!("AUDIT_{}", key.replace('.', "_").to_ascii_uppercase())
}

/// Of an environment variable that sets nothing, though it has the name of a key: that key, and
/// what to do.
pub(super) fn sets_nothing(variable: &str) -> Option<(&'static str, String)> {
    let key = KEYS.iter().find(|key| in_capitals(key.name) == variable)?;
    let why = match key.variable() {
        None => "no variable sets a list; write it into a file".to_owned(),
        Some(named) if named != variable => format!("there is no such variable; write `{named}`"),
        Some(_) => return None,
    };
    Some((key.name, why))
}

/// The variable that another one was likely meant to be.
pub(super) fn meant_variable(variable: &str) -> Option<String> {
    let near = |name: &String| {
        let distance = strsim::osa_distance(name, variable);
        (1..=2).contains(&distance).then_some(distance)
    };
    let all = KEYS.iter().filter_map(Key::variable);
    let all: Vec<_> = all.filter_map(|name| Some((near(&name)?, name))).collect();
    all.into_iter().min().map(|(_, name)| name)
}

/// The one of `names` that `wrong` was likely meant to be.
pub(super) fn closest<'a>(
    wrong: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Longer ones are no slips of the pen, and would take their time.
    if wrong.len() > 64 {
        return None;
    }
    let wrong = wrong.to_lowercase().replace('-', "_");
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wrong, &name.replace('-', "_")), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

macro_rules! keys {
    ($($name:literal: $form:ty as $type:ty, $($field:ident).+, $allowed:literal;)*) => {
        vec![$(Key {
            name: $name,
            scalar: <$form as Form<$type>>::SCALAR,
            allowed: $allowed,
            words: <$form as Form<$type>>::words,
            set: |it, value| {
                let read = <$form as Form<$type>>::read(value);
                read.map(|read| it.$($field).+ = read).is_some()
            },
            get: |it| <$form as Form<$type>>::show(&it.$($field).+),
        }),*]
    };
}

/// The keys of sections, in the order of the reference configuration.
pub(super) static KEYS: LazyLock<Vec<Key<Settings>>> = LazyLock::new(|| {
    keys! {
        "service.name": Text as String, service.name, "a name such as \"shop\", or \"\"";
        "service.version": Text as String, service.version, "a version such as \"1.4.0\", or \"\"";
        "service.instance": Text as String, service.instance,
            "a name such as \"shop-1\", or \"\" for host name and process id";
        "auditor.capture": Word as Capture, auditor.capture, "one of";
        "auditor.reliability": Word as Reliability, auditor.reliability, "one of";
        "auditor.secret": File as Option<PathBuf>, auditor.secret, "the path of a file, or \"\"";
        "auditor.memory": Size as usize, auditor.memory,
            "a size such as \"64MiB\", or a number of bytes";
        "auditor.catch_panics": Flag as bool, auditor.catch_panics, "true or false";
        "auditor.action_from_method": Flag as bool, auditor.action_from_method, "true or false";
        "request_id.header": Text as String, request_id.header,
            "the name of a header, or \"\" for none";
        "request_id.response_header": Text as String, request_id.response_header,
            "the name of a header, or \"\" for none";
        "request_id.on_excluded": Flag as bool, request_id.on_excluded, "true or false";
        "client.trusted_proxies": Texts as Vec<String>, client.trusted_proxies,
            "a list of addresses and networks such as \"10.0.0.0/8\"";
        "client.forwarded": Word as ForwardedHeader, client.forwarded, "one of";
        "client.ip": Word as ClientIp, client.ip, "one of";
        "session.cookie": Text as String, session.cookie, "the name of a cookie, or \"\" for none";
        "session.header": Text as String, session.header, "the name of a header, or \"\" for none";
        "session.as": Word as SessionAs, session.form, "one of";
        "bodies.limit": Size as usize, bodies.limit,
            "a size such as \"8KiB\", or a number of bytes";
        "bodies.content_types": Texts as Vec<String>, bodies.content_types,
            "a list of json, form, multipart, xml, text, ndjson, sse and media types such as \
             \"image/svg+xml\"";
        "bodies.decode": Flag as bool, bodies.decode, "true or false";
        "mask.builtin": Flag as bool, mask.built_in, "true or false";
        "mask.fields": Texts as Vec<String>, mask.fields,
            "a list of selectors such as \"salary\" or \"$.items[*].pin\"";
        "mask.except": Texts as Vec<String>, mask.except,
            "a list of selectors such as \"salary\" or \"$.items[*].pin\"";
        "mask.how": Word as How, mask.how, "one of";
        "mask.detectors": WordList as Vec<Detector>, mask.detectors, "a list of";
        "exclude.paths": Texts as Vec<String>, exclude.paths,
            "a list of globs such as \"/assets/**\"";
        "exclude.extensions": Texts as Vec<String>, exclude.extensions,
            "a list of extensions such as \"css\"";
        "exclude.methods": Texts as Vec<String>, exclude.methods,
            "a list of methods such as \"OPTIONS\"";
        "trail.dir": File as PathBuf, trail.dir, "the path of a folder";
        "trail.segment_bytes": Size as u64, trail.segment_bytes,
            "a size such as \"64MiB\", or a number of bytes";
        "trail.segment_age": Span as Duration, trail.segment_age, "a duration such as \"24h\"";
        "trail.commit_interval": Span as Duration, trail.commit_interval,
            "a duration such as \"10ms\"";
        "trail.checkpoint_interval": Span as Duration, trail.checkpoint_interval,
            "a duration such as \"1s\"";
        "trail.checkpoint_records": Count as u64, trail.checkpoint_records, "a number such as 4096";
        "trail.key": File as Option<PathBuf>, trail.key, "the path of a file, or \"\"";
    }
});

/// The keys of one `[[rule]]`.
pub(super) static RULE_KEYS: LazyLock<Vec<Key<Rule>>> = LazyLock::new(|| {
    keys! {
        "name": Filled<Text> as String, name, "a name such as \"orders\"";
        "methods": Filled<Texts> as Vec<String>, methods, "a list of methods such as \"POST\"";
        "path": Maybe<Text> as Option<String>, path, "a glob such as \"/orders/**\"";
        "route": Maybe<Text> as Option<String>, route, "a route template such as \"/orders/{id}\"";
        "status": Filled<Statuses> as Vec<String>, status,
            "a list of statuses such as 404, \"4xx\" and \"500-503\"";
        "outcome": Filled<WordList> as Vec<Outcome>, outcomes, "a list of";
        "min_duration": Maybe<Span> as Option<Duration>, min_duration,
            "a duration such as \"500ms\"";
        "min_size": Maybe<Size> as Option<u64>, min_size,
            "a size such as \"1MiB\", or a number of bytes";
        "user": Filled<OneOrMore> as Vec<String>, users, "a text or a list of texts";
        "tenant": Filled<OneOrMore> as Vec<String>, tenants, "a text or a list of texts";
        "capture": Maybe<Word> as Option<Capture>, capture, "one of";
        "reliability": Maybe<Word> as Option<Reliability>, reliability, "one of";
        "limit": Maybe<Size> as Option<usize>, limit,
            "a size such as \"8KiB\", or a number of bytes";
        "sample": Maybe<Share> as Option<f64>, sample, "a number from 0 to 1";
        "keep_errors": Maybe<Flag> as Option<bool>, keep_errors, "true or false";
        "slow": Maybe<Span> as Option<Duration>, slow, "a duration such as \"1s\"";
        "mask.fields": Filled<Texts> as Vec<String>, mask_fields,
            "a list of selectors such as \"salary\" or \"$.items[*].pin\"";
        "mask.except": Filled<Texts> as Vec<String>, mask_except,
            "a list of selectors such as \"salary\" or \"$.items[*].pin\"";
        "mask.how": Maybe<Word> as Option<How>, mask_how, "one of";
    }
});
