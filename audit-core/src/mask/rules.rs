//! Which values are masked, and how.

use std::{collections::HashMap, fmt};

use super::{
    How,
    detect::{Detector, Detectors},
    headers::HIDDEN,
    part::Of,
    paths::Path,
    selector::{BadSelector, Selects, lower, lowered},
    words::{self, BUILT_IN, IN_QUERY},
};

/// A selector, by its place among all of the rules. In a record it is told by its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sel(u16);

/// What is masked whatever the settings say, and what is no name.
const FIXED: [&str; 7] =
    ["authorization", "cookie", "set-cookie", "userinfo", "fragment", "referer", "sensitive"];

impl Sel {
    pub(super) const AUTHORIZATION: Self = Self(0);
    pub(super) const COOKIE: Self = Self(1);
    pub(super) const SET_COOKIE: Self = Self(2);
    pub(super) const USER_INFO: Self = Self(3);
    pub(super) const FRAGMENT: Self = Self(4);
    pub(super) const REFERER: Self = Self(5);
    pub(super) const SENSITIVE: Self = Self(6);

    const DETECTORS: usize = FIXED.len();
    const HEADERS: usize = Self::DETECTORS + Detector::ALL.len();
    const BUILT_IN: usize = Self::HEADERS + HIDDEN.len();
    const IN_QUERY: usize = Self::BUILT_IN + BUILT_IN.len();

    fn at(place: usize) -> Self {
        Self(u16::try_from(place).unwrap_or(Self::SENSITIVE.0))
    }

    pub(super) const fn place(self) -> usize {
        self.0 as usize
    }

    /// For a header that is hidden whole: its own name where we know it; a header that the
    /// application marked sensitive may have any name, a client's too.
    pub(super) fn of_header(name: &str) -> Self {
        let known = HIDDEN.iter().position(|hidden| *hidden == name);
        known.map_or(Self::SENSITIVE, |at| Self::at(Self::HEADERS + at))
    }

    pub(super) fn of_detector(detector: Detector) -> Self {
        Self::at(Self::DETECTORS + detector as usize)
    }
}

/// The rules of masking: which values are masked, and how.
///
/// ```
/// use audit_core::{How, MaskRules};
///
/// let rules = MaskRules::new()
///     .fields(["salary", "$.customer.card", "header:x-api-version"])?
///     .fields_how(["email"], How::Pseudonym)?
///     .except(["token_count"])?;
/// # Ok::<(), audit_core::BadSelector>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct MaskRules {
    built_in: bool,
    /// How the built-in names are masked, and fields that do not say it.
    how: How,
    configured: Vec<(String, Option<How>)>,
    names: HashMap<String, Vec<Named>>,
    /// Lengths of all configured names, as bits (the highest: this and all above), so that most
    /// names are told apart by their length.
    lengths: u64,
    /// Their first characters, as bits by what is left of each divided by 64.
    firsts: u64,
    /// Most words of a configured name.
    words: u8,
    paths: Vec<(Path, usize)>,
    excepted_paths: Vec<(Path, usize)>,
    fewest_steps: usize,
    /// Some configured name has a bracket in it.
    bracketed: bool,
    detectors: Detectors,
    echoes: bool,
}

/// What a configured name says.
#[derive(Clone, Copy, Debug)]
struct Named {
    /// Only for names of this kind.
    of: Option<Of>,
    /// The place among the configured selectors; `None`: an exception.
    selector: Option<usize>,
}

impl Default for MaskRules {
    fn default() -> Self {
        Self {
            built_in: true,
            how: How::Redact,
            configured: Vec::new(),
            names: HashMap::new(),
            lengths: 0,
            firsts: 0,
            words: 0,
            paths: Vec::new(),
            excepted_paths: Vec::new(),
            fewest_steps: usize::MAX,
            bracketed: false,
            detectors: Detectors::default(),
            echoes: false,
        }
    }
}

/// What is shorter could be guessed.
const SHORTEST_CREDENTIAL: usize = 16;
/// Most words of a name that is looked for in texts.
const MOST_WORDS: usize = 6;
/// Most configured selectors.
const MOST: usize = 10_000;

impl MaskRules {
    /// The built-in names, redacted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the built-in names (`password`, `token`, …) are masked. Default: yes. Credential
    /// headers, cookies and the user info of URLs always are.
    pub const fn built_in(mut self, on: bool) -> Self {
        self.built_in = on;
        self
    }

    /// How the built-in names are masked, and fields for which nothing else is said.
    pub fn how(mut self, how: How) -> Self {
        self.how = how;
        self
    }

