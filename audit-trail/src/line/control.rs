//! The trail's records about itself.

use audit_core::{Level, Timestamp};

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
        }
        let (id, time) = (uuid::Uuid::now_v7(), Timestamp::now());
        core += &format!("}},\"id\":\"{id}\",\"time\":\"{time}\",\"level\":\"{level}\"");
        core.into_bytes()
    }
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
        for (event, op) in [
            (Event::Open { unclean: true, size: Some(3), unsealed: Some((3, 4)) }, "open"),
            (Event::Close, "close"),
            (Event::Heartbeat, "heartbeat"),
            (Event::Repair { file: Some("a.bad".into()), bytes: 7, reason }, "repair"),
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
