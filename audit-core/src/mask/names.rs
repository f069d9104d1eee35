//! What the names of members say.

use super::{MaskRules, part::Of, rules::Sel};

/// What a member is in a pair such as `{"name":"password","value":"x"}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    None,
    /// Its value is the name of the pair's value.
    Name,
    /// Its value is the path of the pair's value, as in a JSON Patch.
    Pointer,
    /// It is the pair's value.
    Value,
}

const NAMES: [&str; 19] = [
    "name",
    "key",
    "field",
    "fieldname",
    "field_name",
    "propertyname",
    "column",
    "attr",
    "variable",
    "n",
    "param",
    "parameter",
    "header",
    "property",
    "attribute",
    "label",
    "id",
    "type",
    "k",
];
/// Not `data`, `content` and the like: they hold what a cut body is kept for.
const VALUES: [&str; 12] = [
    "value",
    "values",
    "val",
    "v",
    "old",
    "new",
    "old_value",
    "oldvalue",
    "new_value",
    "newvalue",
    "stringvalue",
    "string_value",
];

impl Role {
    fn of(name: &str) -> Self {
        if !(1..=12).contains(&name.len()) {
            return Self::None;
        }
        let is = |listed: &&str| listed.eq_ignore_ascii_case(name);
        match () {
            () if NAMES.iter().any(is) => Self::Name,
            () if VALUES.iter().any(is) => Self::Value,
            () if is(&"path") => Self::Pointer,
            () => Self::None,
        }
    }
}

/// What the name of a member says of its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    pub(super) selected: Option<Sel>,
    pub(super) role: Role,
}

impl Says {
    pub(super) fn of(rules: &MaskRules, of: Of, name: &str) -> Self {
        Self { selected: rules.find(of, name), role: Role::of(name) }
    }
}
