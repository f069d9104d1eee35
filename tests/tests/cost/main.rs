//! What the layer costs, as counts: allocations and system calls.

mod allocations;
mod app;
mod syscalls;
