//! The tower layer in every place, and one record for each way in which a request can end.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

mod bodies;
mod context;
mod contract;
mod endings;
mod grpc;
mod http2;
mod hyper_http1;
mod ids;
mod layers;
mod lifecycle;
mod panics;
mod places;
mod raw_hyper;
mod strict;
mod upgrades;
mod who;

/// `GET /`, for services that do not look at the request.
fn ask() -> axum::extract::Request {
    axum::extract::Request::default()
}
