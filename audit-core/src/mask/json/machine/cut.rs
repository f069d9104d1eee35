//! What is shown of a document that was cut off.

use super::Machine;
use crate::mask::{how::Value, json::token::QUOTED, pair::Role, rules::Sel, value};

impl Machine<'_, '_, '_> {
    /// The text is over in the middle of the document.
    pub(super) fn cut_off(&mut self) {
        if let Some(muted) = self.muted.take() {
            let instead = self.scope.in_place(muted.sel, Value::Other);
            self.replace(&muted, Some(instead), self.at);
            self.copied = self.bytes.len();
        } else {
            // A name that was masked is written before its colon is there.
            self.flush(self.at.max(self.copied));
            self.part_of_string();
        }
        // Values whose names are still to come could be anything, also where there is a name that
        // selects nothing: another one may follow.
        let mut hidden = Vec::new();
        for early in self.early.drain(..) {
            let is_open = early.input.is_empty();
            if is_open {
                self.out.truncate(early.output.start);
            }
            hidden.push(early.output);
            if is_open {
                break;
            }
        }
        for value in hidden.into_iter().rev() {
            self.scope.redacted(Sel::SENSITIVE);
            self.out.replace_range(value, QUOTED);
        }
    }

    /// Keeps the whole words of a string that was cut off, where nothing can hide in it.
    fn part_of_string(&mut self) {
        let Some(rest) = self.text.get(self.at..) else { return };
        let Some(inside) = rest.strip_prefix('"') else { return };
        let in_value = !self.level.object || self.out.ends_with(':');
        let harmless = in_value
            && !inside.contains([':', '=', '\\', '@', '{', '[', '/', '<', '>', '%', '&', '|'])
            && !self.scope.detects()
            && !value::may_hide(inside)
            && matches!(self.level.role, Role::None | Role::Text);
        if harmless && let Some(words) = inside.rfind(' ') {
            self.out.push_str(&rest[..=words]);
        }
    }
}
