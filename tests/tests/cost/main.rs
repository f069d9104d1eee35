//! What the layer costs, as counts: allocations and system calls.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A helper that fails fails its test.

mod actix;
mod allocations;
mod masking;
mod syscalls;
