//! No masked body shows a secret: generated bodies of every format, whole and cut anywhere, and
//! hostile ones.

mod captured;
mod check;
mod flood;
mod found;
mod hostile;
mod leak;
mod plant;
mod properties;
