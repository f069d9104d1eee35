//! Which patterns and rules leave nothing for others.

use std::collections::BTreeSet;

use super::{Checked, EndCondition, Exclusions, Facts, Glob, HeadCondition, Rules};
use crate::{Capture, Outcome};

/// Most kinds of requests that are told apart for one rule. A rule with more is not looked at.
const MOST_KINDS: usize = 4096;

/// Most parts of one pattern times those of another that are compared.
const MOST_PARTS: usize = 4096;
/// Most steps for all rules together, about a second. A file of 4 MiB could ask for hours.
const MOST_STEPS: usize = 1 << 26;
/// No status is this or more.
const END_OF_STATUS: u16 = 1000;

/// Why a rule decides on no request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Never {
    /// Its conditions never hold together.
    Contradicts,
    /// These rules before it take all of its requests.
    Taken(Vec<String>),
    /// Likewise, but for paths that a server may take for other ones (with `..`, or escaped), and
    /// for requests that have none (`OPTIONS *`).
    TakenButOdd(Vec<String>),
    /// All of its requests are excluded.
    Excluded,
    /// Likewise, but for paths that a server may take for other ones.
    ExcludedButOdd,
}

/// The steps that are left for looking at rules.
#[derive(Debug)]
pub(crate) struct Steps(usize);

impl Default for Steps {
    fn default() -> Self {
        Self(MOST_STEPS)
    }
}

impl Steps {
    /// Whether there are so many left.
    fn take(&mut self, steps: usize) -> bool {
        self.0 = self.0.saturating_sub(steps);
        self.0 > 0
    }
}

/// One kind of requests, as far as conditions tell requests apart.
struct Requests<'a> {
    method: &'a str,
    facts: Facts<'a>,
}

impl Rules {
    /// Why the rule at this place decides on no request, if it does not. Some that do not are not
    /// found; one that is found does not.
    pub(crate) fn never(
        &self,
        at: usize,
        exclusions: &Exclusions,
        steps: &mut Steps,
    ) -> Option<Never> {
        let rule = self.get(at);
        let (glob, methods) = (rule.path(), rule.methods());
        if methods.is_some_and(|all| exclusions.cover_methods(all, steps)) {
            return Some(Never::Excluded);
        }
        if glob.is_some_and(|glob| exclusions.cover_path(glob, steps)) {
            return Some(match rule.says.capture {
                Capture::None => Never::Excluded,
                _ => Never::ExcludedButOdd,
            });
        }
        if glob.is_some_and(|glob| exclusions.cover_extension(glob)) {
            return Some(Never::ExcludedButOdd);
        }
        let before: Vec<&Checked> =
            (0..at).map(|at| self.get(at)).filter(|b| b.covers_path(glob, steps)).collect();
        let kinds = kinds(rule, &before, steps)?;
        if kinds.is_empty() {
            return Some(Never::Contradicts);
        }
        let mut taken = BTreeSet::new();
        for kind in kinds {
            if !steps.take(before.iter().map(|before| before.entries()).sum()) {
                return None;
            }
            taken.insert(before.iter().position(|before| before.takes(&kind))?);
        }
        // What records nothing is only for paths as they are received; and no pattern is for
        // requests without a path.
        let odd = |at: &usize| {
            let records = |rule: &Checked| rule.says.capture > Capture::None;
            let as_received = !records(before[*at]) && records(rule);
            before[*at].path().is_some() && (as_received || glob.is_none())
        };
        let names = taken.iter().map(|at| before[*at].name.clone()).collect();
        Some(match taken.iter().any(odd) {
            true => Never::TakenButOdd(names),
            false => Never::Taken(names),
        })
    }
}

impl Checked {
    fn path(&self) -> Option<&Glob> {
        self.at_head.iter().find_map(|condition| match condition {
            HeadCondition::Path(glob) => Some(glob),
            HeadCondition::Methods(_) => None,
        })
    }

    fn methods(&self) -> Option<&[String]> {
        self.at_head.iter().find_map(|condition| match condition {
            HeadCondition::Methods(methods) => Some(&**methods),
            HeadCondition::Path(_) => None,
        })
    }

    /// How many entries its conditions have.
    fn entries(&self) -> usize {
        let end = self.at_end.iter().map(|condition| match condition {
            EndCondition::Status(ranges) => ranges.len(),
            EndCondition::User(texts) | EndCondition::Tenant(texts) => texts.len(),
            _ => 1,
        });
        1 + self.methods().map_or(0, <[_]>::len) + end.sum::<usize>()
    }

