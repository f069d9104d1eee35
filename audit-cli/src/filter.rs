//! Which records are asked for.

use audit_core::{Entry, Kind, Level, Outcome, Timestamp};
use clap::Args;

use crate::{network::Network, path::PathPattern, status::StatusSet, when};

/// The filters of `tail` and `query`. A record has to satisfy every option that is given; of the
/// values of one option, any will do.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Filters (all must hold; of one option's values, any)")]
pub(crate) struct Filter {
    /// Began at TIME or later: `2h`, `7d`, `today`, `2026-11-01`, RFC 3339 (UTC)
    ///
    /// TIME is an age (`30m`, `2h`, `1h30m`, `7d`, `1w`), `now`, `today`, `yesterday`, a date
    /// (`2026-11-01`, its first moment) or an RFC 3339 time (`2026-11-01T08:30:00+06:30`). Days
    /// and times without a zone are UTC, as in the records. `audit query` leaves out files whose
    /// successor began before TIME.
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub(crate) since: Option<Timestamp>,
    /// Began before TIME, which itself is excluded
    ///
    /// Takes the same forms as --since. `--since yesterday --until today` is all of yesterday.
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    pub(crate) until: Option<Timestamp>,
    /// The user's name or id
    #[arg(long)]
    user: Vec<String>,
    /// Status: `404`, `4xx`, `400-499`, `'>=500'`, or several with commas
    #[arg(long)]
    status: Vec<StatusSet>,
    /// Path: exact, or `*` for a part of one segment, `**` for any number of segments
    #[arg(long)]
    path: Vec<PathPattern>,
    /// Route template, exact, such as `/users/{id}`
    #[arg(long)]
    route: Vec<String>,
    /// HTTP method, in any case
    #[arg(long, value_delimiter = ',')]
    method: Vec<String>,
    /// `completed`, `upgraded`, `cancelled`, `panicked`, `service_error`, `body_error` or
    /// `interrupted`
    #[arg(long, value_delimiter = ',')]
    outcome: Vec<Outcome>,
    /// `debug`, `info`, `notice`, `warning`, `error` or `critical`: this level or a worse one
    #[arg(long)]
    level: Option<Level>,
    /// `request`, `event`, `change`, `security`, `decision` or `control`
    /// [default: all but control]
    #[arg(long, value_delimiter = ',', conflicts_with = "all")]
    kind: Vec<Kind>,
    /// Every kind, control records too
    #[arg(long)]
    all: bool,
    /// Record id
    #[arg(long)]
    id: Vec<String>,
    /// Request id, as in the x-request-id header
    #[arg(long, value_name = "ID")]
    request_id: Vec<String>,
    /// Trace id
    #[arg(long, value_name = "ID")]
    trace: Vec<String>,
    /// Session, as recorded
    #[arg(long)]
    session: Vec<String>,
    /// Tenant
    #[arg(long)]
    tenant: Vec<String>,
    /// Module
    #[arg(long)]
    module: Vec<String>,
    /// Action
    #[arg(long)]
    action: Vec<String>,
    /// Client address or network: `192.0.2.10`, `192.0.2.0/24`, `2001:db8::/32`
    #[arg(long, value_name = "ADDRESS")]
    ip: Vec<Network>,
}

impl Filter {
    /// Values that are right one by one and make no sense together.
    pub(crate) fn check(&self) -> Result<(), String> {
        match (self.since, self.until) {
            (Some(since), Some(until)) if since >= until => Err(format!(
                "--since ({since}) must be before --until ({until}), which is itself excluded"
            )),
            _ => Ok(()),
        }
    }

    pub(crate) fn matches(&self, entry: &Entry) -> bool {
        self.takes_kind(entry.kind) && self.takes_time(entry) && self.takes_values(entry)
    }

    /// Whether records of this kind are asked for. Control records only by name.
    pub(crate) fn takes_kind(&self, kind: Kind) -> bool {
        match self.kind.as_slice() {
            [] => self.all || kind != Kind::Control,
            kinds => kinds.contains(&kind),
        }
    }

    /// Whether the record began in the range. Without a time it is in no range.
    pub(crate) fn takes_time(&self, entry: &Entry) -> bool {
        self.since.is_none_or(|since| entry.time.is_some_and(|time| time >= since))
            && self.until.is_none_or(|until| entry.time.is_some_and(|time| time < until))
    }

    fn takes_values(&self, entry: &Entry) -> bool {
        let actor = entry.actor();
        let request = entry.request();
        let user = actor.and_then(|a| a.user.as_deref());
        let user_id = actor.and_then(|a| a.user_id.as_deref());
        (self.user.is_empty() || is(&self.user, user) || is(&self.user, user_id))
            && any(&self.status, entry.status(), |set, status| set.contains(*status))
            && any(&self.path, request.and_then(|r| r.path.as_ref()), |p, path| p.matches(path))
            && text(&self.route, request.and_then(|r| r.route.as_deref()))
            && any(&self.method, request.and_then(|r| r.method.as_ref()), |wanted, method| {
                method.eq_ignore_ascii_case(wanted)
            })
            && any(&self.outcome, entry.outcome, |wanted, outcome| wanted == outcome)
            && self.level.is_none_or(|least| entry.level.is_some_and(|level| level >= least))
            && text(&self.id, entry.id.as_deref())
            && text(&self.request_id, request.and_then(|r| r.id.as_deref()))
            && text(&self.trace, entry.trace.as_ref().map(|t| t.trace_id.as_str()))
            && text(&self.session, actor.and_then(|a| a.session.as_deref()))
            && text(&self.tenant, entry.tenant.as_deref())
            && text(&self.module, entry.module.as_deref())
            && text(&self.action, entry.action.as_deref())
            && any(&self.ip, actor.and_then(|a| a.ip.as_ref()), |net, ip| net.contains(ip))
    }
}

/// No value is wanted, or one of those wanted fits the one that is there.
fn any<W, V>(wanted: &[W], value: Option<V>, fits: impl Fn(&W, &V) -> bool) -> bool {
    wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|w| fits(w, &value)))
}

/// No value is wanted, or the one that is there is.
fn text(wanted: &[String], value: Option<&str>) -> bool {
    wanted.is_empty() || is(wanted, value)
}

fn is(wanted: &[String], value: Option<&str>) -> bool {
    value.is_some_and(|value| wanted.iter().any(|w| w == value))
}

#[cfg(test)]
mod tests;