    /// Masks these too: names (`salary`), paths (`$.items[*].pin`), or names of one kind
    /// (`header:x`, `query:x`, `cookie:x`, `path:x`). A name matches whole, at any depth, ignoring
    /// case, after decoding.
    ///
    /// # Errors
    ///
    /// The first selector that can select nothing.
    pub fn fields<T: AsRef<str>>(
        mut self,
        selectors: impl IntoIterator<Item = T>,
    ) -> Result<Self, BadSelector> {
        selectors.into_iter().try_for_each(|s| self.select(s.as_ref(), None))?;
        Ok(self)
    }

    /// Masks these too, in this way.
    ///
    /// # Errors
    ///
    /// As [`fields`](Self::fields).
    pub fn fields_how<T: AsRef<str>>(
        mut self,
        selectors: impl IntoIterator<Item = T>,
        how: How,
    ) -> Result<Self, BadSelector> {
        let how = Some(how);
        selectors.into_iter().try_for_each(|s| self.select(s.as_ref(), how.clone()))?;
        Ok(self)
    }

    /// Does not mask these, though a name among the built-in ones, or in
    /// [`fields`](Self::fields), says so.
    ///
    /// # Errors
    ///
    /// As [`fields`](Self::fields).
    pub fn except<T: AsRef<str>>(
        mut self,
        selectors: impl IntoIterator<Item = T>,
    ) -> Result<Self, BadSelector> {
        for selector in selectors {
            match Selects::parse(selector.as_ref())? {
                Selects::Name(name, of) => self.name(name, Named { of, selector: None }),
                Selects::Path(path) => self.path(path, None),
                Selects::NameOrPath(name, path) => {
                    self.name(name, Named { of: None, selector: None });
                    self.path(path, None);
                }
            }
        }
        Ok(self)
    }

    /// Looks for these inside of texts and masks what they find.
    pub fn detect(mut self, detectors: impl IntoIterator<Item = Detector>) -> Self {
        self.detectors.extend(detectors);
        self
    }

    /// Whether a text of eight characters or more that is masked in one place of a record is
    /// redacted wherever else in the record it stands as it is: a password that the answer
    /// repeats in a sentence. Default: no. With it, somebody whose password is `customer` has a
    /// record in which that word is redacted, also in names.
    pub const fn echoes(mut self, on: bool) -> Self {
        self.echoes = on;
        self
    }

    /// Whether the built-in names are masked.
    pub(crate) const fn masks_built_in(&self) -> bool {
        self.built_in
    }

    /// Whether the value of a field of this name is masked, wherever it is.
    #[cfg(feature = "config")]
    pub(crate) fn masks_name(&self, name: &str) -> bool {
        self.find(Of::Query, name).is_some()
    }

    /// Whether anything is looked for inside of texts.
    #[cfg(feature = "config")]
    pub(crate) fn detects(&self) -> bool {
        Detector::ALL.into_iter().any(|detector| self.detectors.has(detector))
    }

    /// Whether names are configured.
    pub(crate) fn has_configured(&self) -> bool {
        !self.configured.is_empty()
    }

    /// Whether no field is masked.
    #[cfg(feature = "config")]
    pub(crate) fn masks_none(&self) -> bool {
        !self.built_in && self.configured.is_empty() && !self.detects()
    }

    /// What is masked beside the built-in names: the selector or detector, and how.
    pub(crate) fn told(&self) -> Vec<(String, &'static str)> {
        let how = |how: &Option<How>| how.as_ref().unwrap_or(&self.how).as_str();
        let configured = self.configured.iter().map(|(shown, said)| (shown.clone(), how(said)));
        let detected = Detector::ALL.into_iter().filter(|d| self.detectors.has(*d));
        let detected = detected.map(|d| (format!("detected {}", d.as_str()), How::Redact.as_str()));
        configured.chain(detected).collect()
    }

    pub(super) const fn finds_echoes(&self) -> bool {
        self.echoes
    }

    fn select(&mut self, selector: &str, how: Option<How>) -> Result<(), BadSelector> {
        let selects = Selects::parse(selector)?;
        if self.configured.len() >= MOST {
            return Err(BadSelector::too_many(selector));
        }
        let at = self.configured.len();
        let shown: String = selector.trim().chars().take(128).collect();
        self.configured.push((shown, how));
        match selects {
            Selects::Name(name, of) => self.name(name, Named { of, selector: Some(at) }),
            Selects::Path(path) => self.path(path, Some(at)),
            Selects::NameOrPath(name, path) => {
                self.name(name, Named { of: None, selector: Some(at) });
                self.path(path, Some(at));
            }
        }
        Ok(())
    }

