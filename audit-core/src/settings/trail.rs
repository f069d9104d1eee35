//! What is set of a trail. The crate that opens one takes these values.

use std::{path::PathBuf, time::Duration};

use super::BadSetting;

/// The most a segment may be set to, in bytes.
const MOST_BYTES: u64 = 1 << 40;
/// The longest that a commit or a checkpoint may wait.
const LONGEST: Duration = Duration::from_secs(60);
/// The most records of one checkpoint.
const MOST_RECORDS: u64 = 1 << 20;

/// The trail that records go to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Trail {
    /// Its root.
    pub dir: PathBuf,
    /// How large a segment grows, in bytes: 1 to 1 TiB.
    pub segment_bytes: u64,
    /// How long a segment takes records; more than 0.
    pub segment_age: Duration,
    /// How long a record waits at most for a sync to begin; at most 60 s.
    pub commit_interval: Duration,
    /// How long after a record a checkpoint is signed at the latest; more than 0, at most 60 s.
    pub checkpoint_interval: Duration,
    /// How many records wait for a checkpoint at most: 1 to 1,048,576.
    pub checkpoint_records: u64,
    /// The file with the private key. `None`: that of the environment variable
    /// `AUDIT_SIGNING_KEY`, or one that is made beside the root.
    pub key: Option<PathBuf>,
}

impl Default for Trail {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("./audit"),
            segment_bytes: 64 << 20,
            segment_age: Duration::from_secs(24 * 3600),
            commit_interval: Duration::from_millis(10),
            checkpoint_interval: Duration::from_secs(1),
            checkpoint_records: 4096,
            key: None,
        }
    }
}

impl Trail {
    /// Checks every bound.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its bounds.
    pub fn check(&self) -> Result<(), BadSetting> {
        let bad = |key: &str, why: String| Err(BadSetting::new(format!("trail.{key}"), why));
        if self.dir.as_os_str().is_empty() {
            return bad("dir", "`` is no folder; name one, such as ./audit".to_owned());
        }
        if !(1..=MOST_BYTES).contains(&self.segment_bytes) {
            let why = format!("`{}` bytes are not from 1 to 1TiB", self.segment_bytes);
            return bad("segment_bytes", why);
        }
        if self.segment_age.is_zero() {
            return bad(
                "segment_age",
                "`0s` is too short; write a duration such as 24h".to_owned(),
            );
        }
        if self.commit_interval > LONGEST {
            let why = format!("`{:?}` is too long; at most 60s", self.commit_interval);
            return bad("commit_interval", why);
        }
        if self.checkpoint_interval.is_zero() || self.checkpoint_interval > LONGEST {
            let why =
                format!("`{:?}` is not more than 0s and at most 60s", self.checkpoint_interval);
            return bad("checkpoint_interval", why);
        }
        if !(1..=MOST_RECORDS).contains(&self.checkpoint_records) {
            let why = format!("`{}` is not from 1 to {MOST_RECORDS}", self.checkpoint_records);
            return bad("checkpoint_records", why);
        }
        Ok(())
    }
}
