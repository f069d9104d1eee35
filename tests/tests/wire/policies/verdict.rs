//! What a row expects, and how that differs from what was found: members of a record and of the
//! answer, by their names.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{Leaves, Row, Told};

pub(super) type Verdict = BTreeMap<String, String>;

/// What a row expects: what every record says, and over it what the row tells.
pub(super) fn expected(row: &Row) -> Verdict {
    let (told, recorded) = match &row.leaves {
        Leaves::Record(told) => (told, true),
        Leaves::None(_, told) => (told, false),
    };
    let of = |wanted: &str| {
        told.iter().rev().find_map(|told| match told {
            Told::Is(name, value) if name == wanted => Some(value.as_str()),
            _ => None,
        })
    };
    let status = of("status").unwrap_or("200");
    let mut verdict = Verdict::new();
    let mut is = |name: &str, value: &str| {
        verdict.insert(name.to_owned(), value.to_owned());
    };
    is("answer.status", status);
    is("answer.id", "x-request-id");
    if recorded {
        let (path, query) = row.target.split_once('?').unwrap_or((&row.target, ""));
        is("outcome", "completed");
        is("success", if status < "400" { "true" } else { "false" });
        is(
            "level",
            match status.as_bytes()[0] {
                b'5' => "error",
                b'4' => "warning",
                _ => "info",
            },
        );
        is("service.name", "testbed");
        is("policy.rule", "default");
        is("policy.sample_rate", "1");
        let capture = of("policy.capture").unwrap_or("metadata");
        is("policy.capture", capture);
        is("actor.ip", "127.0.0.1");
        is("request.id_source", "generated");
        is("request.method", &row.method);
        is("request.path", path);
        if !query.is_empty() {
            is("request.query", query);
        }
        is("response.status", status);
        if ["headers", "request", "full"].contains(&capture) {
            is("request.headers", "usual");
            is("response.headers", "usual");
        }
        if ["request", "full"].contains(&capture) {
            is("request.capture", "omitted empty");
        }
        if capture == "full" {
            is("response.capture", "omitted empty");
        }
    }
    for told in told {
        match told {
            Told::Is(name, _) if name == "status" => {}
            Told::Is(name, value) => drop(verdict.insert(name.clone(), value.clone())),
            Told::Absent(name) => drop(verdict.remove(name)),
        }
    }
    verdict
}

/// What differs, as a text; none where nothing does.
pub(super) fn difference(expected: &Verdict, found: &Verdict) -> Option<String> {
    let names: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let shown = |side: Option<&String>| side.map_or("absent".to_owned(), |v| format!("`{v}`"));
    let differ = names.into_iter().filter(|name| expected.get(*name) != found.get(*name));
    let told: Vec<_> = differ
        .map(|name| {
            let (expected, found) = (expected.get(name), found.get(name));
            format!("      {name}: expected {}, found {}", shown(expected), shown(found))
        })
        .collect();
    (!told.is_empty()).then(|| told.join("\n"))
}
