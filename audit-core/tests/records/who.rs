//! Who asks, from where, and what hooks add.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use audit_core::{AuditContext, AuditorBuilder, ClientIp, Entry, Identity, SessionAs};

use super::{Headers, Request, Response, record};

fn headers(lines: &[(&str, &str)]) -> Headers {
    lines.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec(), false)).collect()
}

fn request() -> Request {
    Request {
        method: "GET".into(),
        path: "/orders/7".into(),
        query: Some("page=2".into()),
        peer: Some([192, 0, 2, 10].into()),
        headers: headers(&[
            ("x-forwarded-for", "2001:db8:1:2::3, somebody, 198.51.100.7:80"),
            ("x-user", "ann"),
            ("cookie", "sid=S3cr3t"),
        ]),
        ..Request::default()
    }
}

fn entry(settings: impl FnOnce(AuditorBuilder) -> AuditorBuilder) -> (Entry, String) {
    let record = record(settings, &request(), |mut exchange| {
        let _ = exchange.head(&Response(201, headers(&[("x-cache", "hit")])));
    });
    (record.to_entry().expect("a record"), record.to_json())
}

#[test]
fn an_address_may_be_shortened_or_left_out() {
    let actor = |form| {
        let (entry, json) = entry(|builder| builder.client_ip(form));
        let actor = entry.actor().cloned().unwrap_or_default();
        (actor.ip, actor.forwarded, json.contains("198.51.100.7") || json.contains("db8:1:2"))
    };
    let (ip, forwarded, all) = actor(ClientIp::Full);
    assert_eq!((ip.as_deref(), forwarded.len(), all), (Some("192.0.2.10"), 3, true));
    let (ip, forwarded, all) = actor(ClientIp::Prefix);
    assert_eq!(forwarded, ["2001:db8:1::/48", "unknown", "198.51.100.0/24"]);
    assert_eq!((ip.as_deref(), all), (Some("192.0.2.0/24"), false));
    assert_eq!(actor(ClientIp::None), (None, Vec::new(), false));
}

#[test]
fn a_session_is_recorded_as_asked_whoever_tells_it() {
    let session = |form, say: &'static str| {
        let settings = |builder: AuditorBuilder| builder.session_cookie("sid").session_as(form);
        let record = record(settings, &request(), |exchange| {
            if !say.is_empty() {
                exchange.context().session(say);
            }
        });
        let entry = record.to_entry().unwrap();
        entry.actor().and_then(|actor| actor.session.clone())
    };
    assert_eq!(session(SessionAs::Clear, "").as_deref(), Some("S3cr3t"));
    assert_eq!(session(SessionAs::Clear, "other").as_deref(), Some("other"));
    assert_eq!(session(SessionAs::None, "other"), None);
    let pseudonym = session(SessionAs::Pseudonym, "other").unwrap();
    assert!(pseudonym.starts_with("s_") && pseudonym.len() == 34, "{pseudonym}");
}

#[test]
fn the_context_counts_more_than_the_last_identity() {
    let record = record(
        |builder| builder,
        &request(),
        |mut exchange| {
            exchange.identity(&Identity::new().user("bob").tenant("b").roles(["guest"]));
            exchange.identity(&Identity::new().user("ann").user_id("42").company_id("CO-1"));
            exchange.context().user_id("43");
        },
    );
    let entry = record.to_entry().unwrap();
    let actor = entry.actor().unwrap();
    assert_eq!((actor.user.as_deref(), actor.user_id.as_deref()), (Some("ann"), Some("43")));
    assert_eq!(actor.company_id.as_deref(), Some("CO-1"));
    assert!(entry.tenant.is_none() && actor.roles.is_empty(), "two identities are mixed");
}

#[test]
fn hooks_see_both_heads_and_add_to_the_record() {
    let (entry, _) = entry(|builder| {
        builder
            .on_request(|head, audit| {
                assert_eq!((head.method(), head.path()), ("GET", "/orders/7"));
                assert_eq!((head.query(), head.route()), (Some("page=2"), None));
                assert_eq!(head.peer(), Some([192, 0, 2, 10].into()));
                assert_eq!(head.headers("x-user").collect::<Vec<_>>(), [b"ann"]);
                audit.user(head.header("X-User").unwrap()).metadata("absent", head.header("no"));
            })
            .on_request(|_, _| _ = AuditContext::current().unwrap().tenant("acme"))
            .on_response(|head, audit| {
                audit.metadata("status", head.status()).metadata("cache", head.header("x-cache"));
            })
    });
    assert_eq!(entry.actor().unwrap().user.as_deref(), Some("ann"));
    assert_eq!(entry.tenant.as_deref(), Some("acme"));
    assert_eq!(entry.metadata("status"), Some("201"));
    assert_eq!(
        (entry.metadata("cache"), entry.metadata("absent")),
        (Some("\"hit\""), Some("null"))
    );
    assert!(entry.flags.is_empty(), "{:?}", entry.flags);
    assert!(AuditContext::current().is_none());
}

#[test]
fn a_hook_that_panics_costs_no_record_and_is_disabled_in_the_end() {
    let (calls, others) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let memory = audit_core::sink::Memory::new();
    let (counted, other) = (calls.clone(), others.clone());
    let auditor = audit_core::Auditor::builder()
        .on_request(move |_, audit| {
            audit.user("ann");
            counted.fetch_add(1, Ordering::Relaxed);
            panic!("a hook of a test");
        })
        .on_request(move |_, _| _ = other.fetch_add(1, Ordering::Relaxed))
        .build(memory.clone())
        .unwrap();
    for _ in 0..15 {
        drop(auditor.begin(&request()));
    }
    auditor.close_blocking().unwrap();
    assert_eq!((calls.load(Ordering::Relaxed), others.load(Ordering::Relaxed)), (10, 15));
    let entries = memory.entries();
    assert_eq!(entries.len(), 15);
    assert!(entries.iter().all(|entry| entry.flags == ["hook_failed"]));
    let told = entries.iter().filter(|e| e.actor().unwrap().user.as_deref() == Some("ann"));
    assert_eq!(told.count(), 10);
}
