//! Choices, one byte or so at a time. When the bytes run out, each is the first.

use arbitrary::Unstructured;

pub(super) struct Draw<'a>(Unstructured<'a>);

impl<'a> Draw<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.int_in_range(0..=end.saturating_sub(1)).unwrap_or(0)
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// True once in `times`, and never when the bytes have run out.
    pub(super) fn odds(&mut self, times: usize) -> bool {
        self.below(times) + 1 == times
    }

    /// White space as JSON allows it between tokens, mostly none.
    pub(super) fn blank(&mut self) -> &'static str {
        self.pick(&["", "", "", "", "", " ", "\n", "\r\n \t"])
    }

    /// Each character, now and then in another spelling: never, always or one in three times.
    pub(super) fn spell(&mut self, text: &str, other: impl Fn(char, usize) -> String) -> String {
        let often = self.pick(&[0, 0, 3, 1]);
        let mut out = String::new();
        for c in text.chars() {
            if often != 0 && self.below(often) == 0 {
                out.push_str(&other(c, self.below(2)));
            } else {
                out.push(c);
            }
        }
        out
    }
}
