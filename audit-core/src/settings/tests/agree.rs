//! The reference configuration, the environment and the builder say the same.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use super::super::{
    Reading, Settings, Value,
    keys::{KEYS, Key, RULE_KEYS},
};
use crate::{
    Auditor, AuditorBuilder, Capture, ClientIp, Detector, ForwardedHeader, How, Outcome,
    Reliability, Rule, SessionAs,
};

fn reference() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../audit.toml")).unwrap()
}

fn read(text: &str) -> Reading {
    let mut reading = Reading::default();
    reading.text("audit.toml", text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    reading
}

#[test]
fn the_reference_configuration_has_every_key_and_its_default() {
    let reading = read(&reference());
    let defaults = Settings::default();
    for key in KEYS.iter() {
        assert_ne!(reading.origin(key.name).to_string(), "default", "{} is not in it", key.name);
        assert_eq!((key.get)(reading.settings()), (key.get)(&defaults), "{}", key.name);
    }
    // Of rules, where nothing is the default, each key is there or in a comment.
    let text = reference();
    let (_, rule) = text.split_once("[[rule]]").unwrap();
    let (rule, _) = rule.split_once("[trail]").unwrap();
    let said: BTreeSet<_> =
        rule.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    for key in RULE_KEYS.iter() {
        assert!(said.contains(key.name.rsplit('.').next().unwrap()), "{}", key.name);
    }
    // What is commented out is right, too.
    let all: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|l| l.contains(" = ")).unwrap_or(line))
        .map(|line| line.replace("# and except", "\nmask.except") + "\n")
        .collect();
    let all =
        all.replace("mask = { fields", "mask.fields").replace("], how = \"pseudonym\" }", "]");
    let rule = read(&all).into_settings().rules.remove(0);
    let unset: Vec<_> = RULE_KEYS.iter().filter(|k| (k.get)(&rule).is_none()).collect();
    let unset: Vec<_> = unset.iter().map(|key| key.name).collect();
    assert_eq!(unset, ["route", "mask.how"], "{all}");
}

#[test]
fn the_reference_configuration_names_the_variables() {
    let named: BTreeSet<_> = reference()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split_whitespace().filter(|word| word.starts_with("AUDIT_")))
        .map(str::to_owned)
        .collect();
    let known: Vec<_> = KEYS.iter().filter_map(Key::variable).collect();
    assert_eq!(
        named,
        ["AUDIT_CAPTURE", "AUDIT_SERVICE_NAME", "AUDIT_TRAIL_DIR"].map(Into::into).into()
    );
    assert!(named.iter().all(|name| known.contains(name)));
    assert_eq!(known.len(), known.iter().collect::<BTreeSet<_>>().len(), "each has its own");
}

/// How code says it: by the builder, where it has a method; by the field, where not.
type Said = fn(AuditorBuilder) -> AuditorBuilder;

fn field(change: impl FnOnce(&mut Settings)) -> impl FnOnce(AuditorBuilder) -> AuditorBuilder {
    |builder| {
        let mut settings = builder.settings_so_far().clone();
        change(&mut settings);
        builder.settings(settings)
    }
}

