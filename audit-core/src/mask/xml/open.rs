//! The elements that are open, and what they and their children tell.

use crate::mask::{pair::Role, rules::Sel};

/// The elements that are not closed yet, and those that are: their memory is used again.
#[derive(Default)]
pub(super) struct Stack<'t> {
    all: Vec<Open<'t>>,
    pub(super) depth: usize,
}

impl<'t> Stack<'t> {
    pub(super) fn open(&mut self) -> &mut [Open<'t>] {
        &mut self.all[..self.depth]
    }

    pub(super) fn last(&self) -> Option<&Open<'t>> {
        self.all[..self.depth].last()
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Open<'t>> {
        self.open().last_mut()
    }

    /// One more, as it is at its start tag.
    pub(super) fn push(&mut self) -> &mut Open<'t> {
        if self.all.len() == self.depth {
            self.all.push(Open::default());
        }
        let open = &mut self.all[self.depth];
        self.depth += 1;
        open.text.clear();
        open.pair.values.clear();
        open
    }

    /// Closes the last one: it, and the one around it.
    pub(super) fn pop(&mut self) -> Option<(&mut Open<'t>, Option<&mut Open<'t>>)> {
        self.depth = self.depth.checked_sub(1)?;
        let (around, closed) = self.all.split_at_mut(self.depth);
        Some((closed.first_mut()?, around.last_mut()))
    }
}

/// An element that is not closed yet.
#[derive(Default)]
pub(super) struct Open<'t> {
    pub(super) name: &'t str,
    pub(super) role: Role,
    pub(super) of_list: bool,
    /// Where its start tag and its content begin in what is written.
    pub(super) tag: usize,
    pub(super) content: usize,
    /// Where its attributes are written.
    pub(super) attributes: (usize, usize),
    /// What it is hidden for; what is in it is not written.
    pub(super) hidden: Option<Sel>,
    /// What is in it is hidden for an element around it.
    pub(super) inherited: bool,
    pub(super) has_children: bool,
    /// Its text, for a name or a value.
    pub(super) text: String,
    /// It tells a name, or is in one that does.
    pub(super) tells: bool,
    /// What selects the name that an attribute of it tells.
    pub(super) told: Option<Sel>,
    /// What its children tell.
    pub(super) pair: Pair<'t>,
}

/// What the children of an element tell of each other: `<name>password</name><value>x</value>`,
/// in any order and with others between them.
#[derive(Default)]
pub(super) struct Pair<'t> {
    /// The first selector that a name told, for every value.
    pub(super) selected: Option<Sel>,
    /// The element that told the last one, for what follows it in a property list.
    pub(super) last: Option<(&'t str, Sel)>,
    /// Some child told a name.
    pub(super) any: bool,
    /// The contents of children that are values of a name that may follow.
    pub(super) values: Vec<(usize, usize)>,
}
