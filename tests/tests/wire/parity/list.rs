//! The differences between frameworks that are as they should be: the only list of them.

/// Where a difference can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// In the table of scenarios.
    Table,
}

/// One difference. Why it is right, `docs/parity.md` says under its name.
pub(crate) struct Difference {
    /// What `docs/parity.md` calls it.
    pub(crate) name: &'static str,
    pub(crate) scope: Scope,
    /// The scenarios it shows in.
    scenarios: &'static [&'static str],
    /// The fields of the record that differ. None: it shows in the answer alone.
    fields: &'static [&'static str],
}

impl Difference {
    pub(crate) fn allows(&self, scenario: &str, field: &str) -> bool {
        self.scenarios.contains(&scenario) && self.fields.contains(&field)
    }
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference { name: "order of headers", scope: Scope::Table, scenarios: &[], fields: &[] },
    Difference {
        name: "errors of inner middleware",
        scope: Scope::Table,
        scenarios: &["early return of a middleware"],
        fields: &["request.route", "response.size", "response.headers.content-type"],
    },
    Difference {
        name: "streams to HTTP/1.0",
        scope: Scope::Table,
        scenarios: &["stream to HTTP/1.0"],
        fields: &[],
    },
    Difference {
        name: "trailers",
        scope: Scope::Table,
        scenarios: &["trailers", "trailers nobody asked for"],
        fields: &[
            "level",
            "success",
            "response.status",
            "response.size",
            "response.headers.trailer",
        ],
    },
    Difference {
        name: "100-continue",
        scope: Scope::Table,
        scenarios: &["no continue for what is rejected"],
        fields: &[],
    },
    Difference {
        name: "uploads that were not read",
        scope: Scope::Table,
        scenarios: &["connection used again after an upload that was not read"],
        fields: &[],
    },
    Difference {
        name: "texts of refusals",
        scope: Scope::Table,
        scenarios: &["too large by its length", "too large in chunks"],
        fields: &["response.size"],
    },
    Difference {
        name: "Allow",
        scope: Scope::Table,
        scenarios: &["method not allowed"],
        fields: &["response.headers.allow"],
    },
    Difference {
        name: "headers that the server adds",
        scope: Scope::Table,
        scenarios: &["stream with a length", "web socket"],
        fields: &["response.headers.content-length", "response.headers.connection"],
    },
];
