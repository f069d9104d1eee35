//! The list of masked places that a record carries.

use super::{Names, names::Part};

/// Most places listed in one record.
const MOST: usize = 100;

/// Where values were masked: each part and selector once.
#[derive(Debug, Default)]
pub(crate) struct MaskedList {
    places: Vec<(Part, String)>,
    pub(crate) truncated: bool,
}

impl MaskedList {
    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.truncated = false;
    }

    pub(crate) fn add(&mut self, part: Part, selector: &str) {
        if self.places.iter().any(|(p, s)| *p == part && s == selector) {
            return;
        }
        if self.places.len() == MOST {
            self.truncated = true;
            return;
        }
        self.places.push((part, selector.to_owned()));
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (Part, &str)> {
        self.places.iter().map(|(part, selector)| (*part, selector.as_str()))
    }
}

/// What a masker of one part needs: the names to look for and the list to add to.
pub(super) struct Scope<'a> {
    pub(super) names: &'a Names,
    pub(super) part: Part,
    pub(super) list: &'a mut MaskedList,
}

impl Scope<'_> {
    /// Whether the value under `name` is to be masked; if so, it is listed.
    pub(super) fn hides(&mut self, name: &str) -> bool {
        self.hides_as(self.part, name)
    }

    /// The same for a name in the query of a URL, wherever that is.
    pub(super) fn hides_asked(&mut self, name: &str) -> bool {
        self.hides_as(Part::Query, name)
    }

    /// The same for a word in free text, wherever that is.
    pub(super) fn hides_word(&mut self, name: &str) -> bool {
        self.hides_as(Part::Error, name)
    }

    fn hides_as(&mut self, part: Part, name: &str) -> bool {
        match self.names.find(part, name) {
            Some(selector) => {
                self.list.add(self.part, selector);
                true
            }
            None => false,
        }
    }
}
