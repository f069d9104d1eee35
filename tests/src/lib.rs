//! Shared helpers of the tests.

pub mod app;
pub mod audited;
pub mod server;
