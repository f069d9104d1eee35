//! What the application says in words: bounded texts, one of each kind.

use super::{
    flags::{Flag, Flags},
    frame::{self, Tag},
};

/// Most roles.
const ROLES: usize = 64;
/// Longest route template.
pub(super) const ROUTE: usize = 1024;
/// Longest session id.
pub(super) const SESSION: usize = 4 * 1024;
/// Longest panic or error message.
pub(super) const MESSAGE: usize = 1024;
/// Longest description.
const DESCRIPTION: usize = 1024;
/// Longest of all others.
const WORD: usize = 256;

/// Most bytes of a text, and what tells that it was longer.
const fn limit(tag: Tag) -> (usize, Flag) {
    match tag {
        Tag::Route => (ROUTE, Flag::PathTruncated),
        Tag::Session => (SESSION, Flag::ActorTruncated),
        Tag::Description => (DESCRIPTION, Flag::EventTruncated),
        Tag::Reference | Tag::EntityType | Tag::EntityId => (WORD, Flag::EventTruncated),
        Tag::Failure => (MESSAGE, Flag::ErrorTruncated),
        _ => (WORD, Flag::ActorTruncated),
    }
}

/// Texts that were set, the last of each kind.
#[derive(Clone, Default)]
pub(super) struct Said {
    texts: Vec<(Tag, String)>,
    roles: Vec<String>,
    pub(super) flags: Flags,
}

impl Said {
    /// Sets a text, cut to its limit.
    pub(super) fn set(&mut self, tag: Tag, text: &str) {
        let (kept, flags) = cut(tag, text);
        self.flags.add(flags);
        self.put(tag, kept);
    }

    /// Sets a member of the core. The core is not redactable, so nothing but an identifier may
    /// get there, not even a part of anything else.
    pub(super) fn identify(&mut self, tag: Tag, text: &str, invalid: Flag) {
        self.texts.retain(|(set, _)| *set != tag);
        if is_identifier(text) {
            self.put(tag, text);
        } else {
            self.flags.set(invalid);
        }
    }

    /// An amount of money; what is none is left out.
    pub(super) fn amount(&mut self, amount: &str, currency: &str) {
        self.texts.retain(|(set, _)| !matches!(set, Tag::Amount | Tag::Currency));
        if is_decimal(amount) && is_currency(currency) {
            self.put(Tag::Amount, amount);
            self.put(Tag::Currency, &currency.to_ascii_uppercase());
        } else {
            self.flags.set(Flag::AmountInvalid);
        }
    }

    pub(super) fn roles(&mut self, (roles, flags): (Vec<String>, Flags)) {
        self.roles = roles;
        self.flags.add(flags);
    }

    pub(super) fn has(&self, tag: Tag) -> bool {
        self.texts.iter().any(|(set, _)| *set == tag)
    }

    /// Appends all of it to an arena, but for what `before` has said already.
    pub(super) fn push(&self, arena: &mut Vec<u8>, before: Option<&Self>) {
        for (tag, text) in &self.texts {
            if !before.is_some_and(|before| before.has(*tag)) {
                frame::push(arena, *tag, b"", text.as_bytes());
            }
        }
        if before.is_none_or(|before| before.roles.is_empty()) {
            self.roles.iter().for_each(|r| frame::push(arena, Tag::Role, b"", r.as_bytes()));
        }
    }

    fn put(&mut self, tag: Tag, text: &str) {
        match self.texts.iter_mut().find(|(set, _)| *set == tag) {
            Some((_, old)) => text.clone_into(old),
            None => self.texts.push((tag, text.to_owned())),
        }
    }
}

/// Roles within their limits. The iterator is the caller's code, which runs here, under no lock.
pub(super) fn roles<T: AsRef<str>>(roles: impl IntoIterator<Item = T>) -> (Vec<String>, Flags) {
    let mut flags = Flags::default();
    let mut roles = roles.into_iter();
    let kept = roles.by_ref().take(ROLES).map(|role| {
        let (kept, cut) = cut(Tag::Role, role.as_ref());
        flags.add(cut);
        kept.to_owned()
    });
    let kept = kept.collect();
    if roles.next().is_some() {
        flags.set(Flag::ActorTruncated);
    }
    (kept, flags)
}

fn cut(tag: Tag, text: &str) -> (&str, Flags) {
    let (most, flag) = limit(tag);
    let mut flags = Flags::default();
    if text.len() > most {
        flags.set(flag);
    }
    (&text[..text.floor_char_boundary(most)], flags)
}

/// Whether `text` may stand in the core of a record.
pub(crate) fn is_identifier(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}

/// Digits, with a sign before and a point between them: nothing that two readers take for
/// different numbers.
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    text.len() <= 64 && digits(whole) && digits(part)
}

/// A code such as `EUR`, or a longer one of a currency that no bank issues.
fn is_currency(text: &str) -> bool {
    (3..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_digits_and_currencies_codes() {
        for good in ["0", "-1.50", "1250000", "007.000000000000000000"] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", "-", "1.", ".5", "+1", "1e3", "1,5", "NaN", "1.2.3", "--1", "\u{661}", " 1"]
        {
            assert!(!is_decimal(bad), "{bad}");
        }
        assert!(!is_decimal(&"1".repeat(65)));
        assert!(is_currency("EUR") && is_currency("usdt") && !is_currency("\u{20ac}uro"));
        assert!(!is_currency("EU") && !is_currency("E R"));
    }
}
