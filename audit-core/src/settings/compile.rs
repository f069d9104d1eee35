//! From plain settings to what the request path and the writer use: checked once.

use std::ops::RangeInclusive;

use super::Settings;
use crate::{
    BadPattern, How, MaskRules, Rule, TrustedProxies,
    exchange::is_identifier,
    mask::BadSelector,
    policy::{
        Bodies, Checked, Config, EndCondition, Exclusions, Glob, HeadCondition, Ids, LARGEST_LIMIT,
        MOST_RULES, Rules, Says, Session,
    },
};

/// A budget below this could not hold one full record of each thread.
const LEAST_MEMORY: usize = 1024 * 1024;
/// The name of what counts where no rule matches.
const DEFAULT_RULE: &str = "default";

/// What is wrong with a secret where the path of its file belongs. The value is told to nobody.
pub(super) const SECRET_ITSELF: &str =
    "this is a secret itself; write it into a file, and the path of that file here";

/// A setting that cannot be: its key, and what is wrong with its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub struct BadSetting {
    key: String,
    why: String,
}

impl BadSetting {
    pub(crate) fn new(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self { key: key.into(), why: why.into() }
    }

    /// The key as a configuration file has it, such as `client.trusted_proxies`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong with its value, and what is allowed.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

/// What only code can say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    /// The rules of masking that the settings add to.
    pub(crate) mask: MaskRules,
}

/// Checks all settings.
pub(crate) fn compile(settings: &Settings, code: &Code) -> Result<Config, BadSetting> {
    for (key, value) in [
        ("service.name", &settings.service.name),
        ("service.version", &settings.service.version),
        ("service.instance", &settings.service.instance),
    ] {
        if !value.is_empty() {
            identifier(key, value)?;
        }
    }
    if settings.auditor.memory < LEAST_MEMORY {
        let why = format!("{} bytes are too few; allow at least 1MiB", settings.auditor.memory);
        return Err(BadSetting::new("auditor.memory", why));
    }
    for (key, file) in
        [("auditor.secret", &settings.auditor.secret), ("trail.key", &settings.trail.key)]
    {
        if file.as_ref().is_some_and(|file| is_secret(&file.to_string_lossy())) {
            return Err(BadSetting::new(key, SECRET_ITSELF));
        }
    }
    let proxies = TrustedProxies::new(&settings.client.trusted_proxies)
        .map_err(|error| BadSetting::new("client.trusted_proxies", error.to_string()))?;
    let mut bodies = Bodies::default();
    bodies.decode = settings.bodies.decode;
    bodies
        .set_types(&settings.bodies.content_types)
        .map_err(|error| BadSetting::new("bodies.content_types", error.to_string()))?;
    if settings.bodies.decode && !cfg!(feature = "decode") {
        let why = "this program cannot decode bodies: build it with the feature `decode`, or leave it off";
        return Err(BadSetting::new("bodies.decode", why));
    }
    settings.trail.check()?;
    let (mut masks, rules) = rules(settings, code)?;
    let intent_mask = intent_mask(settings, code, &mut masks)?;
    Ok(Config {
        generation: 0,
        capture_up_to: settings.auditor.capture_up_to,
        bodies,
        exclusions: exclusions(settings)?,
        ids: Ids {
            inbound: header("request_id.header", &settings.request_id.header)?,
            outbound: header("request_id.response_header", &settings.request_id.response_header)?,
            on_excluded: settings.request_id.on_excluded,
        },
        catch_panics: settings.auditor.catch_panics,
        action_from_method: settings.auditor.action_from_method,
        proxies,
        forwarded: settings.client.forwarded,
        client_ip: settings.client.ip,
        session: session(settings)?,
        session_as: settings.session.form,
        rules,
        masks,
        intent_mask,
    })
}

/// Whether a text has the form of what is in a file with a secret, or with a private key.
fn is_secret(text: &str) -> bool {
    let hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex || text.starts_with("PRIVATE+KEY+")
}

fn exclusions(settings: &Settings) -> Result<Exclusions, BadSetting> {
    let mut exclusions = Exclusions::default();
    let bad = |key: &'static str| move |error: BadPattern| BadSetting::new(key, error.to_string());
    for pattern in &settings.exclude.paths {
        exclusions.path(pattern).map_err(bad("exclude.paths"))?;
    }
    for extension in &settings.exclude.extensions {
        exclusions.extension(extension).map_err(bad("exclude.extensions"))?;
    }
    for method in &settings.exclude.methods {
        check_method("exclude.methods", method)?;
        exclusions.method(method);
    }
    Ok(exclusions)
}

