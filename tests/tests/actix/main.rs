//! The actix middleware in every place, and one record for each way in which a request can end.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

mod bodies;
mod context;
mod endings;
mod errors;
mod head;
mod http1;
mod panics;
mod places;
mod strict;
mod who;
mod workers;
