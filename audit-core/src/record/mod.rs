//! What a record is: its vocabulary, the sealed [`Record`] a sink takes, and the [`Entry`] a
//! reader gets back.
//!
//! The two are different types on purpose. Only the masker can make a [`Record`], and only a
//! [`Record`] can be given to a sink, so nothing reaches a destination unmasked. What is read
//! back is an [`Entry`], which no sink takes.

mod entry;
pub(crate) mod json;
mod sealed;
mod time;
mod vocabulary;

pub use self::{
    entry::{Actor, BodyCapture, Change, Control, Difference, Entry, EntryError, Event, Fault},
    entry::{Masked, Policy, Redactable},
    entry::{RequestEntry, ResponseEntry, Service, TraceIds},
    sealed::Record,
    time::Timestamp,
    vocabulary::{CaptureState, Group, IdSource, Kind, Level, OmitReason, Outcome, Phase},
};
