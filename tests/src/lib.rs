//! Shared helpers of the tests.

pub mod audited;
pub mod server;
