//! Patterns that match nothing, or not what they seem to.

use super::Lint;
use crate::{
    Capture,
    policy::{EndCondition, HeadCondition},
};

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
        for glob in &settings.exclude.paths {
            if let Some(why) = odd(glob, true) {
                self.warn("exclude.paths", format!("`{glob}`: {why}"));
            }
        }
        for method in &settings.exclude.methods {
            if let Some(why) = unknown(method) {
                self.warn("exclude.methods", why);
            }
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
            for why in
                self.methods_of(at).iter().filter_map(|method| unknown(method)).collect::<Vec<_>>()
            {
                self.warn_rule(at, "methods", why);
            }
            let none = self.statuses_of(at).filter(|(from, to)| !ends_with(*from, *to));
            for (from, to) in none.collect::<Vec<_>>() {
                let which = if from == to { format!("{from}") } else { format!("{from} to {to}") };
                self.warn_rule(at, "status", format!("no response ends with status {which}"));
            }
        }
    }

    fn methods_of(&self, at: usize) -> Vec<String> {
        let methods = self.rule(at).at_head.iter().filter_map(|condition| match condition {
            HeadCondition::Methods(methods) => Some(methods.clone()),
            HeadCondition::Path(_) => None,
        });
        methods.flatten().collect()
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
