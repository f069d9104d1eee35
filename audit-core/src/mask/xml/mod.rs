//! XML: elements and attributes.

mod open;
mod token;

use std::borrow::Cow;

use super::{
    REDACTED,
    fields::{has, is_plain},
    how::Value,
    names::Says,
    pair::Role,
    part::Of,
    paths::{Child, Walk},
    rules::Sel,
    scope::Scope,
    unparsable::Unparsable,
    value::inside,
};
use open::Stack;
use token::{Attribute, Token, Tokens, decode, escape, local};

/// Deepest nesting of elements.
const DEEPEST: usize = 64;
/// How deep XML inside of texts of XML is looked for.
const INSIDE: usize = 2;

/// Appends a document with the values of hidden elements and attributes replaced, and texts
/// masked inside. The value of an element is all that is in it. Comments and processing
/// instructions go; a document type makes it unparsable: nothing is ever expanded.
pub(super) fn xml(
    out: &mut String,
    text: &str,
    cut: bool,
    scope: &mut Scope<'_>,
) -> Result<(), Unparsable> {
    document(out, text, cut, scope, INSIDE)
}

fn document(
    out: &mut String,
    text: &str,
    cut: bool,
    scope: &mut Scope<'_>,
    inside: usize,
) -> Result<(), Unparsable> {
    let mut masker = Masker::new(out, scope, inside);
    let end = masker.document(text, cut);
    let walks = std::mem::take(&mut masker.walks);
    scope.walked(walks);
    end
}

/// Steps of an element, and of each of its attributes.
const ELEMENT: usize = 22;
const ATTRIBUTE: usize = 18;
/// Steps of a value that is masked, and of a name that one tells.
const MASKED: usize = 36;
const NAME: usize = 14;

impl<'t> Masker<'t, '_, '_, '_> {
    fn document(&mut self, text: &'t str, cut: bool) -> Result<(), Unparsable> {
        let mut tokens = Tokens::new(text.strip_prefix('\u{feff}').unwrap_or(text));
        let masker = self;
        let begin = masker.out.len();
        loop {
            match tokens.next() {
                _ if !masker.scope.may_go_on() => return Err(Unparsable),
                Ok(Some(Token::Start { name, empty })) => {
                    masker.scope.spend(ELEMENT + ATTRIBUTE * tokens.attributes.len());
                    masker.text();
                    masker.start(name, &tokens.attributes, empty)?;
                }
                Ok(Some(token)) => masker.token(&token)?,
                // A tag, a comment or an entity that does not end.
                Err(token::Bad::Torn) if cut => break,
                Err(_) => return Err(Unparsable),
                Ok(None) => break,
            }
        }
        if cut {
            masker.torn();
            return Ok(());
        }
        let whole = masker.open.depth == 0 && masker.roots == 1;
        masker.text();
        if whole && masker.out.len() >= begin { Ok(()) } else { Err(Unparsable) }
    }
}

struct Masker<'t, 'o, 's, 'a> {
    out: &'o mut String,
    scope: &'s mut Scope<'a>,
    open: Stack<'t>,
    roots: usize,
    walks: (Walk, Walk),
    /// The text since the last tag, where it is one piece that stands for itself.
    plain: &'t str,
    /// Else as written, without comments, and decoded.
    raw: String,
    decoded: String,
    /// The decoded values of an element's attributes and what their names say; empty between
    /// elements.
    values: Vec<(Cow<'t, str>, Says)>,
    inside: usize,
}

impl<'t, 'o, 's, 'a> Masker<'t, 'o, 's, 'a> {
    fn new(out: &'o mut String, scope: &'s mut Scope<'a>, inside: usize) -> Self {
        let mut walks = scope.walks();
        if scope.rules.has_paths() {
            walks.0.begin(scope.rules.paths());
            walks.1.begin(scope.rules.excepted_paths());
        }
        let (raw, decoded) = (String::new(), String::new());
        let (open, values) = (Stack::default(), Vec::new());
        Self { out, scope, open, roots: 0, walks, plain: "", raw, decoded, values, inside }
    }

