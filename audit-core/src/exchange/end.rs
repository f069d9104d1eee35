//! When an exchange ends, as one pure predicate.
//!
//! Servers do not poll a body to its `None` once they know that it is complete: they ask
//! `is_end_stream`, count towards Content-Length, or know from the status that there is no body.
//! So "dropped" alone says nothing; what was known at the head and what was produced since does.

use crate::{Outcome, Phase};

/// What is known when the response head is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AtHead {
    pub(crate) head_request: bool,
    pub(crate) connect_request: bool,
    pub(crate) status: u16,
    /// The body says that it is at its end.
    pub(crate) end_stream: bool,
    /// The body knows its exact size.
    pub(crate) exact_size: Option<u64>,
    pub(crate) content_length: Option<u64>,
}

/// What to do with the response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyPlan {
    /// Over at the head; the body is passed on as it is.
    Over(Outcome),
    /// To be watched. Complete when dropped after this many bytes.
    Watch { declared: Option<u64> },
}

impl AtHead {
    pub(crate) fn plan(self) -> BodyPlan {
        let success = (200..300).contains(&self.status);
        if self.status == 101 || (self.connect_request && success) {
            return BodyPlan::Over(Outcome::Upgraded);
        }
        // A 304 or an answer to HEAD may carry a Content-Length, of a body that never comes.
        let bodyless = self.head_request || matches!(self.status, 100..=199 | 204 | 304);
        if bodyless || self.end_stream || self.exact_size == Some(0) {
            return BodyPlan::Over(Outcome::Completed);
        }
        BodyPlan::Watch { declared: self.content_length.or(self.exact_size) }
    }
}

/// How an exchange that was dropped ended: `body` is `None` before the response head, else what
/// was declared and what was produced.
pub(crate) fn when_dropped(body: Option<(Option<u64>, u64)>) -> (Outcome, Option<Phase>) {
    match body {
        None => (Outcome::Cancelled, Some(Phase::Handler)),
        Some((declared, produced)) if declared == Some(produced) => (Outcome::Completed, None),
        Some(_) => (Outcome::Cancelled, Some(Phase::ResponseBody)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: AtHead = AtHead {
        head_request: false,
        connect_request: false,
        status: 200,
        end_stream: false,
        exact_size: None,
        content_length: None,
    };
    const COMPLETED: BodyPlan = BodyPlan::Over(Outcome::Completed);
    const UPGRADED: BodyPlan = BodyPlan::Over(Outcome::Upgraded);

    #[test]
    fn at_the_head() {
        let with = |change: fn(&mut AtHead)| {
            let mut facts = OK;
            change(&mut facts);
            facts.plan()
        };
        let watch = |declared| BodyPlan::Watch { declared };
        for (plan, expected) in [
            (with(|_| ()), watch(None)),
            (with(|f| f.content_length = Some(9)), watch(Some(9))),
            (with(|f| f.exact_size = Some(7)), watch(Some(7))),
            (with(|f| (f.content_length, f.exact_size) = (Some(9), Some(7))), watch(Some(9))),
            (with(|f| f.exact_size = Some(0)), COMPLETED),
            (with(|f| f.end_stream = true), COMPLETED),
            (with(|f| f.status = 204), COMPLETED),
            (with(|f| (f.status, f.content_length) = (304, Some(9))), COMPLETED),
            (with(|f| (f.head_request, f.content_length) = (true, Some(9))), COMPLETED),
            (with(|f| f.status = 103), COMPLETED),
            (with(|f| f.status = 404), watch(None)),
            (with(|f| f.status = 101), UPGRADED),
            (with(|f| f.connect_request = true), UPGRADED),
            (with(|f| (f.connect_request, f.status) = (true, 404)), watch(None)),
            // A body that is already at its end does not hide an upgrade.
            (with(|f| (f.status, f.end_stream) = (101, true)), UPGRADED),
        ] {
            assert_eq!(plan, expected);
        }
    }

    #[test]
    fn when_it_is_dropped() {
        let cancelled = |phase| (Outcome::Cancelled, Some(phase));
        for (body, expected) in [
            (None, cancelled(Phase::Handler)),
            (Some((None, 0)), cancelled(Phase::ResponseBody)),
            (Some((None, 10)), cancelled(Phase::ResponseBody)),
            (Some((Some(10), 9)), cancelled(Phase::ResponseBody)),
            (Some((Some(10), 11)), cancelled(Phase::ResponseBody)),
            (Some((Some(10), 10)), (Outcome::Completed, None)),
            (Some((Some(0), 0)), (Outcome::Completed, None)),
        ] {
            assert_eq!(when_dropped(body), expected, "{body:?}");
        }
    }
}