    /// Whether it is for every path that this pattern matches; `None` matches all.
    fn covers_path(&self, glob: Option<&Glob>, steps: &mut Steps) -> bool {
        match (self.path(), glob) {
            (None, _) => true,
            (Some(own), Some(glob)) => own.covers(glob, steps),
            (Some(own), None) => own.is_all(),
        }
    }

    /// Whether it is for all of these requests, on the paths that it covers.
    fn takes(&self, requests: &Requests<'_>) -> bool {
        self.methods().is_none_or(|own| own.iter().any(|method| method == requests.method))
            && self.at_end.iter().all(|condition| condition.holds(&requests.facts))
    }
}

/// The kinds of requests that a rule is for, as finely as the rules before it tell them apart.
/// `None`: they are too many.
fn kinds<'a>(
    rule: &'a Checked,
    before: &[&'a Checked],
    steps: &mut Steps,
) -> Option<Vec<Requests<'a>>> {
    // To gather what they name, entry by entry into sets.
    if !steps.take(before.iter().map(|before| 8 * before.entries()).sum()) {
        return None;
    }
    let ends = || before.iter().flat_map(|before| &before.at_end).chain(&rule.at_end);
    // Of a method that none of them names there is one more.
    let methods: BTreeSet<&str> = match rule.methods() {
        Some(own) => own.iter().map(String::as_str).collect(),
        None => {
            let named = before.iter().filter_map(|before| before.methods()).flatten();
            named.map(String::as_str).chain([""]).collect()
        }
    };
    // One of each range that no condition parts; and none, of a request without a response.
    let mut statuses =
        BTreeSet::from([None, Some(100), Some(101), Some(102), Some(200), Some(300)]);
    let (mut users, mut tenants) = (BTreeSet::new(), BTreeSet::new());
    let (mut route, mut nanos, mut size) = (None, 0, 0);
    for condition in ends() {
        if let EndCondition::Status(ranges) = condition {
            statuses.extend(ranges.iter().flat_map(|range| {
                [Some(*range.start()), Some((*range.end() + 1).min(END_OF_STATUS))]
            }));
        }
    }
    for condition in &rule.at_end {
        match condition {
            EndCondition::Route(own) => route = Some(own.as_str()),
            EndCondition::MinDuration(least) => nanos = *least,
            EndCondition::MinSize(least) => size = *least,
            EndCondition::User(own) => users.extend(own.iter().map(|user| Some(user.as_str()))),
            EndCondition::Tenant(own) => tenants.extend(own.iter().map(|one| Some(one.as_str()))),
            EndCondition::Status(_) | EndCondition::Outcome(_) => {}
        }
    }
    for some in [&mut users, &mut tenants] {
        if some.is_empty() {
            some.insert(None);
        }
    }
    let most = methods.len() * statuses.len() * Outcome::ALL.len() * users.len() * tenants.len();
    if most > MOST_KINDS {
        return None;
    }
    let mut kinds = Vec::new();
    for (outcome, status) in
        Outcome::ALL.iter().flat_map(|o| statuses.iter().map(move |s| (*o, *s)))
    {
        if !happens(outcome, status) {
            continue;
        }
        for (user, tenant) in users.iter().flat_map(|u| tenants.iter().map(move |t| (*u, *t))) {
            let facts = Facts { route, status, outcome, nanos, size, user, user_id: None, tenant };
            if rule.at_end.iter().all(|condition| condition.holds(&facts)) {
                kinds.extend(methods.iter().map(|method| Requests { method, facts }));
            }
        }
    }
    Some(kinds)
}

/// Whether a request can end so.
fn happens(outcome: Outcome, status: Option<u16>) -> bool {
    match (outcome, status) {
        // The record of one is made at the next start, which no rule decides on.
        (Outcome::Interrupted, _) | (Outcome::ServiceError, Some(_)) => false,
        (outcome, None) => {
            matches!(outcome, Outcome::ServiceError | Outcome::Cancelled | Outcome::Panicked)
        }
        (Outcome::Upgraded, Some(status)) => status == 101 || (200..300).contains(&status),
        // A server sends no such answer as the last one, but an application may make it.
        (Outcome::Completed, Some(status)) => status != 101,
        (_, Some(status)) => (200..END_OF_STATUS).contains(&status),
    }
}

impl Glob {
    /// Whether every path matches.
    pub(crate) fn is_all(&self) -> bool {
        self.0.iter().all(|segment| segment == "**")
    }

    /// Whether it matches every path that `other` matches. Never says so of one that does not.
    fn covers(&self, other: &Self, steps: &mut Steps) -> bool {
        let any = |segment: &String| segment == "**";
        steps.take(self.0.len() * other.0.len())
            && covers(&self.0, &other.0, any, |own, theirs| segment_covers(own, theirs, steps))
    }
}

