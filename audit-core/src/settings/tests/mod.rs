//! What wrong settings are answered with.

use super::{Code, Settings, compile};
use crate::{How, Rule};

#[cfg(feature = "config")]
mod agree;
#[cfg(feature = "config")]
mod reading;
#[cfg(feature = "config")]
mod wrong;

fn refused(change: impl FnOnce(&mut Settings)) -> String {
    let mut settings = Settings::default();
    change(&mut settings);
    compile(&settings, &Code::default()).unwrap_err().to_string()
}

fn of_rule(rule: Rule) -> String {
    refused(|settings| settings.rules.push(rule))
}

#[test]
fn the_defaults_are_fine() {
    let config = compile(&Settings::default(), &Code::default()).unwrap();
    assert_eq!(config.masks.len(), 1);
    assert_eq!(config.rules.get(0).name, "default");
}

#[test]
fn a_wrong_setting_is_told_by_its_key_its_value_and_what_is_allowed() {
    for (error, expected) in [
        (
            refused(|s| s.service.name = "my shop".into()),
            "service.name: `my shop` is not 1 to 128 of the characters A-Z a-z 0-9 . _ : / -",
        ),
        (
            refused(|s| s.auditor.memory = 1000),
            "auditor.memory: 1000 bytes are too few; allow at least 1MiB",
        ),
        (
            refused(|s| s.client.trusted_proxies.push("10.0.0.0/33".into())),
            "client.trusted_proxies: `10.0.0.0/33` is not an IP address or a network such as \
             10.0.0.0/8",
        ),
        (
            refused(|s| s.request_id.header = "x id".into()),
            "request_id.header: `x id` is not a header name; use letters, digits and dashes",
        ),
        (
            refused(|s| {
                s.session.cookie = "sid".into();
                s.session.header = "x-session".into();
            }),
            "session.header: `x-session`, beside the cookie `sid`: name one of the two",
        ),
        (
            refused(|s| s.exclude.paths.push("health".into())),
            "exclude.paths: `health` can match no path: a path begins with `/`",
        ),
        (
            refused(|s| s.exclude.methods.push("GET /".into())),
            "exclude.methods: `GET /` is no method such as GET",
        ),
        (
            of_rule(Rule::new("a b")),
            "rule[1].name: `a b` is not 1 to 128 of the characters A-Z a-z 0-9 . _ : / -",
        ),
        (
            of_rule(Rule::new("default")),
            "rule[1].name: `default` is what the settings themselves are called; write another",
        ),
        (
            of_rule(Rule::new("a").status(["4xx", "44"])),
            "rule.a.status: `44` is no status such as 404, 4xx or 500-503",
        ),
        (of_rule(Rule::new("a").sample(1.5)), "rule.a.sample: 1.5 is no share from 0 to 1"),
        (of_rule(Rule::new("a").sample(f64::NAN)), "rule.a.sample: NaN is no share from 0 to 1"),
        (
            of_rule(Rule::new("a").path("orders")),
            "rule.a.path: `orders` can match no path: a path begins with `/`",
        ),
        (
            of_rule(Rule::new("a").route("orders")),
            "rule.a.route: `orders` is no route template such as /orders/{id}",
        ),
        (
            of_rule(Rule::new("a").mask_how(How::Last4)),
            "rule.a.mask.how: says how, and not what: name `fields`, or leave it out",
        ),
        (
            of_rule(Rule::new("a").body_limit(17 << 20)),
            "rule.a.limit: 17825792 bytes are too many; at most 16MiB",
        ),
        (
            of_rule(Rule::new("a").user([""])),
            "rule.a.user: `` is nobody; name one, or leave the key out",
        ),
    ] {
        assert_eq!(error, expected);
    }
    let selector = of_rule(Rule::new("a").mask(["$."]));
    assert!(selector.starts_with("rule.a.mask.fields: `$.` "), "{selector}");
    let many = refused(|s| s.rules = vec![Rule::new(""); 256]);
    assert_eq!(many, "rule: 256 rules are too many; at most 255");
}
