//! The list of masked places that a record carries.

use super::{part::Part, rules::Sel};

/// Most places listed in one record.
const MOST: usize = 100;
/// Shortest masked text that is looked for elsewhere, in bytes, and most of them.
const SHORTEST: usize = 8;
const TEXTS: usize = 32;

/// Where values were masked: each part and selector once.
#[derive(Debug, Default)]
pub(crate) struct MaskedList {
    places: Vec<(Part, Sel)>,
    /// Of values that were masked by rules of their own: the selector, and how.
    told: Vec<(Part, String, String)>,
    /// Texts that were masked, to find where else they stand.
    texts: Vec<String>,
    /// The selectors listed for each part, as bits: a body may hold a million masked values.
    listed: [Vec<u64>; Part::COUNT],
    pub(crate) truncated: bool,
}

impl MaskedList {
    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.told.clear();
        self.texts.clear();
        self.listed.iter_mut().for_each(Vec::clear);
        self.truncated = false;
    }

    pub(crate) fn add(&mut self, part: Part, sel: Sel) {
        let (word, bit) = (sel.place() / 64, 1 << (sel.place() % 64));
        let listed = &mut self.listed[part as usize];
        if listed.len() <= word {
            listed.resize(word + 1, 0);
        }
        if listed[word] & bit != 0 {
            return;
        }
        if self.places.len() + self.told.len() >= MOST {
            self.truncated = true;
            return;
        }
        listed[word] |= bit;
        self.places.push((part, sel));
    }

    /// Adds a place that was masked by rules of its own.
    pub(super) fn tell(&mut self, part: Part, selector: &str, how: &str) {
        if self.places.len() + self.told.len() >= MOST {
            self.truncated = true;
            return;
        }
        self.told.push((part, selector.to_owned(), how.to_owned()));
    }

    /// Keeps a text that was masked, if it is one that can be found again without a mistake.
    pub(super) fn remember(&mut self, text: &str) {
        let known = || self.texts.iter().any(|known| known == text);
        if text.len() >= SHORTEST && self.texts.len() < TEXTS && !known() {
            self.texts.push(text.to_owned());
        }
    }

    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    pub(super) fn told(&self) -> impl Iterator<Item = (Part, &str, &str)> {
        self.told.iter().map(|(part, selector, how)| (*part, selector.as_str(), how.as_str()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty() && self.told.is_empty()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (Part, Sel)> {
        self.places.iter().copied()
    }

    /// How many are listed, to take back what is listed later.
    pub(super) fn mark(&self) -> usize {
        self.places.len()
    }

    /// Takes back what was listed since the mark: what it stood for is not written after all.
    pub(super) fn take_back(&mut self, mark: usize) {
        for (part, sel) in self.places.drain(mark.min(self.places.len())..) {
            self.listed[part as usize][sel.place() / 64] &= !(1 << (sel.place() % 64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_listed_once() {
        let mut list = MaskedList::default();
        list.add(Part::Query, Sel::COOKIE);
        let mark = list.mark();
        for _ in 0..2 {
            for part in [Part::Query, Part::Metadata] {
                list.add(part, Sel::COOKIE);
            }
        }
        assert_eq!(list.iter().len(), 2);
        list.take_back(mark);
        assert_eq!(list.iter().collect::<Vec<_>>(), [(Part::Query, Sel::COOKIE)]);
        list.add(Part::Metadata, Sel::COOKIE);
        assert_eq!(list.iter().len(), 2);
        list.clear();
        list.add(Part::Query, Sel::COOKIE);
        assert_eq!(list.iter().len(), 1);
    }
}
