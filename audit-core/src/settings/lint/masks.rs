//! Values that are recorded as they are, or that can be guessed.

use super::Lint;
use crate::{Capture, How, MaskRules, policy::Says};

/// Words of names whose values are few: whoever can make pseudonyms can try them all.
const FEW: [&str; 31] = [
    "age",
    "birth",
    "birthdate",
    "birthday",
    "card",
    "city",
    "country",
    "cvc",
    "cvv",
    "dob",
    "gender",
    "iban",
    "ip",
    "mobile",
    "msisdn",
    "nationality",
    "otp",
    "pan",
    "phone",
    "pin",
    "plate",
    "postal",
    "postcode",
    "religion",
    "salary",
    "sex",
    "ssn",
    "tel",
    "telephone",
    "zip",
    "zipcode",
];

impl Lint<'_> {
    pub(super) fn masks(&mut self) {
        self.unmasked();
        self.pseudonyms();
        self.exceptions();
        self.selectors();
        let says = |at: usize| &self.rule(at).says;
        let of = |says: &Says| self.config.masks.get(says.mask);
        let settings = self.reading.settings();
        let texts = settings.bodies.content_types.iter().any(|name| name == "text");
        let captured = (0..=settings.rules.len()).any(|at| {
            let detects = of(says(at)).is_some_and(MaskRules::detects);
            says(at).capture >= Capture::Request && !detects
        });
        if texts && captured {
            self.warn(
                "bodies.content_types",
                "`text`: in a text only what looks like `name=value` is masked; turn on \
                 mask.detectors, or leave `text` out",
            );
        }
    }

    /// Bodies of which nothing is masked.
    fn unmasked(&mut self) {
        let rules = self.reading.settings().rules.len();
        let mut told = false;
        for at in 0..=rules {
            let says = &self.rule(at).says;
            let masks_none = self.config.masks.get(says.mask).is_some_and(MaskRules::masks_none);
            if says.capture < Capture::Request || !masks_none {
                continue;
            }
            let why = "bodies are recorded, and nothing in them is masked: `mask.builtin` is off, \
                       and there are no fields and no detectors";
            if at < rules && self.reading.settings().rules[at].capture.is_some() {
                self.warn_rule(at, "capture", why);
            } else if !told {
                told = true;
                self.warn("auditor.capture", why);
            }
        }
        let settings = self.reading.settings();
        if !settings.mask.built_in && settings.mask.fields.is_empty() {
            self.warn(
                "mask.builtin",
                "is off, and there are no fields: passwords and tokens in queries, forms and \
                 metadata are recorded as they are",
            );
        }
    }

    fn pseudonyms(&mut self) {
        let settings = self.reading.settings();
        let is = |how: &How| matches!(how, How::Pseudonym);
        let how = &settings.mask.how;
        if is(how) && settings.mask.built_in {
            self.warn(
                "mask.how",
                "pseudonyms of the built-in names too, such as pin, otp and cvv, of which there \
                 are few values: whoever has the secret can try them all; leave it at `redact`, \
                 and say `pseudonym` in a rule",
            );
        }
        for field in settings.mask.fields.iter().filter(|_| is(how)) {
            if let Some(why) = few(field) {
                self.warn("mask.fields", why);
            }
        }
        for (at, rule) in settings.rules.iter().enumerate() {
            for field in
                rule.mask_fields.iter().filter(|_| is(rule.mask_how.as_ref().unwrap_or(how)))
            {
                if let Some(why) = few(field) {
                    self.warn_rule(at, "mask.fields", why);
                }
            }
        }
    }

    /// Selectors that are names, and look like something else.
    fn selectors(&mut self) {
        let settings = self.reading.settings();
        let said = &settings.mask;
        for (key, selectors) in [("mask.fields", &said.fields), ("mask.except", &said.except)] {
            for why in selectors.iter().filter_map(|selector| only_a_name(selector)) {
                self.warn(key, why);
            }
        }
        for (at, rule) in settings.rules.iter().enumerate() {
            for (key, selectors) in
                [("mask.fields", &rule.mask_fields), ("mask.except", &rule.mask_except)]
            {
                for why in selectors.iter().filter_map(|selector| only_a_name(selector)) {
                    self.warn_rule(at, key, why);
                }
            }
        }
    }

    /// Exceptions of what nothing masks, and of what is meant to be masked.
    fn exceptions(&mut self) {
        let settings = self.reading.settings();
        let of_settings = &settings.mask;
        let same = |one: &String, fields: &[String]| {
            fields.iter().any(|field| field.trim().eq_ignore_ascii_case(one.trim()))
        };
        for except in &of_settings.except {
            let in_rule = settings.rules.iter().any(|rule| same(except, &rule.mask_fields));
            if same(except, &of_settings.fields) && !in_rule {
                self.warn("mask.except", counts_more(except));
            } else if !in_rule && !self.masks_it(except, &[]) {
                self.warn("mask.except", excepts_nothing(except));
            }
        }
        for (at, rule) in settings.rules.iter().enumerate() {
            for except in &rule.mask_except {
                if same(except, &rule.mask_fields) {
                    self.warn_rule(at, "mask.except", counts_more(except));
                } else if !self.masks_it(except, &rule.mask_fields) {
                    self.warn_rule(at, "mask.except", excepts_nothing(except));
                }
            }
        }
    }

    /// Whether a selector's values would be masked without exceptions; where that is not known,
    /// they are.
    fn masks_it(&self, selector: &str, more: &[String]) -> bool {
        let said = &self.reading.settings().mask;
        if selector.contains(':') || !said.detectors.is_empty() {
            return true;
        }
        let rules = MaskRules::new().built_in(said.built_in);
        let rules = rules.fields(&said.fields).and_then(|rules| rules.fields(more));
        rules.is_ok_and(|rules| rules.has_paths() || rules.masks_name(name(selector)))
    }
}

