//! The forms that values have: how each kind of setting is read and shown.

use std::{marker::PhantomData, path::PathBuf, time::Duration};

use super::{Value, units};
use crate::{Capture, ClientIp, Detector, ForwardedHeader, How, Outcome, Reliability, SessionAs};

/// How a setting of type `T` is written.
pub(super) trait Form<T> {
    /// Whether it fits into one environment variable.
    const SCALAR: bool = true;

    /// None where the value has another form.
    fn read(value: &Value) -> Option<T>;

    /// None where nothing is set.
    fn show(setting: &T) -> Option<Value>;

    /// What is allowed, where that is a few words.
    fn words() -> Vec<&'static str> {
        Vec::new()
    }
}

/// A text; empty for none.
pub(super) struct Text;
/// A path; empty for none.
pub(super) struct File;
pub(super) struct Flag;
pub(super) struct Size;
pub(super) struct Count;
pub(super) struct Share;
pub(super) struct Span;
pub(super) struct Word;
pub(super) struct Texts;
/// A list, or one text.
pub(super) struct OneOrMore;
/// A list of texts or whole numbers.
pub(super) struct Statuses;
pub(super) struct WordList;
/// For what need not be set.
pub(super) struct Maybe<F>(PhantomData<F>);
/// For what is not set where it is empty.
pub(super) struct Filled<F>(PhantomData<F>);

impl Form<String> for Text {
    fn read(value: &Value) -> Option<String> {
        value.text().map(str::to_owned)
    }

    fn show(setting: &String) -> Option<Value> {
        Some(Value::Text(setting.clone()))
    }
}

impl Form<PathBuf> for File {
    fn read(value: &Value) -> Option<PathBuf> {
        value.text().filter(|text| !text.is_empty()).map(PathBuf::from)
    }

    fn show(setting: &PathBuf) -> Option<Value> {
        Some(Value::Text(setting.to_string_lossy().into_owned()))
    }
}

impl Form<Option<PathBuf>> for File {
    fn read(value: &Value) -> Option<Option<PathBuf>> {
        value.text().map(|text| (!text.is_empty()).then(|| PathBuf::from(text)))
    }

    fn show(setting: &Option<PathBuf>) -> Option<Value> {
        let text = setting.as_ref().map(|path| path.to_string_lossy().into_owned());
        Some(Value::Text(text.unwrap_or_default()))
    }
}

