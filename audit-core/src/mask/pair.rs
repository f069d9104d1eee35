//! Pairs whose parts tell of each other, in every format: `{"name":"password","value":"x"}`,
//! `<name>password</name><value>x</value>`, `name=password&value=x`.

use std::collections::HashMap;

use super::{part::Of, rules::Sel, scope::Scope};

/// What a member, a field or an element is in such a pair, by its own name.
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
    /// It is the pair's value in a document of elements. In others it holds what a cut body is
    /// kept for.
    Text,
}

const NAMES: &[&str] = &[
    "attr",
    "attribute",
    "attribute_code",
    "attribute_name",
    "attributename",
    "column",
    "claim",
    "column_name",
    "columnname",
    "dt",
    "field",
    "field_id",
    "field_name",
    "fieldid",
    "fieldname",
    "for",
    "header",
    "id",
    "identifier",
    "k",
    "key",
    "label",
    "n",
    "name",
    "option",
    "param",
    "param-name",
    "parameter",
    "prop",
    "property",
    "property_name",
    "propertyname",
    "setting",
    "th",
    "title",
    "type",
    "var",
    "variable",
];
const VALUES: &[&str] = &[
    "after",
    "answer",
    "before",
    "current",
    "default",
    "default_value",
    "defaultvalue",
    "from",
    "fromstring",
    "input",
    "lhs",
    "new",
    "new_value",
    "newvalue",
    "old",
    "old_value",
    "oldvalue",
    "param-value",
    "previous",
    "raw",
    "rhs",
    "string_value",
    "stringvalue",
    "to",
    "tostring",
    "v",
    "val",
    "value",
    "value_string",
    "values",
    "valuestring",
];
const POINTERS: &[&str] = &["json_path", "json_pointer", "jsonpath", "path", "pointer"];
const TEXTS: &[&str] = &["content", "text"];

/// The longest of these names.
const LONGEST: usize = 14;

impl Role {
    pub(super) fn of(name: &str) -> Self {
        if !(1..=LONGEST).contains(&name.len()) {
            return Self::None;
        }
        let is = |listed: &&str| listed.eq_ignore_ascii_case(name);
        match () {
            () if NAMES.iter().any(is) => Self::Name,
            () if VALUES.iter().any(is) => Self::Value,
            () if TEXTS.iter().any(is) => Self::Text,
            () if POINTERS.iter().any(is) => Self::Pointer,
            () => Self::None,
        }
    }

    /// Of a field of a form, which may be named `f[0][value]`, `a.value`, `value[]`, `value_1`.
    pub(super) fn of_field(name: &str) -> Self {
        match Self::of(word(name).0) {
            Self::Text => Self::None,
            role => role,
        }
    }
}

/// The word in a field's name that tells its role, and where it begins.
fn word(name: &str) -> (&str, usize) {
    let behind = |c: char| c.is_ascii_digit() || c.is_whitespace() || "[]_-.".contains(c);
    let word = name.trim_end_matches(behind);
    let begin = word.rfind(['[', ']', '.']).map_or(0, |at| at + 1);
    let word = &word[begin..];
    let trimmed = word.trim_start();
    (trimmed, begin + word.len() - trimmed.len())
}

/// Most fields that tell names. With more, every value is taken for one of them.
const MOST: usize = 1_000;
/// Steps of one.
const TOLD: usize = 20;

/// What the fields of a form tell of each other: the name and the value of a pair are two fields
/// `f[0][name]` and `f[0][value]`, or the fields `name` and `value` as often as there are pairs.
#[derive(Default)]
pub(super) struct Told {
    groups: HashMap<String, Group>,
    names: usize,
    /// Some name selected its value.
    any: bool,
}

#[derive(Default)]
struct Group {
    /// What the names tell, by the word of their fields, in order.
    names: Vec<(String, Vec<Option<Sel>>)>,
    /// How many values there are, and how many were asked for, by their word.
    values: Vec<(String, usize, usize)>,
}

