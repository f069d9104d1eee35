//! How records leave the request path: one memory budget, a sharded byte log, one writer thread.
//!
//! Finishing a request appends its raw frame to a shard and wakes nobody. The writer takes all
//! shards every two milliseconds, makes the records and gives them to the sink.

mod announced;
mod budget;
mod control;
mod counters;
mod deadlines;
mod further;
mod gaps;
mod health;
mod pipe;
mod reloads;
mod shards;
mod strict;
mod ticket;
mod told;
mod writer;

pub(crate) use self::{
    control::Control,
    further::Further,
    pipe::{Pipe, Unrecorded},
    reloads::Reload,
    strict::{Announced, Strict},
    ticket::{Lost, Wait},
    writer::Writer,
};
pub use self::{
    control::{CloseError, FlushError},
    counters::Counters,
};
