//! Open containers, and what the name of a member says beyond its own value.

use std::ops::Range;

use crate::mask::{pair::Role, rules::Sel};

/// A pair's value that came before its name.
#[derive(Clone, Debug)]
pub(super) struct Early {
    /// Where it lies in the input, and in the output; the ends are set once it is over.
    pub(super) input: Range<usize>,
    pub(super) output: Range<usize>,
}

/// Most early values of one container. More have the same name, and go.
pub(super) const EARLY: usize = 16;

/// An open container.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) object: bool,
    /// Of the present member.
    pub(super) role: Role,
    /// The place of the next element.
    pub(super) element: usize,
    /// What the pair's name selected.
    pub(super) named: Option<Sel>,
    /// Where its early values begin among those of all open containers.
    pub(super) early: usize,
    /// Where in the output the present member begins, where it may be removed.
    pub(super) member_out: Option<usize>,
}

impl Level {
    pub(super) const fn new(object: bool, early: usize) -> Self {
        Self { object, role: Role::None, element: 0, named: None, early, member_out: None }
    }
}
