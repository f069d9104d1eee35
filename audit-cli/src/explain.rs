//! `audit explain`: what would be recorded of a request, and why.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use audit_core::{
    Capture, Explanation, Question, Reliability, Settings,
    settings::{Origin, Reading},
};
use serde_json::{Value, json};

use crate::{
    args::Explain,
    config,
    escape::{Escaped, EscapedJson},
    exit::Failure,
};

pub(crate) fn run(args: &Explain) -> Result<(), Failure> {
    let reading = config::read(&args.source)?;
    let explained = reading.settings().explain(&question(args))?;
    let mut out = io::stdout().lock();
    match args.json {
        true => {
            let told = told(args, &explained, &reading).to_string();
            writeln!(out, "{}", EscapedJson(&told))?;
        }
        false => {
            for line in text(args, &explained, &reading).lines() {
                writeln!(out, "{}", Escaped(line))?;
            }
        }
    }
    Ok(out.flush()?)
}

fn question(args: &Explain) -> Question {
    let mut question = Question::new(&args.method, &args.path)
        .outcome(args.outcome)
        .duration(args.duration_ms)
        .size(args.size);
    if let Some(status) = args.status {
        question = question.status(status);
    }
    if let Some(route) = &args.route {
        question = question.route(route);
    }
    if let Some(user) = &args.user {
        question = question.user(user);
    }
    if let Some(tenant) = &args.tenant {
        question = question.tenant(tenant);
    }
    question
}

/// For people: one line for each thing that was decided.
fn text(args: &Explain, explained: &Explanation, reading: &Reading) -> String {
    let mut text = format!("{} {}: {}\n\n", args.method, args.path, explained.why);
    let mut line = |name: &str, what: &str| {
        let _ = writeln!(text, "{name:<12}{what}");
    };
    if let Some(excluded) = &explained.excluded {
        let key = excluded.split(' ').next().unwrap_or_default();
        line("excluded", &format!("by {excluded}{}", from(reading, key)));
        return text;
    }
    let width = explained.rules.iter().map(|tried| tried.name.len()).max().unwrap_or_default();
    for (at, tried) in explained.rules.iter().enumerate() {
        let conditions = match (tried.decides, tried.conditions.is_empty()) {
            (true, true) => "decides: it has no condition".to_owned(),
            (true, false) => format!("decides: {}", tried.conditions.join(", ")),
            (false, _) => format!("no, it takes only: {}", tried.conditions.join(", ")),
        };
        line(if at == 0 { "rules" } else { "" }, &format!("{:width$}  {conditions}", tried.name));
    }
    let key = |of_rule: &str, of_settings: &str| said_by(explained, reading, of_rule, of_settings);
    let capture = key("capture", "auditor.capture");
    let what = recorded(explained, reading.settings());
    line("recorded", &format!("{}: {what}{}", explained.capture.as_str(), from(reading, &capture)));
    if explained.gathered > explained.capture {
        let more = explained.gathered.as_str();
        line("gathered", &format!("{more}, until the end decides that this rule counts"));
    }
    if explained.capture > Capture::None {
        line("masked", &masked(explained));
    }
    if explained.reliability == Reliability::Strict {
        line("reliability", "strict: no answer before it is on record");
    }
    text
}

/// The key that says something: the rule's own, or that of the settings.
fn said_by(explained: &Explanation, reading: &Reading, of_rule: &str, of_settings: &str) -> String {
    let key = format!("rule[{}].{of_rule}", explained.rules.len());
    match reading.origin(&key) {
        Origin::Default => of_settings.to_owned(),
        _ => key,
    }
}

/// Where the value of a key comes from, to stand behind it.
fn from(reading: &Reading, key: &str) -> String {
    format!("  ({})", reading.origin(key))
}

fn recorded(explained: &Explanation, settings: &Settings) -> String {
    let bodies = |which: &str| {
        let (types, limit) = (settings.bodies.content_types.join(", "), explained.body_limit);
        format!("all headers, and {which} as far as {limit} bytes ({types})")
    };
    match explained.capture {
        Capture::None => "nothing".to_owned(),
        Capture::Metadata => "no headers, no bodies".to_owned(),
        Capture::Headers => "all headers, no bodies".to_owned(),
        Capture::Request => bodies("the request's body"),
        _ => bodies("both bodies"),
    }
}

fn masked(explained: &Explanation) -> String {
    let built_in = match explained.built_in_masks {
        true => "credentials in headers and cookies, the built-in names".to_owned(),
        false => "credentials in headers and cookies; not the built-in names".to_owned(),
    };
    let more = explained.masks.iter().map(|(field, how)| format!("{field} ({how})"));
    std::iter::once(built_in).chain(more).collect::<Vec<_>>().join(", ")
}

/// For programs.
fn told(args: &Explain, explained: &Explanation, reading: &Reading) -> Value {
    let mut told = json!({
        "method": args.method,
        "path": args.path,
        "status": explained.status,
        "outcome": args.outcome.as_str(),
        "excluded": explained.excluded.is_some(),
        "sample_rate": explained.sample_rate,
        "why": explained.why,
    });
    let mut tell = |key: &str, value: Value| told[key] = value;
    if let Some(excluded) = &explained.excluded {
        tell("excluded_by", json!(excluded));
        tell("capture", json!(Capture::None.as_str()));
        return told;
    }
    let rules = explained.rules.iter().map(|tried| {
        json!({ "name": tried.name, "decides": tried.decides, "conditions": tried.conditions })
    });
    let masks = explained.masks.iter().map(|(field, how)| json!({ "field": field, "how": how }));
    let capture = said_by(explained, reading, "capture", "auditor.capture");
    tell("rules", rules.collect());
    tell("rule", json!(explained.rule));
    tell("capture", json!(explained.capture.as_str()));
    tell("capture_from", json!(reading.origin(&capture).to_string()));
    tell("gathered", json!(explained.gathered.as_str()));
    tell("body_limit", json!(explained.body_limit));
    tell("content_types", json!(reading.settings().bodies.content_types));
    tell("reliability", json!(explained.reliability.as_str()));
    tell("builtin", json!(explained.built_in_masks));
    tell("masks", masks.collect());
    told
}