    fn path(&mut self, path: Path, selector: Option<usize>) {
        self.fewest_steps = self.fewest_steps.min(path.fewest());
        match selector {
            Some(at) => self.paths.push((path, at)),
            None => self.excepted_paths.push((path, 0)),
        }
    }

    fn name(&mut self, name: String, named: Named) {
        let words = name.split(' ').count().min(MOST_WORDS);
        self.words = self.words.max(words as u8);
        self.lengths |= length_bit(name.len());
        self.firsts |= first_bit(&name);
        self.bracketed |= name.contains(['[', ']']);
        self.names.entry(name).or_default().push(named);
    }

    /// The selector of the value under `name`, decoded.
    pub(crate) fn find(&self, of: Of, name: &str) -> Option<Sel> {
        if self.names.is_empty() {
            return self.listed(of, name);
        }
        // What reads a form drops these too.
        let name = match name.as_bytes() {
            [b'!'..=b'~', .., b'!'..=b'~'] | [b'!'..=b'~'] => name,
            _ => name.trim_matches(|c: char| c.is_whitespace() || c == '\0'),
        };
        let mut configured = self.configured(of, name);
        let nested = || name.bytes().any(|b| matches!(b, b'[' | b']' | b'.'));
        if configured.is_none() && matches!(of, Of::Form | Of::Query) && nested() {
            configured = last_segment(name).and_then(|last| self.configured(of, last));
        }
        match configured {
            Some(selector) => selector.map(|at| Sel::at(Self::CONFIGURED + at)),
            None => self.listed(of, name),
        }
    }

    const CONFIGURED: usize = Sel::IN_QUERY + IN_QUERY.len();

    /// What the settings say of a name: nothing, an exception, or a selector's place.
    fn configured(&self, of: Of, name: &str) -> Option<Option<usize>> {
        // Lower case may be longer or shorter where it is not ASCII.
        let ascii = name.is_ascii();
        if (ascii && self.lengths & length_bit(name.len()) == 0)
            || self.firsts & first_bit(name) == 0
        {
            return None;
        }
        let mut short = [0; 64];
        let named = match lower_within(&mut short, name, ascii) {
            Some(short) if self.lengths & length_bit(short.len()) == 0 => None,
            Some(short) => self.names.get(short),
            None => self.names.get(&lower(name)),
        };
        // An exception counts more than a selector.
        let applies = named?.iter().filter(|n| n.of.is_none_or(|wanted| wanted == of));
        applies.map(|n| n.selector).min()
    }

    /// Most words of a configured name.
    pub(super) fn words(&self) -> u8 {
        self.words
    }

    /// Whether the value of a cookie is none that is hidden: it is excepted; or the built-in names
    /// are off, nothing selects it, and it neither has the name of a credential nor the length.
    pub(super) fn shows_cookie(&self, name: &str, value: &str) -> bool {
        match self.configured(Of::Cookie, name) {
            Some(selector) => selector.is_none(),
            None => {
                let named = words::built_in(name).is_some() || words::in_query(name).is_some();
                !self.built_in && !named && value.len() < SHORTEST_CREDENTIAL
            }
        }
    }

    fn listed(&self, of: Of, name: &str) -> Option<Sel> {
        if !self.built_in {
            return None;
        }
        let word = words::built_in(name).map(|at| Sel::at(Sel::BUILT_IN + at));
        let asked = matches!(of, Of::Form | Of::Query);
        word.or_else(|| {
            let whole = (asked && may_be_in_query(name)).then(|| words::in_query(name)).flatten();
            whole.map(|at| Sel::at(Sel::IN_QUERY + at))
        })
    }

    /// The text of a selector, as records tell it.
    pub(super) fn shown(&self, sel: Sel) -> &str {
        let place = sel.place();
        let fixed = |from: usize, list: &[&'static str]| {
            place.checked_sub(from).and_then(|at| list.get(at)).copied()
        };
        match place {
            ..Sel::DETECTORS => FIXED[place],
            Sel::DETECTORS..Sel::HEADERS => Detector::ALL[place - Sel::DETECTORS].as_str(),
            Sel::HEADERS..Sel::BUILT_IN => HIDDEN[place - Sel::HEADERS],
            Sel::BUILT_IN..Sel::IN_QUERY => BUILT_IN[place - Sel::BUILT_IN],
            _ => match fixed(Sel::IN_QUERY, IN_QUERY) {
                Some(listed) => listed,
                None => self
                    .configured
                    .get(place - Self::CONFIGURED)
                    .map_or("sensitive", |(shown, _)| shown),
            },
        }
    }

