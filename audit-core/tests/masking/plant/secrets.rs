//! Secrets that no masked body holds by chance, not even a piece of them.

use super::draw::Draw;

pub(super) struct Secrets {
    core: String,
    pub(super) number: String,
    /// The texts that were written.
    texts: Vec<String>,
}

/// Where the core of a secret is parted to put something in between.
const HALF: usize = 8;

impl Secrets {
    pub(super) fn draw(draw: &mut Draw<'_>) -> Self {
        // No word that stays has these in a row, nor digits as high as those of the number; and
        // no run of six is hex.
        let letters = b"QXZJVWKY";
        let others = b"QXZJVWKY7890";
        let mut core = String::new();
        let len = 2 * HALF + draw.below(8);
        for at in 0..len {
            core.push(char::from(draw.pick(if at % 2 == 0 { letters } else { &others[..] })));
        }
        let mut number = String::new();
        for _ in 0..12 + draw.below(6) {
            number.push(draw.pick(&['7', '8', '9']));
        }
        if draw.odds(3) {
            number.insert(7, '.');
        }
        Self { core, number, texts: Vec::new() }
    }

    /// The secret with nothing but letters and digits in it.
    pub(super) fn plain(&mut self) -> String {
        self.with("")
    }

    /// The secret with one of these in its middle.
    pub(super) fn text(&mut self, draw: &mut Draw<'_>, specials: &[&str]) -> String {
        let special = if specials.is_empty() { "" } else { draw.pick(specials) };
        self.with(special)
    }

    fn with(&mut self, special: &str) -> String {
        let (first, second) = self.core.split_at(HALF);
        let text = format!("{first}{special}{second}");
        if !self.texts.contains(&text) {
            self.texts.push(text.clone());
        }
        text
    }

    /// All that must not be seen.
    pub(super) fn all(mut self) -> Vec<String> {
        self.texts.push(self.number);
        self.texts
    }
}

/// What a secret may have in its middle where everything can be spelled.
pub(super) const ANY: &[&str] = &[
    "", "\"", "\\", "/", "é", "\n", "<", "&", " ", "=", "%", "+", "🔑", "'", ";", ">", "]]>", ",",
    ":", "{", "}", "[", "#", "@", "\t", "\\u", "%41", "&amp;", "--", "\u{7f}", "\u{2028}",
];
