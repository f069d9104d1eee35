//! What the functions given to [`AuditorBuilder::on_request`](crate::AuditorBuilder::on_request)
//! and [`on_response`](crate::AuditorBuilder::on_response) take, for those that are no closures.
//!
//! ```
//! use audit_core::hook::{AuditContext, RequestView};
//!
//! fn who(head: &RequestView<'_>, audit: &AuditContext) {
//!     if let Some(user) = head.header("x-authenticated-user") {
//!         audit.user(user);
//!     }
//! }
//! let builder = audit_core::Auditor::builder().on_request(who);
//! ```

pub use crate::exchange::{AuditContext, RequestView, ResponseView};
