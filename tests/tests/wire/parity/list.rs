//! The differences between frameworks that are as they should be: the only list of them.

use crate::scenarios;

/// One difference. Why it is right, `docs/parity.md` says under its name.
pub(crate) struct Difference {
    /// What `docs/parity.md` calls it.
    pub(crate) name: &'static str,
    /// The scenarios it shows in. None: it can show in any.
    pub(crate) scenarios: &'static [&'static str],
    /// The fields of the record that differ. None: it shows in the answer alone.
    fields: &'static [&'static str],
}

impl Difference {
    pub(crate) fn allows(&self, scenario: &str, field: &str) -> bool {
        self.scenarios.contains(&scenario) && self.fields.contains(&field)
    }
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference { name: "order of headers", scenarios: &[], fields: &[] },
    Difference { name: "streams to HTTP/1.0", scenarios: &["stream to HTTP/1.0"], fields: &[] },
    Difference {
        name: "100-continue",
        scenarios: &["no continue for what is rejected"],
        fields: &[],
    },
    Difference {
        name: "uploads that were not read",
        scenarios: &["connection used again after an upload that was not read"],
        fields: &[],
    },
    Difference {
        name: "requests that the server refuses",
        scenarios: &["hostile: F01", "hostile: F23"],
        fields: &[],
    },
    Difference {
        name: "errors of inner middleware",
        scenarios: &["early return of a middleware"],
        fields: &[
            "request.route",
            "response.size",
            "response.headers.content-type",
            "response.body",
            "response.capture.state",
            "response.capture.reason",
            "response.capture.bytes",
        ],
    },
    Difference {
        name: "trailers",
        scenarios: &["trailers", "trailers nobody asked for", "h2: trailers"],
        fields: &[
            "level",
            "success",
            "response.status",
            "response.size",
            "response.headers.trailer",
            "response.body",
            "response.capture.state",
            "response.capture.reason",
            "response.capture.bytes",
        ],
    },
    Difference {
        name: "refusals of bodies",
        scenarios: &[
            "too large by its length",
            "too large in chunks",
            "hostile: S03",
            "hostile: S04",
            "hostile: S05",
            "hostile: S06",
            "hostile: S07",
            "hostile: S09",
        ],
        fields: &[
            "response.status",
            "response.size",
            "request.capture.reason",
            "request.capture.state",
            "request.capture.bytes",
            "response.body",
            "response.capture.bytes",
        ],
    },
    Difference {
        name: "long chunk extensions",
        scenarios: &["hostile: F07"],
        fields: &[
            "response.status",
            "response.size",
            "response.headers.content-type",
            "level",
            "success",
        ],
    },
    Difference {
        name: "Allow",
        scenarios: &["method not allowed"],
        fields: &["response.headers.allow"],
    },
    Difference {
        name: "headers that the server adds",
        scenarios: &["stream with a length", "stream of known length that is reset", "web socket"],
        fields: &["response.headers.content-length", "response.headers.connection"],
    },
    Difference {
        name: "routes without a response",
        scenarios: &["panic", "panic without a text", "reset in the handler", "h2: panic"],
        fields: &["request.route"],
    },
    Difference {
        name: "clients that close while the handler runs",
        scenarios: &["closed in the handler", "h2: reset in the handler"],
        fields: &[
            "outcome",
            "success",
            "level",
            "error.kind",
            "error.phase",
            "response.status",
            "response.size",
            "response.headers.content-type",
            "response.body",
            "response.capture.state",
            "response.capture.reason",
            "response.capture.bytes",
        ],
    },
    Difference {
        name: "size of requests over HTTP/2",
        scenarios: &[
            "h2: text",
            "h2: head",
            "h2: stream",
            "h2: not found",
            "h2: trailers",
            "h2: panic",
            "h2: panic in the body",
            "h2: reset in the handler",
            "h2: reset in the body",
        ],
        fields: &["request.size"],
    },
];

/// The scenarios beside the table.
pub(crate) const MORE_SCENARIOS: &[&str] = &[
    "panic",
    "panic without a text",
    "panic in the body",
    "half an upload",
    "closed in the handler",
    "reset in the handler",
    "stream that is reset",
    "stream that is closed",
    "events that are reset",
    "stream of known length that is reset",
    "h2: text",
    "h2: head",
    "h2: stream",
    "h2: order",
    "h2: echo without a length",
    "h2: not found",
    "h2: trailers",
    "h2: panic",
    "h2: panic in the body",
    "h2: reset in the handler",
    "h2: reset in the body",
];

#[test]
fn every_difference_is_explained_and_is_of_a_scenario() {
    let table: Vec<_> = scenarios::all().iter().map(|scenario| scenario.name).collect();
    let hostile = include_str!("../hostile/requests.jsonl");
    for Difference { name, scenarios, fields } in DIFFERENCES {
        for scenario in *scenarios {
            let known = match scenario.strip_prefix("hostile: ") {
                Some(id) => hostile.contains(&format!("{{\"id\": \"{id}\", ")),
                None => table.contains(scenario) || MORE_SCENARIOS.contains(scenario),
            };
            assert!(known, "`{name}`: there is no scenario `{scenario}`");
        }
        assert!(!scenarios.is_empty() || fields.is_empty(), "`{name}` in any scenario");
    }
    let listed: Vec<_> = DIFFERENCES.iter().map(|difference| difference.name).collect();
    let page = include_str!("../../../../docs/parity.md");
    let explained: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(explained, listed, "the headings of docs/parity.md, the list");
    for Difference { name, fields, .. } in DIFFERENCES {
        let section = page.split("\n### ").find(|section| section.lines().next() == Some(name));
        let section = section.expect("a section");
        assert!(section.len() > name.len() + 80, "`{name}` is not explained");
        for field in *fields {
            assert!(section.contains(&format!("`{field}`")), "`{name}` does not name `{field}`");
        }
    }
}
