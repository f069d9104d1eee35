//! Shared helpers of the tests.

pub mod app;
pub mod audited;
pub mod disk;
pub mod programs;
pub mod server;
pub mod standalone;
pub mod testbed;
pub mod trail;
pub mod wire;

/// The Rust blocks of README and guides, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../docs/configuration.md")]
#[doc = include_str!("../../docs/masking.md")]
#[doc = include_str!("../../docs/testing.md")]
pub mod readme {}