fn segment_covers(own: &str, theirs: &str, steps: &mut Steps) -> bool {
    if !own.contains('*') {
        return own == theirs;
    }
    // Before they are taken apart.
    if own.len() * theirs.len() > 4 * MOST_PARTS || !steps.take(16 + own.len() * theirs.len()) {
        return false;
    }
    let (own, theirs): (Vec<_>, Vec<_>) = (own.chars().collect(), theirs.chars().collect());
    covers(&own, &theirs, |c| *c == '*', |own, theirs| own == theirs)
}

impl Exclusions {
    /// Whether every path that a pattern matches is excluded, but for those that lead elsewhere.
    fn cover_path(&self, glob: &Glob, steps: &mut Steps) -> bool {
        self.paths.iter().any(|own| own.covers(glob, steps))
    }

    /// Whether every path that a pattern matches is excluded by its extension, but for those that
    /// lead elsewhere, and for `/app.css/` and `/.css`.
    fn cover_extension(&self, glob: &Glob) -> bool {
        let last = glob.0.last().filter(|last| !last.ends_with('*'));
        last.is_some_and(|last| self.extension_of(last).is_some())
    }

    /// Whether all of these methods are excluded.
    fn cover_methods(&self, methods: &[String], steps: &mut Steps) -> bool {
        steps.take(methods.len() * self.methods.len())
            && methods.iter().all(|method| self.methods.contains(method))
    }

    /// Whether every request is excluded by its path, but for those that lead elsewhere.
    pub(crate) fn are_all(&self) -> bool {
        self.paths.iter().any(Glob::is_all)
    }
}

/// Whether a pattern of parts, of which some stand for any number of parts, matches all that
/// another one does: by a table, in time linear in each of the two. Long ones are not looked at.
fn covers<T>(
    pattern: &[T],
    other: &[T],
    any: impl Fn(&T) -> bool,
    mut part: impl FnMut(&T, &T) -> bool,
) -> bool {
    if pattern.len() * other.len() > MOST_PARTS {
        return false;
    }
    // Whether the rest of the pattern covers the rest of the other, from the ends on.
    let mut below = vec![false; other.len() + 1];
    below[other.len()] = true;
    for own in pattern.iter().rev() {
        let mut row = vec![false; other.len() + 1];
        for at in (0..=other.len()).rev() {
            row[at] = match other.get(at) {
                None => any(own) && below[at],
                Some(_) if any(own) => below[at] || row[at + 1],
                Some(theirs) => !any(theirs) && part(own, theirs) && below[at + 1],
            };
        }
        below = row;
    }
    below[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str) -> Glob {
        Glob::new(pattern).unwrap()
    }

    fn covers(pattern: &str, other: &str) -> bool {
        glob(pattern).covers(&glob(other), &mut Steps::default())
    }

    #[test]
    fn patterns_cover_patterns() {
        for (pattern, other, expected) in [
            ("/a", "/a", true),
            ("/a", "/a/", true),
            ("/a", "/b", false),
            ("/**", "/a/b", true),
            ("/**", "/**", true),
            ("/*", "/**", false),
            ("/*", "/a*", true),
            ("/a*", "/*", false),
            ("/a*c", "/ab*bc", true),
            ("/a*c", "/ab*b", false),
            ("/*.css", "/app*.css", true),
            ("/orders/**", "/orders", true),
            ("/orders/**", "/orders/*/items/**", true),
            ("/orders/*", "/orders/**", false),
            ("/**/items", "/orders/**/items", true),
            ("/**/a/**", "/b/a/c", true),
            ("/**/a/**", "/b/c", false),
            ("/orders/**/**", "/orders/**", true),
        ] {
            assert_eq!(covers(pattern, other), expected, "{pattern} over {other}");
        }
        assert!(glob("/**").is_all() && !glob("/*").is_all());
    }

    #[test]
    fn long_patterns_are_not_compared() {
        let long = "/**/a".repeat(30);
        assert!(covers(&long, &long));
        assert!(!covers(&long, "/a"));
        let longer = "/**/a".repeat(40);
        assert!(!covers(&longer, &longer));
    }

    proptest::proptest! {
        /// What covers a pattern matches all that the pattern matches.
        #[test]
        fn what_covers_matches_too(
            one in "(/(\\*\\*|[ab*]{0,3})){1,4}",
            other in "(/(\\*\\*|[ab*]{0,3})){1,4}",
            path in "(/[ab]{0,3}){1,5}",
        ) {
            if covers(&one, &other) && glob(&other).matches(&path) {
                proptest::prop_assert!(glob(&one).matches(&path));
            }
        }
    }
}
