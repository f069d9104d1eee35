//! What strict requests leave before their record.

use audit_core::Auditor;
use audit_tower::{AuditContext, Reliability, axum::AuditLayer};
use audit_trail::Trail;
use axum::{Router, body::Body, extract::Request, routing::get};
use tower::ServiceExt as _;

use super::{done, verifies, with_text};

#[test]
fn what_announced_a_request_of_theirs_is_erased_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit");
    let root = path.to_str().expect("a name");
    let trail = Trail::open(&path).expect("a trail");
    let built = Auditor::builder().reliability(Reliability::Strict).build(trail);
    let auditor = built.expect("settings");
    // The user is known when the handler runs, and the announcement is written before.
    let greet = async |audit: AuditContext, request: Request| {
        audit.user(if request.uri().path() == "/private-1" { "ann" } else { "bob" });
    };
    let app = Router::new().route("/{n}", get(greet)).layer(AuditLayer::new(&auditor));
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
    for n in 0..3 {
        let request = Request::get(format!("/private-{n}")).body(Body::empty()).expect("a request");
        drop(runtime.block_on(app.clone().oneshot(request)).expect("an answer"));
    }
    auditor.close_blocking().expect("a close");
    assert_eq!(
        done(&["query", root, "--kind", "control", "--json"]).matches("\"intent\"").count(),
        3
    );
    let told = done(&["erase", root, "--user", "ann", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["records"], &told["left"]), (&2.into(), &0.into()), "{told}");
    assert_eq!(with_text(&path, "/private-1").len(), 0);
    assert_eq!(with_text(&path, "/private-2").len(), 1);
    verifies(&path, "after it");
}
