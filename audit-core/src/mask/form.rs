//! Forms: `application/x-www-form-urlencoded`.

use std::borrow::Cow;

use super::{
    REDACTED,
    fields::{self, Decodings, Fields, find, has},
    how::{How, Value},
    names::Says,
    pair::{Role, Told},
    part::Of,
    rules::Sel,
    scope::Scope,
    unparsable::Unparsable,
    value::inside,
};

/// Appends a form with the values of hidden fields replaced, and values masked inside. Names are
/// compared after decoding; `;` separates pairs too, since some servers split there.
pub(super) fn form(
    out: &mut String,
    text: &str,
    cut: bool,
    scope: &mut Scope<'_>,
) -> Result<(), Unparsable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let body = text.trim_end_matches(['\r', '\n', ' ']);
    if !is_form(body, cut) {
        return Err(Unparsable);
    }
    let (mut fields, mut decodings) = (Fields::default(), Decodings::default());
    let mut told = None;
    let begin = out.len();
    let mut pieces = Some(body);
    while let Some(text) = pieces {
        let end = find(b'&', text);
        let piece = &text[..end];
        pieces = text.get(end + 1..);
        if piece.is_empty() {
            out.push_str(if pieces.is_some() { "&" } else { "" });
            continue;
        }
        let torn = cut && pieces.is_none();
        let mut rest = piece;
        loop {
            let mut one = Pair::read(rest, torn);
            let end = one.len;
            let last = end == rest.len();
            if last && !torn && one.is_plain(scope) {
                out.push_str(rest);
                break;
            }
            let of_pair = |name: &str, scope: &Scope<'_>| match cut {
                // Its name may still come.
                true => Some(Sel::SENSITIVE),
                false => told.get_or_insert_with(|| tell(body, scope)).next(name),
            };
            let done = one.mask(out, (&mut fields, &mut decodings), of_pair, scope)?;
            if last || done == Done::Masked {
                break;
            }
            if done != Done::Removed {
                out.push(';');
            }
            rest = &rest[end + 1..];
        }
        let separate = out.len() > begin && out.as_bytes().last() != Some(&b'&');
        if pieces.is_some() && separate {
            out.push('&');
        }
    }
    if text.len() > body.len() && !cut {
        out.push_str(&text[body.len()..]);
    }
    Ok(())
}

/// What the fields of a form tell of each other.
pub(super) fn tell(body: &str, scope: &Scope<'_>) -> Told {
    let (mut told, mut decoded) = (Told::default(), String::new());
    let mut rest = Some(body);
    while let Some(text) = rest.filter(|_| !told.is_full()) {
        let (pair, behind) = fields::split(text, |b| (b == b'&') | (b == b';'));
        rest = behind;
        if let (name, Some(value)) = fields::split(pair, |b| b == b'=') {
            let name = fields::decode_in(&mut decoded, name);
            told.add(scope, name, || fields::decode(value).0);
        }
    }
    told
}

/// Whether it is a form by its look. What is something else would be split in wrong places.
fn is_form(body: &str, cut: bool) -> bool {
    let head = body.trim_start();
    let other = head.starts_with(['{', '[', '<', '"', '\'', '(', ')', ']'])
        || head.starts_with("--")
        || body.as_bytes().chunks(64).any(|chunk| {
            // Without an end in its middle, so that many are looked at together.
            chunk.iter().fold(false, |any, b| any | (b.is_ascii_control() & (*b != b'\t')))
        });
    !other && (cut || body.is_empty() || memchr::memchr2(b'=', b'%', body.as_bytes()).is_some())
}

/// Steps of a pair that has to be looked into, and of one that is masked.
const PAIR: usize = 9;
const MASKED: usize = 15;
/// Steps of a name of a pair's value that is decoded.
const DECODED: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Written,
    /// And what follows up to the next `&` is a part of the value to whoever does not split at
    /// `;`, so it goes with it.
    Masked,
    Removed,
}