    fn token(&mut self, token: &Token<'t>) -> Result<(), Unparsable> {
        match token {
            Token::Declaration(text) => self.out.push_str(text),
            // Elements come with a list that the tokens hold.
            Token::Dropped | Token::Start { .. } => {}
            Token::Text(raw) => {
                if self.open.depth == 0 && !raw.trim_ascii().is_empty() {
                    return Err(Unparsable);
                }
                if self.plain.is_empty() && self.raw.is_empty() && !has(raw, b'&') {
                    self.plain = raw;
                    return Ok(());
                }
                self.in_pieces();
                self.raw.push_str(raw);
                decode(&mut self.decoded, raw)?;
            }
            Token::CData { raw, text } => {
                if self.open.depth == 0 {
                    return Err(Unparsable);
                }
                self.in_pieces();
                self.raw.push_str(raw);
                self.decoded.push_str(text);
            }
            Token::End(name, raw) => {
                self.text();
                if self.open.last().is_none_or(|open| open.name != *name) {
                    return Err(Unparsable);
                }
                self.end(raw);
            }
        }
        Ok(())
    }

    fn is_hidden(&self) -> bool {
        self.open.last().is_some_and(|open| open.inherited || open.hidden.is_some())
    }

    /// The text since the last tag goes on.
    fn in_pieces(&mut self) {
        let plain = std::mem::take(&mut self.plain);
        self.raw.push_str(plain);
        self.decoded.push_str(plain);
    }

    /// Writes the text since the last tag.
    fn text(&mut self) {
        if !self.plain.is_empty() {
            let plain = std::mem::take(&mut self.plain);
            self.write(plain, plain);
        } else if !self.raw.is_empty() {
            let mut raw = std::mem::take(&mut self.raw);
            let mut decoded = std::mem::take(&mut self.decoded);
            self.write(&raw, &decoded);
            raw.clear();
            decoded.clear();
            (self.raw, self.decoded) = (raw, decoded);
        }
    }

    /// Writes a text, masked by what it is decoded.
    fn write(&mut self, raw: &str, decoded: &str) {
        let hidden = self.is_hidden();
        if let Some(open) = self.open.last_mut()
            && (open.hidden.is_some() || (open.text.len() < 4096 && open.tells))
        {
            open.text.push_str(decoded);
        }
        if !hidden {
            match masked(decoded, self.scope, self.inside) {
                Some(masked) => escape(self.out, &masked),
                None => self.out.push_str(raw),
            }
        }
    }

    /// What selects a child of the present element, by what its name without the prefix says.
    fn found(&mut self, name: &str, local: &str, says: Says) -> Option<Sel> {
        let mut found = says.selected;
        if found.is_none() && local.len() < name.len() {
            found = self.scope.find(Of::Field, name);
        }
        if self.scope.rules.has_paths() {
            let rules = self.scope.rules;
            let selected = self.walks.0.look(rules.paths(), Child::Member(local));
            found = found.or(selected.map(|at| rules.of_path(at)));
            if self.walks.1.look(rules.excepted_paths(), Child::Member(local)).is_some() {
                found = None;
            }
        }
        found
    }

    /// What an element or attribute is in a pair.
    fn role(&self, name: &str) -> Role {
        self.scope.role(Of::Field, local(name))
    }

    fn leave(&mut self) {
        if self.scope.rules.has_paths() {
            self.walks.0.leave();
            self.walks.1.leave();
        }
    }

