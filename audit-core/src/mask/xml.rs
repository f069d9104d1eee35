//! Soon.
use super::{scope::Scope, unparsable::Unparsable};
pub(super) fn xml(_: &mut String, _: &str, _: bool, _: &mut Scope<'_>) -> Result<(), Unparsable> {
    Err(Unparsable)
}