/// For each key a value that is not its default.
const SAID: &[(&str, &str, Said)] = &[
    ("service.name", r#""shop""#, |b| b.service("shop", "")),
    ("service.version", r#""1.4.0""#, |b| b.service("", "1.4.0")),
    ("service.instance", r#""one""#, |b| b.instance("one")),
    ("auditor.capture", r#""full""#, |b| b.capture(Capture::Full)),
    ("auditor.reliability", r#""strict""#, |b| b.reliability(Reliability::Strict)),
    ("auditor.secret", r#""s.secret""#, |b| {
        field(|s| s.auditor.secret = Some("s.secret".into()))(b)
    }),
    ("auditor.memory", r#""16MiB""#, |b| b.memory(16 << 20)),
    ("auditor.catch_panics", "false", |b| b.catch_panics(false)),
    ("auditor.action_from_method", "true", |b| b.action_from_method(true)),
    ("request_id.header", r#""x-trace""#, |b| b.request_id_header(Some("x-trace"))),
    ("request_id.response_header", r#""""#, |b| b.response_id_header(None)),
    ("request_id.on_excluded", "false", |b| b.id_on_excluded(false)),
    ("client.trusted_proxies", r#"["10.0.0.0/8", "::1"]"#, |b| {
        b.trusted_proxies(["10.0.0.0/8", "::1"])
    }),
    ("client.forwarded", r#""forwarded""#, |b| b.forwarded_header(ForwardedHeader::Forwarded)),
    ("client.ip", r#""prefix""#, |b| b.client_ip(ClientIp::Prefix)),
    ("session.cookie", r#""sid""#, |b| b.session_cookie("sid")),
    ("session.header", r#""x-session""#, |b| b.session_header("x-session")),
    ("session.as", r#""clear""#, |b| b.session_as(SessionAs::Clear)),
    ("bodies.limit", "1000", |b| b.body_limit(1000)),
    ("bodies.content_types", r#"["xml", "image/svg+xml"]"#, |b| {
        b.body_types(["xml", "image/svg+xml"])
    }),
    #[cfg(feature = "decode")]
    ("bodies.decode", "true", |b| b.decode_bodies(true)),
    ("mask.builtin", "false", |b| field(|s| s.mask.built_in = false)(b)),
    ("mask.fields", r#"["salary", "header:x-pin"]"#, |b| b.mask(["salary", "header:x-pin"])),
    ("mask.except", r#"["token"]"#, |b| field(|s| s.mask.except = vec!["token".into()])(b)),
    ("mask.how", r#""last4""#, |b| field(|s| s.mask.how = How::Last4)(b)),
    ("mask.detectors", r#"["jwt", "card"]"#, |b| {
        field(|s| s.mask.detectors = vec![Detector::Jwt, Detector::Card])(b)
    }),
    ("exclude.paths", r#"["/health"]"#, |b| b.exclude_path("/health")),
    ("exclude.extensions", r#"["css"]"#, |b| b.exclude_extension("css")),
    ("exclude.methods", r#"["OPTIONS"]"#, |b| b.exclude_method("OPTIONS")),
    ("trail.dir", r#""/var/audit""#, |b| field(|s| s.trail.dir = PathBuf::from("/var/audit"))(b)),
    ("trail.segment_bytes", r#""1MiB""#, |b| field(|s| s.trail.segment_bytes = 1 << 20)(b)),
    ("trail.segment_age", r#""1h30m""#, |b| {
        field(|s| s.trail.segment_age = Duration::from_secs(5400))(b)
    }),
    ("trail.commit_interval", r#""1s""#, |b| {
        field(|s| s.trail.commit_interval = Duration::from_secs(1))(b)
    }),
    ("trail.checkpoint_interval", r#""500ms""#, |b| {
        field(|s| s.trail.checkpoint_interval = Duration::from_millis(500))(b)
    }),
    ("trail.checkpoint_records", "100", |b| field(|s| s.trail.checkpoint_records = 100)(b)),
    ("trail.key", r#""k.pem""#, |b| field(|s| s.trail.key = Some("k.pem".into()))(b)),
];

/// A key of a rule, its value in the file, and the same from code.
type SaidOfRule = (&'static str, &'static str, fn(Rule) -> Rule);

/// The same of a rule.
const SAID_OF_RULE: &[SaidOfRule] = &[
    ("name", r#""orders""#, |_| Rule::new("orders")),
    ("methods", r#"["POST"]"#, |r| r.methods(["POST"])),
    ("path", r#""/orders/**""#, |r| r.path("/orders/**")),
    ("route", r#""/orders/{id}""#, |r| r.route("/orders/{id}")),
    ("status", r#"[404, "5xx"]"#, |r| r.status(["404", "5xx"])),
    ("status", "404", |r| r.status(["404"])),
    ("outcome", r#"["panicked", "cancelled"]"#, |r| {
        r.outcome([Outcome::Panicked, Outcome::Cancelled])
    }),
    ("min_duration", r#""500ms""#, |r| r.min_duration(Duration::from_millis(500))),
    ("min_size", r#""1MiB""#, |r| r.min_size(1 << 20)),
    ("user", r#"["ann", "bob"]"#, |r| r.user(["ann", "bob"])),
    ("user", r#""ann""#, |r| r.user(["ann"])),
    ("tenant", r#""acme""#, |r| r.tenant(["acme"])),
    ("capture", r#""none""#, |r| r.capture(Capture::None)),
    ("reliability", r#""buffered""#, |r| r.reliability(Reliability::Buffered)),
    ("reliability", r#""strict""#, |r| r.reliability(Reliability::Strict)),
    ("limit", r#""64KiB""#, |r| r.body_limit(64 << 10)),
    ("sample", "0.25", |r| r.sample(0.25)),
    ("sample", "0", |r| r.sample(0.0)),
    ("keep_errors", "false", |r| r.keep_errors(false)),
    ("slow", r#""1s""#, |r| r.slow(Duration::from_secs(1))),
    ("mask.fields", r#"["$.pin"]"#, |r| r.mask(["$.pin"])),
    ("mask.except", r#"["token"]"#, |r| r.mask_except(["token"])),
];

fn shown(settings: &Settings) -> String {
    // Debug has every field, also those that no key stands for.
    format!("{settings:?}")
}

#[test]
fn file_environment_and_builder_agree_on_every_key() {
    let default = shown(&Settings::default());
    for (name, value, said) in SAID {
        let key = KEYS.iter().find(|key| key.name == *name).unwrap();
        let by_code = said(Auditor::builder()).settings_so_far().clone();
        let by_file = read(&format!("{name} = {value}"));
        assert_eq!(shown(by_file.settings()), shown(&by_code), "{name}");
        assert_ne!(shown(&by_code), default, "{name}: this is the default");
        let (section, last) = name.split_once('.').unwrap();
        let by_table = read(&format!("[{section}]\n{last} = {value}\n"));
        assert_eq!(shown(by_table.settings()), shown(&by_code), "{name}");
        let again = read(&by_file.to_toml(true));
        assert_eq!(shown(again.settings()), shown(&by_code), "{name}: shown and read again");
        let list = value.starts_with('[');
        assert_eq!(key.variable().is_none(), list, "{name}");
        if let Some(variable) = key.variable() {
            let mut by_variable = Reading::default();
            by_variable.variables([(&variable, value.trim_matches('"'))]).unwrap();
            assert_eq!(shown(by_variable.settings()), shown(&by_code), "{variable}");
            assert_eq!(by_variable.origin(name).to_string(), format!("environment {variable}"));
        }
    }
    let said: BTreeSet<_> = SAID.iter().map(|(name, ..)| *name).collect();
    let left: Vec<_> = KEYS.iter().map(|k| k.name).filter(|name| !said.contains(name)).collect();
    let expected: &[&str] = if cfg!(feature = "decode") { &[] } else { &["bodies.decode"] };
    assert_eq!(left, expected);
}

#[test]
fn file_and_builder_agree_on_every_key_of_rules() {
    for (name, value, said) in SAID_OF_RULE {
        let key = RULE_KEYS.iter().find(|key| key.name == *name).unwrap();
        assert_eq!((key.get)(&Rule::default()), None::<Value>);
        let by_code = format!("{:?}", said(Rule::default()));
        let by_file = read(&format!("[[rule]]\n{name} = {value}"));
        assert_eq!(format!("{:?}", by_file.settings().rules[0]), by_code, "{name}");
        let again = read(&by_file.to_toml(true));
        assert_eq!(format!("{:?}", again.settings().rules[0]), by_code, "{name}: read again");
        let origin = by_file.origin(&format!("rule[1].{name}"));
        assert_eq!(origin.to_string(), "audit.toml:2", "{name}");
    }
    let how = read("[[rule]]\nmask = { fields = [\"a\"], how = \"remove\" }");
    let said = Rule::default().mask(["a"]).mask_how(How::Remove);
    assert_eq!(format!("{:?}", how.settings().rules[0]), format!("{said:?}"));
    let said: BTreeSet<_> =
        SAID_OF_RULE.iter().map(|(name, ..)| *name).chain(["mask.how"]).collect();
    assert_eq!(said, RULE_KEYS.iter().map(|key| key.name).collect());
}
