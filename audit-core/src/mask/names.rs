//! What the names of members say.

use super::{MaskRules, pair::Role, part::Of, rules::Sel};

/// What the name of a member says of its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    pub(super) selected: Option<Sel>,
    pub(super) role: Role,
}

impl Says {
    pub(super) fn of(rules: &MaskRules, of: Of, name: &str) -> Self {
        let role = match of {
            Of::Form | Of::Query => Role::of_field(name),
            _ => Role::of(name),
        };
        Self { selected: rules.find(of, name), role }
    }
}
