//! Patterns that match nothing, or not what they seem to.

use super::{Lint, MOST};
use crate::{Capture, policy::EndCondition, settings::Origin};

/// The registered methods, those of RFC 9110 first.
const METHODS: [&str; 40] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "QUERY",
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "VERSION-CONTROL",
];

impl Lint<'_> {
    pub(super) fn patterns(&mut self) {
        let settings = self.reading.settings();
        let odd_paths = settings.exclude.paths.iter().filter_map(|g| Some((g, odd(g, true)?)));
        for (glob, why) in odd_paths.take(MOST) {
            self.warn("exclude.paths", format!("`{glob}`: {why}"));
        }
        for why in settings.exclude.methods.iter().filter_map(|m| unknown(m)).take(MOST) {
            self.warn("exclude.methods", why);
        }
        for (at, rule) in settings.rules.iter().enumerate() {
            let only_as_received = self.rule(at).says.capture == Capture::None;
            if let Some(why) = rule.path.as_ref().and_then(|glob| odd(glob, only_as_received)) {
                self.warn_rule(at, "path", why);
            }
            let template = rule.route.as_ref().filter(|route| outside_braces(route).contains('*'));
            if let Some(template) = template {
                let why = format!(
                    "`{template}` is compared with the route's template as it is written, and `*` \
                     stands for itself; write `path` for patterns"
                );
                self.warn_rule(at, "route", why);
            }
            for why in rule.methods.iter().filter_map(|method| unknown(method)).take(MOST) {
                self.warn_rule(at, "methods", why);
            }
            for (key, empty) in [
                ("methods", rule.methods.is_empty()),
                ("status", rule.status.is_empty()),
                ("outcome", rule.outcomes.is_empty()),
                ("user", rule.users.is_empty()),
                ("tenant", rule.tenants.is_empty()),
            ] {
                if empty
                    && self.reading.origin(&format!("rule[{}].{key}", at + 1)) != Origin::Default
                {
                    let why = "is empty, which is no condition: the rule is for all; name some, or \
                               leave the key out";
                    self.warn_rule(at, key, why);
                }
            }
            let none = self.statuses_of(at).filter(|(from, to)| !ends_with(*from, *to));
            for (from, to) in none.take(MOST).collect::<Vec<_>>() {
                let which = if from == to { format!("{from}") } else { format!("{from} to {to}") };
                self.warn_rule(at, "status", format!("no response ends with status {which}"));
            }
        }
    }

    fn statuses_of(&self, at: usize) -> impl Iterator<Item = (u16, u16)> {
        let ranges = self.rule(at).at_end.iter().filter_map(|condition| match condition {
            EndCondition::Status(ranges) => Some(ranges),
            _ => None,
        });
        ranges.flatten().map(|range| (*range.start(), *range.end()))
    }
}

/// Whether some response may end with one of these: 101, or 200 to 599.
fn ends_with(from: u16, to: u16) -> bool {
    (from..=to).contains(&101) || (from < 600 && to >= 200)
}

fn unknown(method: &str) -> Option<String> {
    let upper = method.to_ascii_uppercase();
    if METHODS.contains(&&*upper) {
        return None;
    }
    let meant = METHODS.iter().find(|method| strsim::osa_distance(method, &upper) == 1);
    let meant = meant.map(|meant| format!("; did you mean `{meant}`?"));
    Some(format!("`{method}` is no registered method{}", meant.unwrap_or_default()))
}

/// What is unlikely about a glob. Some count only for paths as they are received.
fn odd(glob: &str, only_as_received: bool) -> Option<&'static str> {
    let segments = || glob.split('/').skip(1);
    if glob.contains(['{', '}']) || segments().any(|segment| segment.starts_with(':')) {
        return Some(
            "a parameter of a route is no pattern of paths; write `*` for a segment, or use \
             `route` in a rule",
        );
    }
    if glob.contains(['[', ']']) {
        return Some("`[` and `]` stand for themselves; the patterns are `*` and `**`");
    }
    if segments().any(|segment| segment.contains("**") && segment != "**") {
        return Some(
            "`**` counts only as a segment of its own, `/**`; beside other characters it is `*`",
        );
    }
    let whole = glob.strip_suffix('/').unwrap_or(glob);
    if whole.split('/').skip(1).any(str::is_empty) && !whole.is_empty() {
        return Some("an empty segment matches only paths that have `//` in the same place");
    }
    if glob.bytes().any(|b| b <= b' ' || b == 0x7f) {
        return Some("matches nothing: no path is received with spaces or control characters");
    }
    if !only_as_received {
        return None;
    }
    if !glob.is_ascii() {
        return Some(
            "matches nothing: clients send such characters percent-encoded; write `%C3%A9` for `é`",
        );
    }
    let lower = glob.to_ascii_lowercase().replace("%2e", ".");
    let leads = lower.split('/').any(|segment| segment == "." || segment == "..");
    if leads || ["%2f", "%5c", "\\"].iter().any(|hidden| lower.contains(hidden)) {
        return Some(
            "matches nothing: paths with `..` or hidden slashes are always recorded, since a \
             server may take them for others",
        );
    }
    None
}

/// A template without its parameters.
fn outside_braces(template: &str) -> String {
    let (mut depth, mut out) = (0_usize, String::new());
    for c in template.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}
