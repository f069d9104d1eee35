//! How the command ends.

use std::{io, process::ExitCode};

use audit_core::settings::{BadSetting, ConfigError};
use audit_trail::ReadError;

/// Why the command stopped before its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Whoever read our output has seen enough (`audit query … | head -1`). Not an error.
    Closed,
    /// The answer is no, and stdout says why.
    No,
    /// Likewise, and this says why.
    Refused(String),
    /// Another process is in the way.
    Locked(String),
    /// The command line, or the configuration that it names, makes no sense.
    Usage(String),
    /// What was asked for cannot be read or written.
    Io(String),
}

impl Failure {
    /// What to say on stderr, if anything.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Closed | Self::No => None,
            Self::Refused(text) | Self::Locked(text) | Self::Usage(text) | Self::Io(text) => {
                Some(text)
            }
        }
    }

    /// The exit code other programs rely on: 0 ok, 1 the answer is no, 2 wrong use, 3 locked,
    /// 4 cannot read or write.
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Closed => ExitCode::SUCCESS,
            Self::No | Self::Refused(_) => ExitCode::from(1),
            Self::Locked(_) => ExitCode::from(3),
            Self::Usage(_) => ExitCode::from(2),
            Self::Io(_) => ExitCode::from(4),
        }
    }
}

/// An error of writing to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(format!("cannot write the output: {error}")),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Wrong(_) => Self::Usage(error.to_string()),
            error => Self::Io(error.to_string()),
        }
    }
}

impl From<BadSetting> for Failure {
    fn from(error: BadSetting) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Io(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_error() {
        let closed = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(closed.message(), None);
        assert_eq!(closed.code(), ExitCode::SUCCESS);
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert!(full.message().unwrap().starts_with("cannot write"));
        assert_eq!(full.code(), ExitCode::from(4));
    }
}