    fn start(
        &mut self,
        name: &'t str,
        attributes: &[Attribute<'t>],
        empty: bool,
    ) -> Result<(), Unparsable> {
        if self.open.depth == 0 {
            self.roots += 1;
        }
        if self.roots > 1 || self.open.depth >= DEEPEST {
            return Err(Unparsable);
        }
        let inherited = self.is_hidden();
        let local = local(name);
        let says = self.scope.says(local, local.len());
        let mut hidden = self.found(name, local, says);
        let role = says.role;
        let of_list = role == Role::None && is_of_list(local);
        let mut tells = role == Role::Name;
        if let Some(parent) = self.open.last_mut() {
            parent.has_children = true;
            if is_value(role) {
                hidden = hidden.or(parent.pair.selected);
            } else if of_list {
                hidden = hidden.or(parent.pair.last.map(|(_, sel)| sel));
            }
            tells |= parent.tells;
        }
        let told = if role == Role::Name { self.told(attributes) } else { None };
        let tag = self.out.len();
        if !inherited {
            hidden = self.tag(name, attributes, hidden)?;
        }
        let attributes = ((tag + 1 + name.len()).min(self.out.len()), self.out.len());
        if !inherited {
            self.out.push_str(if empty { "/>" } else { ">" });
        }
        let content = self.out.len();
        let open = self.open.push();
        (open.name, open.role, open.of_list) = (name, role, of_list);
        (open.tag, open.content, open.attributes) = (tag, content, attributes);
        (open.hidden, open.inherited) = (hidden.filter(|_| !inherited), inherited);
        (open.has_children, open.tells, open.told) = (false, tells, told);
        (open.pair.selected, open.pair.last, open.pair.any) = (None, None, false);
        if empty {
            self.end("");
        }
        Ok(())
    }

    /// Writes a start tag without its end. What hides the element: by its name, or by what an
    /// attribute says, as in `<field name="password" value="x"/>`.
    fn tag(
        &mut self,
        element: &str,
        attributes: &[Attribute<'t>],
        hidden: Option<Sel>,
    ) -> Result<Option<Sel>, Unparsable> {
        let mut values = std::mem::take(&mut self.values);
        let mut named = None;
        for attribute in attributes {
            let value = match attribute.value.contains('&') {
                true => {
                    let mut value = String::with_capacity(attribute.value.len());
                    decode(&mut value, attribute.value)?;
                    Cow::Owned(value)
                }
                false => Cow::Borrowed(attribute.value),
            };
            let local = local(attribute.name);
            let says = self.scope.says(local, local.len());
            if named.is_none() && says.role == Role::Name {
                named = name(&value, self.scope).map(|sel| (attribute.name, sel));
            }
            values.push((value, says));
        }
        let all = hidden.or(named.map(|(_, sel)| sel));
        self.out.push('<');
        self.out.push_str(element);
        for (attribute, (value, says)) in attributes.iter().zip(&values) {
            let space = attribute.name == "xmlns" || attribute.name.starts_with("xmlns:");
            let naming = hidden.is_none() && named.is_some_and(|(name, _)| name == attribute.name);
            let own = match space {
                // `xmlns:password="x"`: a prefix of such a name is none.
                true => says.selected,
                false => self.found(attribute.name, local(attribute.name), *says),
            };
            if !space {
                self.leave();
            }
            let selected = own.or(all.filter(|_| !space && !naming));
            let instead = match selected.filter(|_| !value.is_empty()) {
                Some(sel) => match self.masked(sel, value) {
                    Some(instead) => Some(instead.into_owned()),
                    None => continue,
                },
                None => masked(value, self.scope, 0),
            };
            self.out.push_str(attribute.before);
            match instead {
                Some(instead) => {
                    self.out.push_str(attribute.name);
                    self.out.push_str("=\"");
                    escape(self.out, &instead);
                    self.out.push('"');
                }
                None => self.out.push_str(attribute.raw),
            }
        }
        values.clear();
        self.values = values;
        Ok(all)
    }

    fn masked(&mut self, sel: Sel, value: &str) -> Option<Cow<'static, str>> {
        self.scope.spend(MASKED);
        self.scope.instead(sel, Value::Text(value))
    }

    /// What selects the value of the name that an attribute tells: `<name value="password"/>`.
    fn told(&self, attributes: &[Attribute<'_>]) -> Option<Sel> {
        let telling = |a: &&Attribute<'_>| {
            let role = self.role(a.name);
            role == Role::Name || is_value(role)
        };
        attributes.iter().filter(telling).find_map(|attribute| {
            let mut text = String::new();
            decode(&mut text, attribute.value).ok()?;
            name(&text, self.scope)
        })
    }

    fn end(&mut self, raw: &str) {
        self.leave();
        let is_root = self.open.depth == 1;
        let Some((open, parent)) = self.open.pop() else { return };
        if let Some(sel) = open.hidden {
            self.out.truncate(open.content);
            if !open.text.trim().is_empty() || open.has_children {
                let value = match open.has_children {
                    true => Value::Other,
                    false => Value::Text(&open.text),
                };
                self.scope.spend(MASKED);
                match self.scope.instead(sel, value) {
                    Some(instead) => escape(self.out, &instead),
                    None if is_root => self.out.push_str(REDACTED),
                    None => {
                        self.out.truncate(open.tag);
                        return;
                    }
                }
            }
        }
        let content_end = self.out.len();
        if !open.inherited {
            self.out.push_str(raw);
        }
        let hidden = open.inherited || open.hidden.is_some();
        let told = open.told.filter(|_| !open.inherited);
        if hidden && told.is_none() {
            return;
        }
        let (local, role) = (local(open.name), open.role);
        let found = match role == Role::Name && !open.pair.any && !hidden {
            true => told.or_else(|| name(&open.text, self.scope)),
            false => told,
        };
        let Some(parent) = parent else { return };
        if parent.tells && !hidden && parent.text.len() < 4096 {
            parent.text.push_str(&open.text);
        }
        let pair = &mut parent.pair;
        if role == Role::Name {
            pair.any = true;
            let same = |last: &(&str, Sel)| last.0 != local;
            pair.last = found.map(|sel| (local, sel)).or(pair.last.filter(same));
            pair.selected = pair.selected.or(found);
            // `<value>x</value><name>password</name>`
            let Some(sel) = found.filter(|_| !pair.values.is_empty()) else { return };
            self.scope.redacted(sel);
            redact(self.out, &pair.values);
            pair.values.clear();
        } else if pair.selected.is_none() && (is_value(role) || (open.of_list && !pair.any)) {
            let spans = [open.attributes, (open.content, content_end)];
            pair.values.extend(spans.iter().filter(|(from, to)| from < to));
        }
    }

    /// The document goes on: the last text is not known whole, nor is what stands in a hidden
    /// element; and a name may follow its value.
    fn torn(&mut self) {
        if let Some(hidden) = self.open.open().iter().find(|open| open.hidden.is_some())
            && let Some(sel) = hidden.hidden
        {
            self.out.truncate(hidden.content);
            let instead = self.scope.in_place(sel, Value::Other);
            self.out.push_str(&instead);
        }
        let mut spans = Vec::new();
        for open in self.open.open() {
            // Of a value that is not over, too.
            if (is_value(open.role) || open.of_list) && open.hidden.is_none() && !open.inherited {
                let open = [open.attributes, (open.content, self.out.len())];
                spans.extend(open.iter().filter(|(from, to)| from < to));
            }
            spans.append(&mut open.pair.values);
        }
        let mut apart: Vec<(usize, usize)> = Vec::with_capacity(spans.len());
        for span in spans {
            if apart.last().is_none_or(|last| last.1 <= span.0) && span.1 <= self.out.len() {
                apart.push(span);
            }
        }
        if !apart.is_empty() {
            self.scope.redacted(Sel::SENSITIVE);
            redact(self.out, &apart);
        }
    }
}

/// Redacts what is written already.
fn redact(out: &mut String, spans: &[(usize, usize)]) {
    let Some((first, _)) = spans.first() else { return };
    let tail = out.split_off(*first);
    let mut at = 0;
    for (from, to) in spans {
        out.push_str(tail.get(at..from - first).unwrap_or_default());
        // A content follows a `>`, and attributes a name.
        let content = out.ends_with('>');
        out.push_str(if content { REDACTED } else { " value=\"[redacted]\"" });
        at = to - first;
    }
    out.push_str(tail.get(at..).unwrap_or_default());
}

/// Steps of a text that may be XML itself.
const DOCUMENT: usize = 50;

/// A text masked inside, if there was something to mask: it may be XML itself.
fn masked(text: &str, scope: &mut Scope<'_>, deeper: usize) -> Option<String> {
    let trimmed = text.trim_ascii();
    if trimmed.is_empty() || is_plain(trimmed, scope) {
        return None;
    }
    if trimmed.starts_with('<') && deeper > 0 && scope.spend(DOCUMENT) {
        let mut out = String::with_capacity(text.len());
        if document(&mut out, trimmed, false, scope, deeper - 1).is_ok() {
            return (out != trimmed).then_some(out);
        }
    }
    let masked = inside(text, scope);
    (masked != text).then(|| masked.into_owned())
}

/// What selects the value of the name that an element or attribute tells.
fn name(text: &str, scope: &Scope<'_>) -> Option<Sel> {
    let text = text.trim();
    // Prose is no name.
    let one_word = || text.bytes().all(|b| b.is_ascii_graphic());
    let is_name =
        (1..=64).contains(&text.len()) && (one_word() || text.split_whitespace().count() <= 2);
    if is_name && scope.spend(NAME) { scope.find(Of::Form, text) } else { None }
}

/// Whether an element of this role is the value of a name beside it.
const fn is_value(role: Role) -> bool {
    matches!(role, Role::Value | Role::Text)
}

/// Whether it is the value of the name before it in a property list.
fn is_of_list(name: &str) -> bool {
    const TYPES: [&str; 9] =
        ["string", "data", "integer", "real", "date", "array", "dict", "dd", "td"];
    name.len() <= 7 && TYPES.iter().any(|t| t.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
