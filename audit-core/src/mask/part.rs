//! The parts of a record in which values can hide.

/// A part of a record in which values can hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Part {
    Actor,
    Path,
    Query,
    Host,
    RequestHeaders,
    RequestBody,
    ResponseHeaders,
    ResponseBody,
    Event,
    Change,
    Metadata,
    Error,
}

impl Part {
    pub(super) const COUNT: usize = 12;

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Path => "request.path",
            Self::Query => "request.query",
            Self::Host => "request.host",
            Self::RequestHeaders => "request.headers",
            Self::RequestBody => "request.body",
            Self::ResponseHeaders => "response.headers",
            Self::ResponseBody => "response.body",
            Self::Event => "event",
            Self::Change => "change",
            Self::Metadata => "metadata",
            Self::Error => "error",
        }
    }
}

/// What a name is the name of. Configured selectors may be for one of them only; and in a query
/// plain words such as `code` carry secrets too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Of {
    /// A member, a field, an element, a word in a text.
    Field,
    /// A field of a form: like a field, and its name may be a path such as `user[password]`.
    Form,
    /// A parameter of a query.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
    /// A parameter in a path.
    PathParameter,
}
