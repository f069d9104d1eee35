//! Bodies with a secret planted in them, made from a stream of bytes: proptest draws them, and so
//! does a fuzzer.

mod draw;
mod form;
mod json;
mod multipart;
mod names;
mod oracle;
mod secrets;
mod stream;
mod text;
mod xml;

use audit_core::{How, MaskRules};

pub(crate) use self::oracle::glimpse;
use self::{draw::Draw, names::NAMES, secrets::Secrets};

/// What a body is made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Ndjson,
    Sse,
    Form,
    Multipart,
    Xml,
    Text,
}

/// A body that holds a secret.
#[derive(Debug)]
pub(crate) struct Plant {
    pub(crate) content_type: String,
    pub(crate) body: String,
    /// What must not be in the masked body, in any spelling.
    pub(crate) secrets: Vec<String>,
    /// What must be in it, to the byte, if it is masked whole.
    pub(crate) kept: Vec<String>,
    /// It may be refused as a whole.
    pub(crate) odd: bool,
    /// Masked again it is another one, since it tells of sizes.
    pub(crate) once: bool,
}

/// The rules that know the planted names.
pub(crate) fn rules(how: How) -> MaskRules {
    let rules = MaskRules::new().how(how).fields(NAMES);
    let rules = rules.and_then(|rules| rules.fields(["$.user.card", "$.items[*].note", "$..deep"]));
    rules.expect("the selectors are well-formed")
}

/// What is drawn on the way to a body.
struct Garden<'a> {
    draw: Draw<'a>,
    secrets: Secrets,
    kept: Vec<String>,
    odd: bool,
    once: bool,
}

impl Garden<'_> {
    /// A word that has to survive, and stands nowhere else.
    fn keep(&mut self) -> String {
        let word = format!("kept-{}.", self.kept.len());
        self.kept.push(word.clone());
        word
    }

    /// The name of a member that nothing selects.
    fn harmless(&mut self) -> &'static str {
        self.draw.pick(&[
            "city",
            "remarks",
            "shipping",
            "total",
            "größer",
            "panel",
            "n1",
            "tokenizer",
        ])
    }
}

/// Plants a secret.
pub(crate) fn plant(format: Format, bytes: &[u8]) -> Plant {
    let mut draw = Draw::new(bytes);
    let secrets = Secrets::draw(&mut draw);
    let mut garden = Garden { draw, secrets, kept: Vec::new(), odd: false, once: false };
    let (content_type, body) = match format {
        Format::Json => json::body(&mut garden),
        Format::Ndjson => stream::lines(&mut garden),
        Format::Sse => stream::events(&mut garden),
        Format::Form => form::body(&mut garden),
        Format::Multipart => multipart::body(&mut garden),
        Format::Xml => xml::body(&mut garden),
        Format::Text => ("text/plain; charset=utf-8".to_owned(), text::body(&mut garden)),
    };
    let Garden { secrets, kept, odd, once, .. } = garden;
    Plant { content_type, body, secrets: secrets.all(), kept, odd, once }
}
