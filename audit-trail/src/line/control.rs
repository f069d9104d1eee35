//! The trail's records about itself.

use audit_core::{Level, Timestamp};

use super::GROUPS;

/// What a control record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A process begins to write here.
    Open {
        /// The directory held records and the last of them is not `close`.
        unclean: bool,
        /// The size of the last checkpoint, where there was one.
        size: Option<u64>,
        /// The records after it, from and to, which were taken over as the file was.
        unsealed: Option<(u64, u64)>,
    },
    /// The process ended in good order.
    Close,
    /// Nothing happened for a while, so that silence shows.
    Heartbeat,
    /// Something on the disk was not as it was left.
    Repair {
        /// The file that holds what was moved away.
        file: Option<String>,
        /// How much was moved, in bytes.
        bytes: u64,
        /// What was found.
        reason: String,
    },
    /// Groups of an earlier record may be redacted: a bit each, in stored order.
    Redact { seq: u64, groups: u8, reason: Option<String> },
    /// Segments may be removed whose records all have a seq below this.
    Prune { to: u64, reason: Option<String> },
    /// Records that began in this time stay, whatever is asked for, until it is released.
    Hold {
        name: String,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        reason: Option<String>,
    },
    /// The hold of this name ends.
    Release { name: String, reason: Option<String> },
}

impl Event {
    /// The core members, beginning with `kind`. `control` comes directly after it: a verifier
    /// knows a control record by its first bytes.
    pub(crate) fn core(&self) -> Vec<u8> {
        let (op, level) = match self {
            Self::Open { .. } => ("open", Level::Notice),
            Self::Close => ("close", Level::Notice),
            Self::Heartbeat => ("heartbeat", Level::Info),
            Self::Repair { .. } => ("repair", Level::Warning),
            Self::Redact { .. } => ("redact", Level::Notice),
            Self::Prune { .. } => ("prune", Level::Notice),
            Self::Hold { .. } => ("hold", Level::Notice),
            Self::Release { .. } => ("release", Level::Notice),
        };
        let mut core = format!("\"kind\":\"control\",\"control\":{{\"op\":\"{op}\"");
        match self {
            Self::Open { unclean, size, unsealed } => {
                let (boot, pid) = (boot_id(), std::process::id());
                let format = crate::segment::FORMAT;
                core += &format!(",\"format\":\"{format}\",\"boot_id\":{boot}");
                core += &format!(",\"pid\":{pid},\"unclean\":{unclean}");
                if let Some(size) = size {
                    core += &format!(",\"size\":{size}");
                }
                if let Some((from, to)) = unsealed {
                    core += &format!(",\"unsealed\":{{\"from\":{from},\"to\":{to}}}");
                }
            }
            Self::Repair { file, bytes, reason } => {
                if let Some(file) = file {
                    core += &format!(",\"file\":{}", quoted(file));
                }
                core += &format!(",\"bytes\":{bytes},\"reason\":{}", quoted(reason));
            }
            Self::Close | Self::Heartbeat => {}
            Self::Redact { seq, groups, .. } => {
                core += &format!(",\"seq\":{seq},\"groups\":[{}]", quoted_names(*groups));
            }
            Self::Prune { to, .. } => core += &format!(",\"to\":{to}"),
            Self::Hold { name, since, until, .. } => {
                core += &format!(",\"name\":{}", quoted(name));
                for (member, time) in [("since", since), ("until", until)] {
                    if let Some(time) = time {
                        core += &format!(",\"{member}\":\"{time}\"");
                    }
                }
            }
            Self::Release { name, .. } => core += &format!(",\"name\":{}", quoted(name)),
        }
        if let Some(reason) = self.said() {
            core += &format!(",\"reason\":{}", quoted(reason));
        }
        let (id, time) = (uuid::Uuid::now_v7(), Timestamp::now());
        core += &format!("}},\"id\":\"{id}\",\"time\":\"{time}\",\"level\":\"{level}\"");
        core.into_bytes()
    }

    /// What somebody gave as the reason of what they asked for.
    fn said(&self) -> Option<&str> {
        match self {
            Self::Redact { reason, .. }
            | Self::Prune { reason, .. }
            | Self::Hold { reason, .. }
            | Self::Release { reason, .. } => reason.as_deref(),
            Self::Open { .. } | Self::Close | Self::Heartbeat | Self::Repair { .. } => None,
        }
    }
}

fn quoted_names(groups: u8) -> String {
    let chosen = GROUPS.iter().enumerate().filter(|(at, _)| groups >> at & 1 == 1);
    let names = chosen.map(|(_, name)| quoted(&String::from_utf8_lossy(name)));
    names.collect::<Vec<_>>().join(",")
}

/// Which start of the machine this is: a jump in it explains an `unclean` one.
fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    quoted(id.trim().get(..36).unwrap_or("unknown"))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{encode, record};

    #[test]
    fn every_event_makes_a_line_that_readers_know() {
        let reason = String::from("\"odd\"\n\t");
        let since = Some(Timestamp::from_micros(0));
        for (event, op) in [
            (Event::Open { unclean: true, size: Some(3), unsealed: Some((3, 4)) }, "open"),
            (Event::Close, "close"),
            (Event::Heartbeat, "heartbeat"),
            (Event::Repair { file: Some("a.bad".into()), bytes: 7, reason }, "repair"),
            (Event::Redact { seq: 3, groups: 0b101, reason: Some("x".into()) }, "redact"),
            (Event::Prune { to: 4, reason: None }, "prune"),
            (Event::Hold { name: "a".into(), since, until: None, reason: None }, "hold"),
            (Event::Release { name: "a".into(), reason: Some("done".into()) }, "release"),
        ] {
            let mut out = Vec::new();
            encode(&mut out, 5, &event.core(), [].into_iter(), || [0; 16]).unwrap();
            let text = String::from_utf8(out).unwrap();
            let begin = format!("{{\"seq\":5,\"kind\":\"control\",\"control\":{{\"op\":\"{op}\"");
            assert!(text.starts_with(&begin), "{text}");
            assert!(record(text.trim_end().as_bytes()).unwrap().is_control(op));
            let entry = audit_core::Entry::parse(&text).unwrap();
            assert_eq!(entry.control.unwrap().op, op);
            assert!(entry.time.is_some() && entry.id.unwrap().len() == 36);
        }
    }
}
