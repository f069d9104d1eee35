//! What secrets begin with.

/// What follows a prefix.
pub(super) enum Form {
    Jwt,
    Pem,
    Key { least: usize, rest: fn(u8) -> bool },
}

const fn key(least: usize, rest: fn(u8) -> bool) -> Form {
    Form::Key { least, rest }
}

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(super) fn url_safe(byte: u8) -> bool {
    word(byte) || byte == b'-'
}

fn dotted(byte: u8) -> bool {
    url_safe(byte) || byte == b'.'
}

fn in_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-')
}

/// The prefixes that tell a secret, as their services document them.
pub(super) const PREFIXES: &[(&str, Form)] = &[
    ("eyJ", Form::Jwt),
    ("eyA", Form::Jwt),
    ("ewo", Form::Jwt),
    ("ew0", Form::Jwt),
    ("-----BEGIN ", Form::Pem),
    ("---- BEGIN ", Form::Pem),
    ("-----BEGIN+", Form::Pem),
    ("-----BEGIN%20", Form::Pem),
    ("AKIA", key(16, upper)),
    ("ASIA", key(16, upper)),
    ("ABIA", key(16, upper)),
    ("ACCA", key(16, upper)),
    ("ghp_", key(30, word)),
    ("gho_", key(30, word)),
    ("ghu_", key(30, word)),
    ("ghs_", key(30, dotted)),
    ("ghr_", key(30, word)),
    ("github_pat_", key(22, word)),
    ("glpat-", key(16, dotted)),
    ("gldt-", key(16, dotted)),
    ("glrt-", key(16, dotted)),
    ("sk_live_", key(10, word)),
    ("sk_test_", key(10, word)),
    ("rk_live_", key(10, word)),
    ("rk_test_", key(10, word)),
    ("whsec_", key(16, |b| word(b) || matches!(b, b'+' | b'/' | b'='))),
    ("sk-ant-", key(16, url_safe)),
    ("sk-proj-", key(16, url_safe)),
    ("sk-", key(32, url_safe)),
    ("xoxa-", key(10, url_safe)),
    ("xoxb-", key(10, url_safe)),
    ("xoxe-", key(10, url_safe)),
    ("xoxp-", key(10, url_safe)),
    ("xoxr-", key(10, url_safe)),
    ("xoxs-", key(10, url_safe)),
    ("xapp-", key(10, url_safe)),
    ("AIza", key(30, url_safe)),
    ("ya29.", key(20, dotted)),
    ("SG.", key(40, dotted)),
    ("npm_", key(30, word)),
    ("pypi-AgE", key(30, url_safe)),
    ("hf_", key(30, word)),
    ("dop_v1_", key(30, word)),
    ("shpat_", key(30, word)),
    ("shpss_", key(30, word)),
    ("hooks.slack.com/services/", key(8, in_path)),
];
