//! What a report tells of what the trail says of itself.

use super::Verdict;

/// Most ranges that are told apart.
const MOST_RANGES: usize = 4096;

/// What control records say. It counts when a checkpoint covers it: whatever stands behind the last one
/// is nobody's word.
#[derive(Debug, Default)]
pub(super) struct Told {
    unsealed: Vec<(u64, u64)>,
    lost: u64,
}

/// What is looked at of a control record; the rest of it, which may be large, is passed.
#[derive(serde::Deserialize)]
struct Control<'a> {
    #[serde(borrow)]
    op: std::borrow::Cow<'a, str>,
    unsealed: Option<Range>,
    count: Option<u64>,
}

#[derive(serde::Deserialize)]
struct Range {
    from: u64,
    to: u64,
}

impl Told {
    /// Sees the member `control` of a control record.
    pub(super) fn see(&mut self, control: &str) {
        let Ok(told) = serde_json::from_str::<Control<'_>>(control) else { return };
        match &*told.op {
            "open" => {
                if let Some(range) = told.unsealed {
                    add(&mut self.unsealed, (range.from, range.to));
                }
            }
            "gap" => self.lost = self.lost.saturating_add(told.count.unwrap_or(0)),
            _ => {}
        }
    }

    /// What was seen so far is signed.
    pub(super) fn sign(&mut self, verdict: &mut Verdict) {
        self.unsealed.drain(..).for_each(|range| add(&mut verdict.unsealed, range));
        verdict.lost = verdict.lost.saturating_add(std::mem::take(&mut self.lost));
    }
}

/// Adds a range. Nobody who is honest starts so often without a checkpoint that there are too many;
/// then the last one grows.
fn add(ranges: &mut Vec<(u64, u64)>, (from, to): (u64, u64)) {
    let full = ranges.len() >= MOST_RANGES;
    match ranges.last_mut().filter(|_| full) {
        Some(last) => *last = (last.0.min(from), last.1.max(to)),
        None => ranges.push((from, to)),
    }
}
