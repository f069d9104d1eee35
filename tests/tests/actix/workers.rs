//! Many threads, one auditor: no record is lost, none is another request's.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use actix_http::Request;
use actix_web::{
    App, HttpServer,
    test::{TestRequest, call_and_read_body, init_service},
    web,
};
use audit_actix::{Audit, AuditContext};
use audit_core::{Auditor, Kind, sink::Memory};
use audit_tests::{audited::settled, server::Server, wire::Wire};
use axum::{Router, extract::Path, routing::get};

/// Sends `each` requests on each of so many connections that stay open; nobody sends the same
/// twice. Gives how many that were.
fn load(addr: SocketAddr, connections: usize, each: usize) -> u64 {
    thread::scope(|scope| {
        for client in 0..connections {
            scope.spawn(move || {
                let mut wire = Wire::connect(addr);
                for n in 0..each {
                    let name = format!("user-{client}-{n}");
                    wire.send(format!("GET /as/{name} HTTP/1.1\r\nhost: test\r\n\r\n"));
                    let head = wire.head();
                    assert!(head.starts_with("http/1.1 200"), "{head}");
                    wire.until(format!("<{name}>").as_bytes());
                }
            });
        }
    });
    (connections * each) as u64
}

/// Every request has its record, and every record the user and the metadata of its request.
fn check(auditor: &Auditor, memory: &Memory, requests: u64) {
    let counters = settled(auditor);
    assert_eq!((counters.started, counters.written, counters.dropped), (requests, requests, 0));
    let mut names = std::collections::HashSet::new();
    for entry in memory.entries() {
        assert_eq!(entry.kind, Kind::Request);
        let request = entry.request().unwrap();
        let name = request.path.as_deref().unwrap().strip_prefix("/as/").unwrap();
        assert_eq!(entry.actor().unwrap().user.as_deref(), Some(name));
        assert_eq!(entry.metadata("later"), Some(&*format!("{name:?}")));
        assert_eq!(request.route.as_deref(), Some("/as/{name}"));
        assert_eq!((entry.status(), entry.success), (Some(200), Some(true)));
        names.insert(name.to_owned());
    }
    assert_eq!(names.len() as u64, requests);
}

#[test]
fn audit_goes_wherever_a_factory_goes() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Audit>();
    shared::<AuditContext>();
}

async fn named(name: &str) -> String {
    // Long enough that others of this worker run, and now and then for the timer.
    let turns = name.len() % 5;
    for _ in 0..=turns {
        tokio::task::yield_now().await;
    }
    if name.ends_with('7') {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    format!("<{name}>")
}

fn actix(auditor: &Auditor, workers: usize) -> Server {
    let audit = Audit::new(auditor);
    let handler = async |name: web::Path<String>, audit: AuditContext| {
        audit.user(name.as_str());
        let answer = named(&name).await;
        AuditContext::current().unwrap().metadata("later", name.as_str());
        answer
    };
    Server::actix(|listener| {
        let app =
            move || App::new().route("/as/{name}", web::get().to(handler)).wrap(audit.clone());
        let server = HttpServer::new(app).workers(workers).disable_signals();
        Ok(server.listen(listener)?.run())
    })
}

async fn axum(auditor: &Auditor) -> Server {
    let handler = async |audit: audit_tower::AuditContext, Path(name): Path<String>| {
        audit.user(&name);
        let answer = named(&name).await;
        audit_tower::AuditContext::current().unwrap().metadata("later", &name);
        answer
    };
    let layer = audit_tower::axum::AuditLayer::new(auditor);
    Server::axum(Router::new().route("/as/{name}", get(handler)).layer(layer)).await
}

#[test]
fn under_load_no_record_is_anothers() {
    for framework in ["actix", "axum"] {
        let memory = Memory::with_most(100_000);
        let auditor = Auditor::to(memory.clone());
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads.worker_threads(4).enable_all().build().unwrap();
        let server = runtime.block_on(async {
            match framework {
                "actix" => actix(&auditor, 4),
                _ => axum(&auditor).await,
            }
        });
        let requests = load(server.addr, 12, 1_000);
        check(&auditor, &memory, requests);
        drop(server);
        auditor.close_blocking().unwrap();
    }
}

#[test]
fn workers_share_the_middleware() {
    let memory = Memory::new();
    let auditor = Auditor::to(memory.clone());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(async { actix(&auditor, 3) });
    let requests = load(server.addr, 8, 100);
    assert_eq!(requests, 800);
    check(&auditor, &memory, requests);
    runtime.block_on(server.stop(true));
    auditor.close_blocking().unwrap();
}

/// Counts how many of it there are.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(living: &Arc<AtomicUsize>) -> Self {
        living.fetch_add(1, Ordering::Relaxed);
        Self(living.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[actix_web::test]
async fn apps_that_are_made_and_dropped_leave_nothing() {
    let living = Arc::new(AtomicUsize::new(0));
    let memory = Memory::new();
    let auditor = Auditor::to(memory.clone());
    let audit = Audit::new(&auditor);
    let count = living.clone();
    let factory = move || {
        App::new()
            .app_data(web::Data::new(Counted::new(&count)))
            .route("/as/{name}", web::get().to(async |_: AuditContext| "hello"))
            .wrap(audit.clone())
    };
    let ask = |path: &str| -> Request { TestRequest::get().uri(path).to_request() };
    for _ in 0..200 {
        let app = init_service(factory()).await;
        assert_eq!(call_and_read_body(&app, ask("/as/ann")).await, "hello");
        // One that is never polled, too.
        drop(actix_web::dev::Service::call(&app, ask("/as/bob")));
        assert_eq!(living.load(Ordering::Relaxed), 1);
        drop(app);
        assert_eq!(living.load(Ordering::Relaxed), 0, "nothing keeps its app alive");
    }
    let counters = settled(&auditor);
    assert_eq!((counters.started, counters.written), (400, 400));
    auditor.close_blocking().unwrap();
}
