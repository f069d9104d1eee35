//! What the names of elements tell.

/// What an element or attribute tells of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    None,
    /// The name of a value beside it.
    Naming,
    /// It is the value of a name beside it.
    Value,
    /// It is the value of the name before it in a property list.
    OfList,
}

impl Role {
    pub(super) fn of(name: &str) -> Self {
        use Role::{Naming, OfList, Value};
        // By length, since every element is looked at.
        let roles: &[(&str, Self)] = match name.len() {
            1 => &[("n", Naming), ("k", Naming), ("v", Value)],
            2 => &[("id", Naming)],
            3 => &[("key", Naming), ("for", Naming), ("val", Value)],
            4 => &[
                ("name", Naming),
                ("type", Naming),
                ("text", Value),
                ("data", OfList),
                ("real", OfList),
                ("date", OfList),
                ("dict", OfList),
            ],
            5 => &[
                ("field", Naming),
                ("param", Naming),
                ("label", Naming),
                ("value", Value),
                ("array", OfList),
            ],
            6 => &[("header", Naming), ("values", Value), ("string", OfList)],
            7 => &[("content", Value), ("integer", OfList)],
            8 => &[("property", Naming)],
            9 => &[("fieldname", Naming), ("attribute", Naming), ("parameter", Naming)],
            _ => &[],
        };
        let found = roles.iter().find(|(listed, _)| listed.eq_ignore_ascii_case(name));
        found.map_or(Self::None, |(_, role)| *role)
    }
}
