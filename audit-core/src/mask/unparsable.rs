/// A text that is not what it should be, so nothing in it can be masked for sure. It is omitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unparsable;