fn session(settings: &Settings) -> Result<Option<Session>, BadSetting> {
    let (cookie, name) = (&settings.session.cookie, &settings.session.header);
    match (cookie.is_empty(), name.is_empty()) {
        (false, false) => {
            let why = format!("`{name}`, beside the cookie `{cookie}`: name one of the two");
            Err(BadSetting::new("session.header", why))
        }
        (false, true) => Ok(Some(Session::Cookie(cookie.clone()))),
        (true, _) => Ok(header("session.header", name)?.map(Session::Header)),
    }
}

/// The masks of all rules, those of the settings first, and the rules.
fn rules(settings: &Settings, code: &Code) -> Result<(Vec<MaskRules>, Rules), BadSetting> {
    let said = &settings.rules;
    if said.len() > MOST_RULES {
        let why = format!("{} rules are too many; at most {MOST_RULES}", said.len());
        return Err(BadSetting::new("rule", why));
    }
    let silent = Rule::default();
    let mut masks = vec![mask(settings, code, &silent, &str::to_owned)?];
    let mut checked: Vec<Checked> = Vec::with_capacity(said.len() + 1);
    for (at, rule) in said.iter().enumerate() {
        let key = format!("rule[{}].name", at + 1);
        let name =
            if rule.name.is_empty() { format!("rule-{}", at + 1) } else { rule.name.clone() };
        identifier(&key, &name)?;
        if name == DEFAULT_RULE {
            let why = format!("`{name}` is what the settings themselves are called; write another");
            return Err(BadSetting::new(key, why));
        }
        if checked.iter().any(|other| other.name == name) {
            let why = format!("`{name}` is the name of another rule; each needs its own");
            return Err(BadSetting::new(key, why));
        }
        let key = |key: &str| format!("rule.{name}.{key}");
        let mut says = says(rule, settings, &key)?;
        let masks_more = !rule.mask_fields.is_empty() || !rule.mask_except.is_empty();
        if masks_more || rule.mask_how.is_some() {
            says.mask = masks.len();
            masks.push(mask(settings, code, rule, &key)?);
        }
        let (at_head, at_end) = conditions(rule, &key)?;
        checked.push(Checked { name, at_head, at_end, says });
    }
    let of_settings = |key: &str| match key {
        "limit" => "bodies.limit".to_owned(),
        _ => format!("auditor.{key}"),
    };
    let says = says(&silent, settings, &of_settings)?;
    let name = DEFAULT_RULE.to_owned();
    checked.push(Checked { name, at_head: Vec::new(), at_end: Vec::new(), says });
    Ok((masks, Rules::new(checked)))
}

fn says(rule: &Rule, settings: &Settings, key: Key<'_>) -> Result<Says, BadSetting> {
    let reliability = rule.reliability.unwrap_or(settings.auditor.reliability);
    let limit = rule.limit.unwrap_or(settings.bodies.limit);
    if limit > LARGEST_LIMIT {
        let why = format!("{limit} bytes are too many; at most 16MiB");
        return Err(BadSetting::new(key("limit"), why));
    }
    let sample = rule.sample.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&sample) {
        return Err(BadSetting::new(key("sample"), format!("{sample} is no share from 0 to 1")));
    }
    Ok(Says {
        capture: rule.capture.unwrap_or(settings.auditor.capture),
        reliability,
        limit,
        mask: 0,
        sample,
        keep_errors: rule.keep_errors.unwrap_or(true),
        slow: rule.slow.map(nanos),
    })
}

fn conditions(
    rule: &Rule,
    key: Key<'_>,
) -> Result<(Vec<HeadCondition>, Vec<EndCondition>), BadSetting> {
    let (mut at_head, mut at_end) = (Vec::new(), Vec::new());
    if !rule.methods.is_empty() {
        rule.methods.iter().try_for_each(|method| check_method(key("methods"), method))?;
        at_head.push(HeadCondition::Methods(
            rule.methods.iter().map(|method| method.to_ascii_uppercase()).collect(),
        ));
    }
    if let Some(path) = &rule.path {
        let glob =
            Glob::new(path).map_err(|error| BadSetting::new(key("path"), error.to_string()))?;
        at_head.push(HeadCondition::Path(glob));
    }
    if let Some(route) = &rule.route {
        if !route.starts_with('/') {
            let why = format!("`{route}` is no route template such as /orders/{{id}}");
            return Err(BadSetting::new(key("route"), why));
        }
        at_end.push(EndCondition::Route(route.clone()));
    }
    if !rule.status.is_empty() {
        let ranges: Result<_, _> = rule.status.iter().map(|text| status(text)).collect();
        let bad = |text| {
            let why = format!("`{text}` is no status such as 404, 4xx or 500-503");
            BadSetting::new(key("status"), why)
        };
        at_end.push(EndCondition::Status(ranges.map_err(bad)?));
    }
    if !rule.outcomes.is_empty() {
        at_end.push(EndCondition::Outcome(rule.outcomes.clone()));
    }
    at_end.extend(rule.min_duration.map(|least| EndCondition::MinDuration(nanos(least))));
    at_end.extend(rule.min_size.map(EndCondition::MinSize));
    for (name, wanted, condition) in [
        ("user", &rule.users, EndCondition::User as fn(_) -> _),
        ("tenant", &rule.tenants, EndCondition::Tenant as fn(_) -> _),
    ] {
        if wanted.iter().any(String::is_empty) {
            return Err(BadSetting::new(key(name), "`` is nobody; name one, or leave the key out"));
        }
        if !wanted.is_empty() {
            at_end.push(condition(wanted.clone()));
        }
    }
    Ok((at_head, at_end))
}

