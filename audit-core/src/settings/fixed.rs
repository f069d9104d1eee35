//! Settings that stay as they are until the next start.

use super::Settings;

/// The keys of settings that differ and cannot be replaced in a running auditor.
pub(crate) fn fixed(old: &Settings, new: &Settings) -> Vec<&'static str> {
    let ((o, n), (ot, nt)) = ((&old.auditor, &new.auditor), (&old.trail, &new.trail));
    let (os, ns) = (&old.service, &new.service);
    [
        ("service.name", os.name != ns.name),
        ("service.version", os.version != ns.version),
        ("service.instance", os.instance != ns.instance),
        ("auditor.secret", o.secret != n.secret),
        ("auditor.memory", o.memory != n.memory),
        (
            "request_id.response_header",
            old.request_id.response_header != new.request_id.response_header,
        ),
        ("trail.dir", ot.dir != nt.dir),
        ("trail.segment_bytes", ot.segment_bytes != nt.segment_bytes),
        ("trail.segment_age", ot.segment_age != nt.segment_age),
        ("trail.commit_interval", ot.commit_interval != nt.commit_interval),
        ("trail.checkpoint_interval", ot.checkpoint_interval != nt.checkpoint_interval),
        ("trail.checkpoint_records", ot.checkpoint_records != nt.checkpoint_records),
        ("trail.key", ot.key != nt.key),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
    .collect()
}