impl Told {
    /// Notes a field, decoded; `value` is looked at only if it tells a name.
    pub(super) fn add<'v>(
        &mut self,
        scope: &Scope<'_>,
        name: &str,
        value: impl FnOnce() -> std::borrow::Cow<'v, str>,
    ) {
        let role = scope.role(Of::Form, name);
        let sel = match role {
            Role::None | Role::Text => return,
            Role::Value => None,
            Role::Name => scope.find_told(&value()),
            Role::Pointer => scope.find_pointer(&value()),
        };
        self.names += 1;
        self.any |= sel.is_some();
        if !scope.spend(TOLD) {
            // Somebody hostile wrote them: every value may be one of a pair.
            (self.names, self.any) = (MOST + 1, true);
        }
        if self.names > MOST {
            return;
        }
        let (word, begin) = word(name);
        let group = self.groups.entry(key(name, word, begin)).or_default();
        if role == Role::Value {
            match group.values.iter_mut().find(|(known, ..)| known.eq_ignore_ascii_case(word)) {
                Some((_, count, _)) => *count += 1,
                None => group.values.push((word.to_owned(), 1, 0)),
            }
            return;
        }
        match group.names.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(word)) {
            Some((_, told)) => told.push(sel),
            None => group.names.push((word.to_owned(), vec![sel])),
        }
    }

    /// Whether every value is taken for one of a pair, whatever else is told.
    pub(super) const fn is_full(&self) -> bool {
        self.any && self.names > MOST
    }

    /// What selects the next value that has this name, decoded.
    pub(super) fn next(&mut self, name: &str) -> Option<Sel> {
        if !self.any {
            return None;
        }
        if self.names > MOST {
            return Some(Sel::SENSITIVE);
        }
        let (word, begin) = word(name);
        let group = self.groups.get_mut(&key(name, word, begin))?;
        let value = group.values.iter_mut().find(|(known, ..)| known.eq_ignore_ascii_case(word));
        let (_, count, at) = value?;
        *at += 1;
        let (count, at) = (*count, *at - 1);
        group.names.iter().find_map(|(_, told)| match told.len() == count {
            // As many of the one as of the other are pairs in their order.
            true => *told.get(at)?,
            false => told.iter().flatten().next().copied(),
        })
    }
}

/// What the fields of one pair have in common: what stands before and behind the word.
fn key(name: &str, word: &str, begin: usize) -> String {
    let behind = name[begin + word.len()..].chars().filter(char::is_ascii_digit);
    let before = name[..begin].trim();
    before.chars().chain(std::iter::once('\0')).chain(behind).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{part::Part, scope::tests::with_fields},
        *,
    };

    #[test]
    fn one_list_tells_the_roles() {
        for (name, role, field) in [
            ("Name", Role::Name, Role::Name),
            ("oldValue", Role::Value, Role::Value),
            ("path", Role::Pointer, Role::Pointer),
            ("content", Role::Text, Role::None),
            ("f[0][value]", Role::None, Role::Value),
            ("f[0].name", Role::None, Role::Name),
            ("value_1", Role::None, Role::Value),
            ("name[]", Role::None, Role::Name),
            (" key ", Role::None, Role::Name),
            ("namespace", Role::None, Role::None),
            ("", Role::None, Role::None),
            ("[]", Role::None, Role::None),
            ("é", Role::None, Role::None),
        ] {
            assert_eq!((Role::of(name), Role::of_field(name)), (role, field), "{name}");
        }
        let all = || [NAMES, VALUES, POINTERS, TEXTS].into_iter().flatten();
        assert!(all().all(|name| name.len() <= LONGEST && Role::of(name) != Role::None));
        let mut sorted: Vec<_> = all().collect();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), all().count());
    }

    #[test]
    fn values_go_by_the_names_of_their_own_pair() {
        let hidden = |fields: &[(&str, &str)]| {
            with_fields(&[], Part::RequestBody, |scope| {
                let mut told = Told::default();
                fields.iter().for_each(|(n, v)| told.add(scope, n, || (*v).into()));
                let values = fields.iter().filter(|(n, _)| Role::of_field(n) == Role::Value);
                values.map(|(n, _)| told.next(n).is_some()).collect::<Vec<_>>()
            })
            .0
        };
        assert_eq!(hidden(&[("name", "password"), ("value", "x")]), [true]);
        assert_eq!(hidden(&[("value", "x"), ("Name", "new_password"), ("type", "a")]), [true]);
        assert_eq!(hidden(&[("name", "city"), ("value", "x"), ("password", "y")]), [false]);
        let two = [("name", "pin"), ("value", "x"), ("name", "a"), ("value", "y")];
        assert_eq!(hidden(&two), [true, false]);
        let odd = [("name", "a"), ("name", "pin"), ("value", "x")];
        assert_eq!(hidden(&odd), [true]);
        let both = [("name", "pin"), ("old", "x"), ("new", "y")];
        assert_eq!(hidden(&both), [true, true]);
        let listed = [
            ("f[0][name]", "pin"),
            ("f[0][value]", "x"),
            ("f[1][name]", "a"),
            ("f[1][value]", "y"),
            ("name2", "pin"),
            ("value1", "z"),
            ("value2", "z"),
        ];
        assert_eq!(hidden(&listed), [true, false, false, true]);
        assert_eq!(hidden(&[("path", "/a/pin"), ("value", "x")]), [true]);
        let many: Vec<_> = (0..1100).map(|n| (format!("f[{n}].name"), "a")).collect();
        let mut many: Vec<_> = many.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        many.extend([("name", "pin"), ("g.value", "x")]);
        assert_eq!(hidden(&many), [true]);
    }
}