/// `404`, `4xx` or `500-503`.
fn status(text: &str) -> Result<RangeInclusive<u16>, &str> {
    let code = |text: &str| {
        let digits = text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|code| digits && (100..=999).contains(code))
    };
    let range = match text.as_bytes() {
        [class @ b'1'..=b'9', b'x' | b'X', b'x' | b'X'] => {
            let first = u16::from(class - b'0') * 100;
            Some(first..=first + 99)
        }
        _ => match text.split_once('-') {
            Some((from, to)) => code(from.trim()).zip(code(to.trim())).map(|(from, to)| from..=to),
            None => code(text).map(|code| code..=code),
        },
    };
    range.filter(|range| !range.is_empty()).ok_or(text)
}

/// What is masked: everywhere, or by a rule.
///
/// What a rule says comes first, since of two selectors of one name the first counts; and what it
/// selects is no exception, whatever the settings say.
fn mask(
    settings: &Settings,
    code: &Code,
    rule: &Rule,
    key: Key<'_>,
) -> Result<MaskRules, BadSetting> {
    let bad = |key: String| move |error: BadSelector| BadSetting::new(key, error.to_string());
    let said = &settings.mask;
    let mut rules = code.mask.clone();
    // What code says stays, where the settings say nothing.
    if !said.built_in {
        rules = rules.built_in(false);
    }
    if !matches!(said.how, How::Redact) {
        rules = rules.how(said.how.clone());
    }
    rules = rules.detect(said.detectors.iter().copied());
    let (fields, how) = (&rule.mask_fields, rule.mask_how.clone());
    let added = match how {
        Some(_) if fields.is_empty() => {
            let why = "says how, and not what: name `fields`, or leave it out";
            return Err(BadSetting::new(key("mask.how"), why));
        }
        Some(how) => rules.fields_how(fields, how),
        None => rules.fields(fields),
    };
    let rules = added.map_err(bad(key("mask.fields")))?;
    let rules = rules.fields(&said.fields).map_err(bad("mask.fields".into()))?;
    let selected = |text: &String| fields.iter().any(|field| field.eq_ignore_ascii_case(text));
    let except = said.except.iter().filter(|text| !selected(text));
    let rules = rules.except(except).map_err(bad("mask.except".into()))?;
    rules.except(&rule.mask_except).map_err(bad(key("mask.except")))
}

/// Adds the mask of requests that no rule has decided on: it masks what any rule masks, and makes
/// no exception that only a rule makes. Gives its place.
fn intent_mask(
    settings: &Settings,
    code: &Code,
    masks: &mut Vec<MaskRules>,
) -> Result<usize, BadSetting> {
    if masks.len() == 1 {
        return Ok(0);
    }
    let with =
        |masks: bool| settings.rules.iter().filter(move |rule| rule.mask_how.is_some() == masks);
    let fields = with(true).chain(with(false)).flat_map(|rule| &rule.mask_fields);
    let every = Rule {
        mask_fields: fields.cloned().collect(),
        // How a rule masks is its own affair; what takes its place here tells nothing.
        mask_how: with(true).next().map(|_| How::Redact),
        ..Rule::default()
    };
    masks.push(mask(settings, code, &every, &|key| format!("rule.{key}"))?);
    Ok(masks.len() - 1)
}

/// The key of a rule's own key.
type Key<'a> = &'a dyn Fn(&str) -> String;

fn identifier(key: &str, value: &str) -> Result<(), BadSetting> {
    if is_identifier(value) {
        return Ok(());
    }
    let why = format!("`{value}` is not 1 to 128 of the characters A-Z a-z 0-9 . _ : / -");
    Err(BadSetting::new(key, why))
}

/// A header's name in lower case; none for an empty one.
fn header(key: &str, name: &str) -> Result<Option<String>, BadSetting> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if !name.bytes().all(token) {
        let why = format!("`{name}` is not a header name; use letters, digits and dashes");
        return Err(BadSetting::new(key, why));
    }
    Ok((!name.is_empty()).then(|| name.to_ascii_lowercase()))
}

fn check_method(key: impl Into<String>, method: &str) -> Result<(), BadSetting> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !method.is_empty() && method.bytes().all(token) {
        return Ok(());
    }
    Err(BadSetting::new(key, format!("`{method}` is no method such as GET")))
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