/// What a selector that is a name was likely meant to be.
fn only_a_name(selector: &str) -> Option<String> {
    const PLACES: [&str; 4] = ["header", "query", "cookie", "path"];
    let selector = selector.trim();
    if selector.contains('*') && !selector.contains(['.', '[']) {
        return Some(format!(
            "`{selector}` is a name, in which `*` stands for itself; patterns are only in paths, \
             such as `$.items[*].pin`"
        ));
    }
    let (place, name) = selector.split_once(':')?;
    let place = place.trim().to_ascii_lowercase();
    if PLACES.contains(&&*place) || place.starts_with('$') {
        return None;
    }
    let like = |of: &&&str| strsim::osa_distance(&place, of) <= 2 || place.starts_with(**of);
    let meant = match &*place {
        "body" | "request" | "response" | "json" | "form" => name.to_owned(),
        place if place.len() > 20 => return None,
        _ => format!("{}:{name}", PLACES.iter().find(like)?),
    };
    Some(format!("`{selector}` is a name with a colon in it; did you mean `{meant}`?"))
}

/// The last name of a selector.
fn name(selector: &str) -> &str {
    let named = |part: &&str| !part.is_empty() && *part != "*";
    selector.rsplit(['.', '[', ']', ':']).find(named).unwrap_or(selector).trim()
}

/// What is unlikely about a pseudonym of this field.
fn few(selector: &str) -> Option<String> {
    let name = name(selector);
    // `zipCode`, `zip_code` and `ZIP` are the same words.
    let mut words = String::new();
    let mut before = 'A';
    for c in name.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
        before = c;
    }
    let word = words.split(|c: char| !c.is_alphanumeric()).find(|word| FEW.contains(word))?;
    Some(format!(
        "a pseudonym of `{}`: there are few values of a {word}, and whoever has the secret can try \
         them all; write `redact`, or `last4`",
        selector.trim()
    ))
}

fn counts_more(selector: &str) -> String {
    format!("`{selector}` is among the fields too, and the exception counts more: it is not masked")
}

fn excepts_nothing(selector: &str) -> String {
    format!("`{selector}` excepts nothing: no field and no built-in name masks it")
}