/// A pair, or a name alone, and what follows it up to the next `&`.
struct Pair<'t> {
    all: &'t str,
    len: usize,
    name: &'t str,
    value: Option<&'t str>,
    /// What the bytes of the name may mean, and those of the value.
    of_name: u8,
    of_value: u8,
    /// What the name says, once that is known.
    says: Option<Says>,
    /// It goes on beyond what was captured.
    torn: bool,
    /// What follows it does.
    cut: bool,
}

impl<'t> Pair<'t> {
    /// Reads one up to a `;`, with one look at each byte. What follows it may be `cut`.
    fn read(all: &'t str, cut: bool) -> Self {
        let (mut equals, mut len) = (None, all.len());
        let (mut of_name, mut of_value) = (0, 0);
        for (at, byte) in all.bytes().enumerate() {
            let meaning = fields::MEANINGS[usize::from(byte)];
            if byte == b';' {
                len = at;
                break;
            }
            match equals {
                Some(_) => of_value |= meaning,
                None if byte == b'=' => equals = Some(at),
                None => of_name |= meaning,
            }
        }
        let name = &all[..equals.unwrap_or(len)];
        let value = equals.map(|at| &all[at + 1..len]);
        let torn = cut && len == all.len();
        Self { all, len, name, value, of_name, of_value, says: None, torn, cut }
    }

    /// Whether it stays as it is: the name as it is written selects nothing, and nothing can hide
    /// inside. Most are so.
    fn is_plain(&mut self, scope: &Scope<'_>) -> bool {
        if self.of_name != 0 || fields::may_be_path(self.name, scope) {
            return false;
        }
        let detectors = scope.rules.detectors();
        // One short bracket makes all of it no form.
        if self.of_value & fields::TELLING != 0
            || self.value.is_some_and(|value| detectors.may_find(value))
            || detectors.may_find(self.name)
        {
            return false;
        }
        if self.value.is_none_or(str::is_empty) {
            return true;
        }
        let says = scope.known.says(scope.rules, Of::Form, self.name, self.name.len());
        self.says = Some(says);
        // Its name neither selects its value nor is that of a pair's value.
        says.selected.is_none() && says.role != Role::Value
    }

