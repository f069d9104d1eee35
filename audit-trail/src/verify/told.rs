//! What a report tells of what the trail says of itself.

use super::{Verdict, odd};

/// Most ranges that are told apart.
const MOST_RANGES: usize = 4096;

/// What control records say. It counts when a checkpoint covers it: whatever stands behind the last one
/// is nobody's word.
#[derive(Debug, Default)]
pub(super) struct Told {
    unsealed: Vec<(u64, u64)>,
    lost: u64,
    repairs: u64,
    warnings: Vec<String>,
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
    /// Sees the member `control` of a control record, and the times of the records before it.
    pub(super) fn see(&mut self, control: &str, times: &odd::Times) {
        let Ok(told) = serde_json::from_str::<Control<'_>>(control) else { return };
        match &*told.op {
            "open" => {
                if let Some(Range { from, to }) = told.unsealed {
                    add(&mut self.unsealed, (from, to));
                    let count = to.saturating_sub(from).saturating_add(1);
                    let what = format!("adopted, from {from} to {to}");
                    odd::add(&mut self.warnings, times.odd(&what, count));
                }
            }
            "repair" => self.repairs += 1,
            "gap" => self.lost = self.lost.saturating_add(told.count.unwrap_or(0)),
            _ => {}
        }
    }

    /// What was seen so far is signed.
    pub(super) fn sign(&mut self, verdict: &mut Verdict) {
        self.unsealed.drain(..).for_each(|range| add(&mut verdict.unsealed, range));
        self.warnings.drain(..).for_each(|one| odd::add(&mut verdict.warnings, Some(one)));
        verdict.repairs += std::mem::take(&mut self.repairs);
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
