//! JSON: masked in one pass over its text, without building a document.

mod fit;
mod level;
mod machine;
mod scan;
mod token;

use super::{scope::Scope, unparsable::Unparsable};

use machine::Machine;
use scan::Stop;

pub(super) use scan::tells;

pub(crate) use self::fit::{compact, depth};

/// Deepest nesting of a value in a record: with the group around it, the trail's limit of 64.
pub(crate) const DEEPEST: usize = 63;

/// Steps of a document, of which millions may be in a row.
const DOCUMENT: usize = 24;

/// What a masked text turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// How many documents it holds.
    pub(super) documents: usize,
    /// How deep the deepest nests; a scalar is 0.
    pub(super) depth: usize,
    /// An escape in it stands for half a character.
    pub(super) halved: bool,
}

impl Shape {
    /// Whether every reader takes it for one JSON value.
    pub(super) fn is_value(self) -> bool {
        self.documents == 1 && self.depth <= DEEPEST && !self.halved
    }
}

/// Appends one or more JSON documents with what the rules select masked, and strings masked
/// inside. White space between tokens goes; everything else that is not selected stays to the
/// digit, in order.
///
/// With `cut`, the text is the beginning of one that goes on: what is masked up to its last whole
/// token is appended. Without, it must be whole.
pub(super) fn documents(
    out: &mut String,
    text: &str,
    cut: bool,
    scope: &mut Scope<'_>,
) -> Result<Shape, Unparsable> {
    let mut shape = Shape { documents: 0, depth: 0, halved: false };
    let mut rest = text;
    let mut scalar = false;
    loop {
        let trimmed = &rest[scan::blanks(rest.as_bytes())..];
        if trimmed.is_empty() && (shape.documents > 0 || cut) {
            return Ok(shape);
        }
        let contained = trimmed.starts_with(['{', '[']);
        if shape.documents > 0 {
            // Where one scalar ends and the next begins is anybody's guess.
            if scalar || !contained {
                return Err(Unparsable);
            }
            out.push_str(if trimmed.len() < rest.len() { "\n" } else { "" });
        }
        scalar = !contained;
        if !contained && !trimmed.starts_with('"') {
            // A scalar, as millions of lines may be, has nothing to look into.
            shape.documents += 1;
            match scan::scalar(trimmed.as_bytes(), 0, !cut) {
                Ok(end) => {
                    out.push_str(&trimmed[..end]);
                    rest = &trimmed[end..];
                }
                Err(Stop::End) if cut => return Ok(shape),
                Err(_) => return Err(Unparsable),
            }
            continue;
        }
        if !scope.spend(DOCUMENT) {
            return Err(Unparsable);
        }
        let mut machine = Machine::new(trimmed, cut, out, scope);
        let end = machine.run();
        shape.documents += 1;
        shape.depth = shape.depth.max(machine.deepest);
        shape.halved |= machine.halved;
        rest = &trimmed[machine.at..];
        match end {
            Ok(()) => {}
            Err(Stop::End) if cut => return Ok(shape),
            Err(_) => return Err(Unparsable),
        }
    }
}

#[cfg(test)]
mod tests;
