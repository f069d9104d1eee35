//! Shared helpers of the tests.

pub mod app;
pub mod audited;
pub mod disk;
pub mod programs;
pub mod server;
pub mod testbed;
pub mod trail;
pub mod wire;

/// The README's Rust blocks, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[doc = include_str!("../../docs/masking.md")]
pub mod readme {}
