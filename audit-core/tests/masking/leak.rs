//! The look at a masked body that may take its time; a fuzzer does without.

use audit_core::testing::find_leak;

use crate::plant::glimpse;

/// How a text shows one of these secrets in any spelling, or a piece of one.
pub(crate) fn leak(text: &str, secrets: &[String]) -> Option<String> {
    let spelled = || secrets.iter().find_map(|secret| find_leak(text, secret));
    glimpse(text, secrets).or_else(spelled)
}
