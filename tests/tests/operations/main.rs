//! What whoever runs a service sees of its auditor: metrics, and events of the target `audit`.
#![allow(clippy::unwrap_used)] // A helper that fails fails its test.

mod metrics;
mod told;
