//! Tries single values, so that each that is wrong is told, and where it stands.

use super::{BadSetting, Code, Settings, Value, compile, keys::Key, problem::MOST};
use crate::Rule;

/// Something that has keys.
pub(super) trait Keyed: Clone {
    /// With nothing in it that could be wrong.
    fn blank() -> Self;

    fn check(self) -> Result<(), BadSetting>;
}

impl Keyed for Settings {
    fn blank() -> Self {
        Self::default()
    }

    fn check(self) -> Result<(), BadSetting> {
        compile(&self, &Code::default()).map(drop)
    }
}

impl Keyed for Rule {
    /// It masks something, since how to mask goes with what.
    fn blank() -> Self {
        Self::new("rule").mask(["probe"])
    }

    fn check(self) -> Result<(), BadSetting> {
        Settings { rules: vec![self], ..Settings::default() }.check()
    }
}

/// What is wrong with this value of a key: of a list with which of its items, else with all of it.
pub(super) fn probe<S: Keyed>(key: &Key<S>, value: &Value) -> Vec<(Option<usize>, String)> {
    // None: it has another form.
    let alone = |value: &Value| {
        let mut blank = S::blank();
        if !(key.set)(&mut blank, value) {
            return Err(None);
        }
        blank.check().map_err(|error| Some(error.why().to_owned()))
    };
    let Err(why) = alone(value) else { return Vec::new() };
    let whole = || vec![(None, why.unwrap_or_else(|| key.refusal(value)))];
    let Value::List(items) = value else { return whole() };
    if !(key.set)(&mut S::blank(), &Value::List(Vec::new())) {
        return whole();
    }
    let wrong: Vec<_> = items
        .iter()
        .enumerate()
        .filter_map(|(at, item)| {
            let why = alone(&Value::List(vec![item.clone()])).err()?;
            Some((Some(at), why.unwrap_or_else(|| key.refusal_in_list(item))))
        })
        // More are not told.
        .take(2 * MOST)
        .collect();
    // Each by itself is fine: there are too many of them.
    if wrong.is_empty() { whole() } else { wrong }
}