    /// How a selector's values are masked.
    pub(super) fn how_of(&self, sel: Sel) -> &How {
        match sel.place() {
            // What is always masked is always masked in the same way.
            ..Sel::BUILT_IN => &How::Redact,
            Sel::BUILT_IN..Self::CONFIGURED => &self.how,
            place => {
                let configured = self.configured.get(place - Self::CONFIGURED);
                configured.and_then(|(_, how)| how.as_ref()).unwrap_or(&self.how)
            }
        }
    }

    /// Fewest names that lead to what a path selects; without paths, more than there can be.
    pub(super) fn fewest_steps(&self) -> usize {
        self.fewest_steps
    }

    pub(super) const fn names_have_brackets(&self) -> bool {
        self.bracketed
    }

    pub(crate) fn has_paths(&self) -> bool {
        !self.paths.is_empty() || !self.excepted_paths.is_empty()
    }

    pub(super) fn paths(&self) -> &[(Path, usize)] {
        &self.paths
    }

    pub(super) fn excepted_paths(&self) -> &[(Path, usize)] {
        &self.excepted_paths
    }

    /// The selector of a path, by what [`Walk::look`](super::paths::Walk::look) gave.
    pub(super) fn of_path(&self, selected: usize) -> Sel {
        Sel::at(Self::CONFIGURED + selected)
    }

    pub(super) fn detectors(&self) -> &Detectors {
        &self.detectors
    }
}

const PARTS: [char; 14] =
    ['[', ']', '.', ':', '/', '\'', '"', '(', ')', '?', '$', '&', '=', '\u{feff}'];

fn length_bit(len: usize) -> u64 {
    1 << len.min(63)
}

/// A bit for the first character of a name in lower case.
fn first_bit(name: &str) -> u64 {
    let first = match name.as_bytes().first() {
        Some(ascii) if ascii.is_ascii() => u32::from(ascii.to_ascii_lowercase()),
        _ => lowered(name).next().map_or(0, u32::from),
    };
    1 << (first % 64)
}

/// A name in lower case, if it fits: clients choose names, so most take no memory.
fn lower_within<'b>(buffer: &'b mut [u8; 64], name: &str, ascii: bool) -> Option<&'b str> {
    let mut len = 0;
    if ascii {
        len = name.len();
        let short = buffer.get_mut(..len)?;
        short.copy_from_slice(name.as_bytes());
        short.make_ascii_lowercase();
    } else {
        for c in lowered(name) {
            len += c.encode_utf8(buffer.get_mut(len..len + c.len_utf8())?).len();
        }
    }
    std::str::from_utf8(&buffer[..len]).ok()
}

/// Whether a name begins like one that counts in a query; most are told apart by that.
fn may_be_in_query(name: &str) -> bool {
    match name.as_bytes().first() {
        Some(first) if first.is_ascii_alphanumeric() => {
            IN_QUERY.iter().any(|listed| listed.as_bytes()[0] == first.to_ascii_lowercase())
        }
        _ => true,
    }
}

/// Whether a character that parts names begins with this byte: of them, only U+FEFF is not ASCII.
const BEGINS_PART: [bool; 256] = {
    let (mut begins, mut at) = ([false; 256], 0);
    while at < PARTS.len() {
        let mut bytes = [0; 4];
        PARTS[at].encode_utf8(&mut bytes);
        begins[bytes[0] as usize] = true;
        at += 1;
    }
    begins
};

/// Whether a name may have a last part that is not all of it.
pub(super) fn has_segments(name: &str) -> bool {
    name.bytes().any(|byte| BEGINS_PART[usize::from(byte)])
}

/// The last part of `user[password]`, `user.password` or `passwords[0][]` that is a name; other
/// signs part names too: `user['password']`, `user:password`, `?password`.
pub(super) fn last_segment(name: &str) -> Option<&str> {
    let named = |s: &&str| !s.is_empty() && !s.bytes().all(|b| b.is_ascii_digit());
    name.rsplit(PARTS).find(named)
}

impl fmt::Debug for MaskRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskRules")
            .field("built_in", &self.built_in)
            .field("how", &self.how)
            .field("fields", &self.configured)
            .finish_non_exhaustive()
    }
}