impl Form<bool> for Flag {
    fn read(value: &Value) -> Option<bool> {
        match value {
            Value::Boolean(flag) => Some(*flag),
            Value::Raw(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn show(setting: &bool) -> Option<Value> {
        Some(Value::Boolean(*setting))
    }
}

impl Form<u64> for Size {
    fn read(value: &Value) -> Option<u64> {
        match value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            value => units::size(value.text()?),
        }
    }

    fn show(setting: &u64) -> Option<Value> {
        Some(units::show_size(*setting).map_or_else(|| whole(*setting), Value::Text))
    }
}

impl Form<usize> for Size {
    fn read(value: &Value) -> Option<usize> {
        <Self as Form<u64>>::read(value).and_then(|bytes| usize::try_from(bytes).ok())
    }

    fn show(setting: &usize) -> Option<Value> {
        <Self as Form<u64>>::show(&u64::try_from(*setting).unwrap_or(u64::MAX))
    }
}

impl Form<u64> for Count {
    fn read(value: &Value) -> Option<u64> {
        match value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            Value::Raw(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn show(setting: &u64) -> Option<Value> {
        Some(whole(*setting))
    }
}

/// TOML knows no larger numbers; a text of digits is read as a size, too.
fn whole(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Integer)
}

impl Form<f64> for Share {
    fn read(value: &Value) -> Option<f64> {
        match value {
            Value::Float(number) => Some(*number),
            // 0 and 1 are what people write; others are refused for their size.
            Value::Integer(number) => i32::try_from(*number).ok().map(f64::from),
            Value::Raw(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn show(setting: &f64) -> Option<Value> {
        Some(Value::Float(*setting))
    }
}

impl Form<Duration> for Span {
    fn read(value: &Value) -> Option<Duration> {
        units::duration(value.text()?)
    }

    fn show(setting: &Duration) -> Option<Value> {
        Some(Value::Text(units::show_duration(*setting)))
    }
}

impl Form<Vec<String>> for Texts {
    const SCALAR: bool = false;

    fn read(value: &Value) -> Option<Vec<String>> {
        let Value::List(values) = value else { return None };
        values.iter().map(Text::read).collect()
    }

    fn show(setting: &Vec<String>) -> Option<Value> {
        Some(Value::List(setting.iter().filter_map(Text::show).collect()))
    }
}

impl Form<Vec<String>> for OneOrMore {
    const SCALAR: bool = false;

    fn read(value: &Value) -> Option<Vec<String>> {
        match value {
            Value::List(_) => Texts::read(value),
            value => Text::read(value).map(|text| vec![text]),
        }
    }

    fn show(setting: &Vec<String>) -> Option<Value> {
        Texts::show(setting)
    }
}

impl Form<Vec<String>> for Statuses {
    const SCALAR: bool = false;

    fn read(value: &Value) -> Option<Vec<String>> {
        let one = |value: &Value| match value {
            Value::Integer(number) => Some(number.to_string()),
            value => Text::read(value),
        };
        match value {
            Value::List(values) => values.iter().map(one).collect(),
            value => one(value).map(|text| vec![text]),
        }
    }

    fn show(setting: &Vec<String>) -> Option<Value> {
        Texts::show(setting)
    }
}

/// A setting that is one of a few words.
pub(super) trait Words: Clone + 'static {
    fn all() -> Vec<Self>;
    fn word(&self) -> &'static str;
}

macro_rules! words {
    ($($type:ty: $all:expr, $word:expr;)*) => {$(
        impl Words for $type {
            fn all() -> Vec<Self> {
                $all.to_vec()
            }

            fn word(&self) -> &'static str {
                let word: fn(&Self) -> &'static str = $word;
                word(self)
            }
        }
    )*};
}

words! {
    Capture: Self::ALL, |it| it.as_str();
    Reliability: Self::ALL, |it| it.as_str();
    SessionAs: Self::ALL, |it| it.as_str();
    ClientIp: Self::ALL, |it| it.as_str();
    ForwardedHeader: [Self::XForwardedFor, Self::Forwarded], |it| it.name();
    How: [Self::Redact, Self::Remove, Self::Last4, Self::Pseudonym], Self::as_str;
    Detector: Self::ALL, |it| it.as_str();
    Outcome: Self::ALL, |it| it.as_str();
}

impl<T: Words> Form<T> for Word {
    fn read(value: &Value) -> Option<T> {
        let text = value.text()?;
        T::all().into_iter().find(|one| one.word() == text)
    }

    fn show(setting: &T) -> Option<Value> {
        Some(Value::Text(setting.word().to_owned()))
    }

    fn words() -> Vec<&'static str> {
        T::all().iter().map(Words::word).collect()
    }
}

impl<T: Words> Form<Vec<T>> for WordList {
    const SCALAR: bool = false;

    fn read(value: &Value) -> Option<Vec<T>> {
        let Value::List(values) = value else { return None };
        values.iter().map(Word::read).collect()
    }

    fn show(setting: &Vec<T>) -> Option<Value> {
        Some(Value::List(setting.iter().filter_map(Word::show).collect()))
    }

    fn words() -> Vec<&'static str> {
        <Word as Form<T>>::words()
    }
}

impl<T, F: Form<T>> Form<Option<T>> for Maybe<F> {
    const SCALAR: bool = F::SCALAR;

    fn read(value: &Value) -> Option<Option<T>> {
        F::read(value).map(Some)
    }

    fn show(setting: &Option<T>) -> Option<Value> {
        setting.as_ref().and_then(F::show)
    }

    fn words() -> Vec<&'static str> {
        F::words()
    }
}

impl<T: Default + PartialEq, F: Form<T>> Form<T> for Filled<F> {
    const SCALAR: bool = F::SCALAR;

    fn read(value: &Value) -> Option<T> {
        F::read(value)
    }

    fn show(setting: &T) -> Option<Value> {
        F::show(setting).filter(|_| *setting != T::default())
    }

    fn words() -> Vec<&'static str> {
        F::words()
    }
}