    fn mask(
        &self,
        out: &mut String,
        (fields, decodings): (&mut Fields, &mut Decodings),
        of_pair: impl FnOnce(&str, &Scope<'_>) -> Option<Sel>,
        scope: &mut Scope<'_>,
    ) -> Result<Done, Unparsable> {
        if !scope.spend(PAIR) {
            return Err(Unparsable);
        }
        let name = self.name;
        // Names hold none of these unless this is no form.
        let foreign = self.of_name & fields::FOREIGN != 0;
        let Some(value) = self.value else {
            if !self.torn {
                if foreign {
                    return Err(Unparsable);
                }
                other(out, name, self.of_name, decodings, scope)?;
            }
            return Ok(Done::Written);
        };
        if foreign {
            return Err(Unparsable);
        }
        let says = self.says(fields, decodings, scope)?;
        let mut selected = says.selected;
        if selected.is_none() && says.role == Role::Value {
            let coded = self.of_name & fields::CODED != 0;
            scope.spend(if coded { DECODED } else { 0 });
            selected = of_pair(&fields::decode(name).0, scope);
        }
        let value_and_rest = &self.all[name.len() + 1..];
        if let Some(sel) = selected.filter(|_| !value_and_rest.is_empty()) {
            scope.spend(MASKED);
            // What is redacted need not be read.
            let read =
                !matches!(scope.rules.how_of(sel), How::Redact) || scope.rules.finds_echoes();
            let (decoded, valid) =
                if read { fields::decode(value_and_rest) } else { ("".into(), false) };
            let known = valid && !self.cut;
            let value = if known { Value::Text(&decoded) } else { Value::Other };
            let Some(instead) = scope.instead(sel, value) else {
                if out.ends_with('&') || out.ends_with(';') {
                    out.pop();
                }
                return Ok(if self.all.len() == self.len { Done::Removed } else { Done::Masked });
            };
            other(out, name, self.of_name, decodings, scope)?;
            out.push('=');
            if *instead == *REDACTED {
                out.push_str(REDACTED);
            } else {
                fields::encode(out, &instead);
            }
            return Ok(Done::Masked);
        }
        other(out, name, self.of_name, decodings, scope)?;
        out.push('=');
        if !self.torn {
            // Somebody's JSON that was not encoded: its `&` would be taken for a separator.
            if value.starts_with(['{', '[']) && value.contains('"') && !is_json(value) {
                return Err(Unparsable);
            }
            let reached = match scope.rules.has_paths() {
                true => fields.reached(scope, &fields::decode(name).0),
                false => Default::default(),
            };
            scope.at(reached, |scope| other(out, value, self.of_value, decodings, scope))?;
        }
        Ok(Done::Written)
    }

    /// What its name says of its value, as it is decoded once, and more often: what forwards a
    /// form encodes it again.
    fn says(
        &self,
        fields: &mut Fields,
        decodings: &mut Decodings,
        scope: &mut Scope<'_>,
    ) -> Result<Says, Unparsable> {
        let name = self.name;
        if let Some(says) = self.says {
            return Ok(says);
        }
        if self.of_name & fields::CODED == 0 {
            return fields.says(scope, name, self.of_name & fields::NESTED != 0);
        }
        let coded = |text: &str| has(text, b'%') || has(text, b'+');
        // Its role is that of the name which is decoded once.
        let mut role = None;
        let selected = decodings.find(name, coded, scope, |decoded, scope| {
            let says = scope.known.says(scope.rules, Of::Form, decoded, decoded.len());
            role.get_or_insert(says.role);
            match says.selected {
                Some(found) => Ok(Some(found)),
                None => fields.find_otherwise(scope, decoded),
            }
        })?;
        Ok(Says { selected, role: role.unwrap_or_default() })
    }
}

/// Appends a name, or a value that is not selected, whose bytes may mean this: what hides inside,
/// at each time of decoding, is masked. It is encoded again only then.
fn other(
    out: &mut String,
    raw: &str,
    meanings: u8,
    decodings: &mut Decodings,
    scope: &mut Scope<'_>,
) -> Result<(), Unparsable> {
    let plain = meanings & fields::TELLING == 0 && !scope.rules.detectors().may_find(raw);
    if plain || raw.len() < fields::SHORTEST || decoded_len(raw) < fields::SHORTEST {
        out.push_str(raw);
        return Ok(());
    }
    let coded = |text: &str| has(text, b'%');
    let masked = decodings.find(raw, coded, scope, |decoded, scope| {
        if fields::is_plain(decoded, scope) {
            return Ok(None);
        }
        match inside(decoded, scope) {
            Cow::Owned(masked) if masked != *decoded => Ok(Some(masked)),
            _ => Ok(None),
        }
    })?;
    match masked {
        Some(masked) => fields::encode(out, &masked),
        None => out.push_str(raw),
    }
    Ok(())
}

/// No more than a text is long when it is decoded once; of one that is not short, its own length.
fn decoded_len(raw: &str) -> usize {
    if raw.len() >= 3 * fields::SHORTEST {
        return raw.len();
    }
    let is_escape =
        |w: &&[u8]| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit();
    raw.len() - 2 * raw.as_bytes().windows(3).filter(is_escape).count()
}

fn is_json(text: &str) -> bool {
    let (decoded, _) = fields::decode(text);
    serde_json::from_str::<serde::de::IgnoredAny>(&decoded).is_ok()
        || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            How, MaskRules,
            part::Part,
            scope::tests::{with_fields, with_rules},
        },
        *,
    };

    fn masked(text: &str, cut: bool) -> Option<String> {
        let names = ["card number", "$.user.card", "x y"];
        with_fields(&names, Part::RequestBody, |scope| {
            let mut out = String::new();
            form(&mut out, text, cut, scope).ok().map(|()| out)
        })
        .0
    }

    #[test]
    fn hidden_fields_are_found_in_every_spelling() {
        for (body, expected) in [
            ("user=a&password=x&b=1", "user=a&password=[redacted]&b=1"),
            ("password=Fv%2D83%21&u=g", "password=[redacted]&u=g"),
            ("card+number=40+00&u=d", "card+number=[redacted]&u=d"),
            ("password=a&u=e&password=b", "password=[redacted]&u=e&password=[redacted]"),
            ("user.password=a&user.name=t", "user.password=[redacted]&user.name=t"),
            ("user%5Bpassword%5D[]=a&n=t", "user%5Bpassword%5D[]=[redacted]&n=t"),
            ("user[card][number]=4&user[name]=t", "user[card][number]=[redacted]&user[name]=t"),
            ("user.card.number=4", "user.card.number=[redacted]"),
            ("%2570assword=a", "%2570assword=[redacted]"),
            ("%u0070assword=a", "%u0070assword=[redacted]"),
            ("pass%00word=a&password%00.x=b", "pass%00word=[redacted]&password%00.x=[redacted]"),
            ("password=%ZZa&u=l", "password=[redacted]&u=l"),
            ("password=%FF%FEa&u=n", "password=[redacted]&u=n"),
            ("a=1;password=x", "a=1;password=[redacted]"),
            ("password=x;y=z&b=1", "password=[redacted]&b=1"),
            ("password=x;yz", "password=[redacted]"),
            (
                "d=%7B%22password%22%3A%22x%22%7D&a=1",
                "d=%7B%22password%22%3A%22%5Bredacted%5D%22%7D&a=1",
            ),
            ("to=https%3A%2F%2Fh%2F%3Ftoken%3Dx", "to=https%3A%2F%2Fh%2F%3Ftoken%3D[redacted]"),
            ("to=https%253A%252F%252Fu%253Ap%2540h", "to=https%253A%252F%252F[redacted]%2540h"),
            ("remember&user=a", "remember&user=a"),
            ("password=", "password="),
            ("a=%zz&b=1+2&&c", "a=%zz&b=1+2&&c"),
            ("", ""),
        ] {
            let fixed = expected.replace("%5Bredacted%5D", "[redacted]");
            assert_eq!(masked(body, false).as_deref(), Some(&*fixed), "{body}");
        }
    }

    #[test]
    fn what_is_no_form_is_not_taken_for_one() {
        for body in [
            r#"{"password":"x=y"}"#,
            r#"{"a":"b&password=c"}"#,
            "\u{feff}{\"a\":\"b&password=c\"}",
            "<a>password=x</a>",
            "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nx\r\n--b--",
            "user=a\r\npassword=b",
            "a=\0",
            "hunter2",
            r#"d={"password":"a&b=c"}"#,
            r#"a{"password":"x=y"}"#,
        ] {
            assert_eq!(masked(body, false), None, "{body}");
        }
    }

    #[test]
    fn a_cut_form_shows_no_piece() {
        let body =
            "user=ann&password=Hun7er2x&to=https%3A%2F%2Fh%2F%3Ftoken%3DSecr3t&pin=48291377;x=y";
        for end in 0..body.len() {
            let out = masked(&body[..end], true).unwrap_or_default();
            for secret in ["Hun7", "Secr", "4829"] {
                assert!(!out.contains(secret), "{out}");
            }
        }
        assert_eq!(masked("a=1&b=2", true).as_deref(), Some("a=1&b="));
        assert_eq!(masked("a=1&passw", true).as_deref(), Some("a=1&"));
    }

    #[test]
    fn pairs_are_removed_whole() {
        let rules = MaskRules::new().how(How::Remove);
        for (body, expected) in [
            ("a=1&pin=2&b=3", "a=1&b=3"),
            ("pin=2", ""),
            ("pin=2&b=3", "b=3"),
            ("a=1&pin=2", "a=1"),
        ] {
            let (out, listed) = with_rules(&rules, Part::RequestBody, |scope| {
                let mut out = String::new();
                form(&mut out, body, false, scope).unwrap();
                out
            });
            assert_eq!((out.as_str(), &*listed), (expected, &["pin".to_owned()][..]));
        }
    }

    #[test]
    fn a_hostile_form_is_linear() {
        for piece in
            ["a&", "a=&", ";", "a=%25", "%2525", "é=1&", "a[", "a[b]=1&", "password=;", "a=b&"]
        {
            let body = piece.repeat(256 * 1024 / piece.len());
            let began = std::time::Instant::now();
            let _ = masked(&body, false);
            assert!(began.elapsed().as_secs() < 2, "{piece} {:?}", began.elapsed());
        }
    }
}
