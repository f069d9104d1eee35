//! Where records go.
//!
//! A [`Sink`] is driven by one thread that is never the request's. The *primary* sink (given to
//! [`Auditor::to`](crate::Auditor::to)) holds the promise that nothing is lost silently: while it
//! fails, records wait in memory and are written when it recovers. Every *further* sink has its
//! own small bounded queue and thread, and one that is stuck costs only itself.

mod callback;
mod lines;
mod memory;

use std::{error::Error, fmt};

use crate::{Record, Secret};

pub use self::{callback::Callback, lines::Lines, memory::Memory};

/// A destination for records.
///
/// The calls come from one thread, in this order: any number of [`write`](Self::write), then
/// [`commit`](Self::commit), again and again; now and then [`sync`](Self::sync); at the end
/// [`close`](Self::close). A panic in any of them is caught and counts as an
/// [`Unavailable`](SinkError::Unavailable) error.
pub trait Sink: Send + 'static {
    /// Takes one record into the sink's own buffer.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](SinkError::Unavailable): not taken; the same record is offered again.
    /// [`Refused`](SinkError::Refused): this record will never be taken; it is counted as lost
    /// and reported as a gap.
    fn write(&mut self, record: &Record) -> Result<(), SinkError>;

    /// Hands everything taken so far to the destination (`Spooled`). Called after each batch, at
    /// most every few milliseconds.
    ///
    /// # Errors
    ///
    /// The records that were taken are still held by the sink; `commit` is called again, with
    /// growing pauses, before any further `write`.
    fn commit(&mut self) -> Result<(), SinkError>;

    /// Makes everything committed as safe as the destination can (`Durable`). May block; called
    /// for `flush`.
    ///
    /// # Errors
    ///
    /// Passed on to the caller of `flush`.
    fn sync(&mut self) -> Result<(), SinkError> {
        self.commit()
    }

    /// The last call. May block.
    ///
    /// # Errors
    ///
    /// Passed on to the caller of `close`.
    fn close(&mut self) -> Result<(), SinkError> {
        self.sync()
    }

    /// The secret that keys pseudonyms and sampling, where the sink keeps one. Called once,
    /// before the first record; not called where the auditor was built with its own.
    fn secret(&self) -> Option<Secret> {
        None
    }
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn write(&mut self, record: &Record) -> Result<(), SinkError> {
        (**self).write(record)
    }

    fn commit(&mut self) -> Result<(), SinkError> {
        (**self).commit()
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        (**self).sync()
    }

    fn close(&mut self) -> Result<(), SinkError> {
        (**self).close()
    }

    fn secret(&self) -> Option<Secret> {
        (**self).secret()
    }
}

/// Why a sink did not take or hand on records.
#[derive(Debug)]
#[non_exhaustive]
pub enum SinkError {
    /// Not now. The same will be tried again. The text is told as an event of the target `audit`
    /// when the sink begins to fail: it names the destination, and no password and no record.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// Never: there is something about this record that the destination does not take.
    /// The text is not told anywhere, as it may quote the record.
    Refused(Box<dyn Error + Send + Sync>),
}

impl SinkError {
    /// Not now.
    pub fn unavailable(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(why.into())
    }

    /// Never this record.
    pub fn refused(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused(why.into())
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the sink is unavailable: {why}"),
            Self::Refused(why) => write!(f, "the sink refused a record: {why}"),
        }
    }
}

impl Error for SinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(why) | Self::Refused(why) => Some(&**why),
        }
    }
}

impl From<std::io::Error> for SinkError {
    fn from(error: std::io::Error) -> Self {
        Self::Unavailable(error.into())
    }
}
