//! Ten thousand requests at once, each with tasks that write: no value under a wrong request.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

use std::{
    collections::HashSet,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use actix_web::{App, HttpServer, rt, web};
use audit_core::{Auditor, InAuditContext, in_audit_context, sink::Memory};
use audit_tests::{audited::settled, server::Server};
use axum::{Router, extract::Path, routing::get};
use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, sync::watch};

const REQUESTS: usize = 10_000;
/// Streams of one connection: what servers allow.
const STREAMS: usize = 100;

/// Opens when so many have come.
struct Gate {
    come: AtomicUsize,
    open: watch::Sender<bool>,
}

impl Gate {
    fn new() -> Self {
        Self { come: AtomicUsize::new(0), open: watch::Sender::new(false) }
    }

    /// Waits until all requests are in flight.
    async fn all(&self) {
        if self.come.fetch_add(1, Ordering::Relaxed) + 1 == REQUESTS {
            self.open.send_replace(true);
        }
        self.opened().await;
    }

    async fn opened(&self) {
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
    }
}

struct Gates {
    /// All requests are in flight.
    begun: Gate,
    /// All have ended.
    over: Gate,
    /// Tasks that wrote after that.
    late: AtomicUsize,
}

/// What a handler does, with the means of either framework to spawn tasks.
async fn handle<S, F>(
    n: usize,
    audit: audit_core::AuditContext,
    gates: Arc<Gates>,
    spawn: impl Fn(Writer) -> S,
    block: impl FnOnce(Box<dyn FnOnce() + Send>) -> F,
) -> String
where
    S: Future<Output = ()>,
    F: Future<Output = ()>,
{
    gates.begun.all().await;
    let tasks = (0..3).map(|task| spawn(Writer { n, task, audit: audit.clone(), gates: None }));
    join_all(tasks.collect::<Vec<_>>()).await;
    // One that outlives its request, and writes while others have their turn.
    drop(spawn(Writer { n, task: 9, audit, gates: Some(gates) }));
    if n.is_multiple_of(50) {
        block(Box::new(move || note("blocking", n))).await;
    }
    note("handler", n);
    n.to_string()
}

/// A task of a request.
struct Writer {
    n: usize,
    task: usize,
    audit: audit_core::AuditContext,
    gates: Option<Arc<Gates>>,
}

impl Writer {
    async fn run(self) {
        if let Some(gates) = self.gates {
            gates.over.opened().await;
            self.audit.user("late").tenant("late");
            note("late", self.n);
            gates.late.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.audit.user(format!("user-{}", self.n)).metadata(format!("own-{}", self.task), self.n);
        for turn in 0..self.n % 4 {
            tokio::task::yield_now().await;
            note(&format!("turn-{turn}-{}", self.task), self.n);
        }
        self.audit.change(self.n, self.n + 1).reference_no(self.n.to_string());
    }
}

/// Under the current request, whichever that is.
fn note(key: &str, n: usize) {
    audit_core::AuditContext::current().expect("a current request").metadata(key, n);
}

async fn axum(auditor: &Auditor, gates: &Arc<Gates>) -> Server {
    let gates = gates.clone();
    let handler = async move |audit: audit_tower::AuditContext, Path(n): Path<usize>| {
        let spawn = |writer: Writer| {
            let task = tokio::spawn(writer.run().in_audit_context());
            async { task.await.unwrap() }
        };
        let block = async |f| {
            tokio::task::spawn_blocking(in_audit_context(f)).await.unwrap();
        };
        handle(n, (*audit).clone(), gates.clone(), spawn, block).await
    };
    let layer = audit_tower::axum::AuditLayer::new(auditor);
    Server::axum(Router::new().route("/{n}", get(handler)).layer(layer)).await
}

fn actix(auditor: &Auditor, gates: &Arc<Gates>) -> Server {
    let audit = audit_actix::Audit::new(auditor);
    let gates = web::Data::from(gates.clone());
    let handler =
        async |n: web::Path<usize>, audit: audit_actix::AuditContext, gates: web::Data<Gates>| {
            let spawn = |writer: Writer| {
                let task = rt::spawn(writer.run().in_audit_context());
                async { task.await.unwrap() }
            };
            let block = async |f| web::block(in_audit_context(f)).await.unwrap();
            handle(n.into_inner(), (*audit).clone(), gates.into_inner(), spawn, block).await
        };
    Server::actix(|listener| {
        let app = move || {
            let app = App::new().app_data(gates.clone());
            app.route("/{n}", web::get().to(handler)).wrap(audit.clone())
        };
        let server = HttpServer::new(app).workers(4).disable_signals();
        Ok(server.listen_auto_h2c(listener)?.run())
    })
}

/// Sends all requests at once, on as few connections as will do.
async fn ask(addr: SocketAddr) {
    let connections = (0..REQUESTS).step_by(STREAMS).map(async |first| {
        let stream = TokioIo::new(TcpStream::connect(addr).await.unwrap());
        let client = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
        let (client, connection) = client.await.unwrap();
        tokio::spawn(connection);
        let answers = (first..first + STREAMS).map(|n| {
            let mut client = client.clone();
            async move {
                let request = Request::get(format!("http://test/{n}"));
                let request = request.body(Empty::<Bytes>::new()).unwrap();
                let body = client.send_request(request).await?.into_body();
                assert_eq!(body.collect().await?.to_bytes(), n.to_string());
                Ok::<_, hyper::Error>(())
            }
        });
        try_join_all(answers).await.unwrap();
    });
    join_all(connections).await;
}

fn stress(serve: impl AsyncFnOnce(&Auditor, &Arc<Gates>) -> Server) {
    let memory = Memory::with_most(REQUESTS);
    let auditor = Auditor::to(memory.clone());
    let late = AtomicUsize::new(0);
    let gates = Arc::new(Gates { begun: Gate::new(), over: Gate::new(), late });
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    let runtime = threads.worker_threads(4).enable_all().build().unwrap();
    let server = runtime.block_on(serve(&auditor, &gates));
    runtime.block_on(ask(server.addr));
    // A frame may be on its way while its answer is already here.
    let deadline = std::time::Instant::now() + audit_tests::audited::PATIENCE;
    let wait = |met: &dyn Fn() -> bool| {
        while !met() {
            assert!(std::time::Instant::now() < deadline, "{auditor:?}");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    };
    wait(&|| auditor.counters().in_flight == 0);
    gates.over.open.send_replace(true);
    wait(&|| gates.late.load(Ordering::Relaxed) == REQUESTS);
    check(&auditor, &memory);
    drop(server);
    auditor.close_blocking().unwrap();
}

fn check(auditor: &Auditor, memory: &Memory) {
    let counters = settled(auditor);
    assert_eq!((counters.written, counters.dropped), (REQUESTS as u64, 0));
    let mut seen = HashSet::new();
    for entry in memory.entries() {
        let n: usize = entry.request().unwrap().path.as_deref().unwrap()[1..].parse().unwrap();
        assert!(seen.insert(n));
        assert_eq!(entry.actor().unwrap().user.as_deref(), Some(&*format!("user-{n}")));
        assert_eq!(entry.tenant, None);
        assert_eq!(entry.event().unwrap().reference_no.as_deref(), Some(&*n.to_string()));
        assert_eq!(entry.change().unwrap().old.as_ref().unwrap().get(), n.to_string());
        let mut keys: HashSet<_> = (0..3).map(|task| format!("own-{task}")).collect();
        keys.insert("handler".to_owned());
        for turn in 0..n % 4 {
            keys.extend((0..3).map(|task| format!("turn-{turn}-{task}")));
        }
        if n.is_multiple_of(50) {
            keys.insert("blocking".to_owned());
        }
        let metadata = entry.metadata.as_ref().unwrap().open().unwrap();
        assert_eq!(metadata.keys().cloned().collect::<HashSet<_>>(), keys, "{n}");
        assert!(metadata.values().all(|value| value.get() == n.to_string()), "{n}: {metadata:?}");
    }
    assert_eq!(seen.len(), REQUESTS);
}

#[test]
fn on_a_runtime_of_four_threads() {
    stress(axum);
}

#[test]
fn on_four_workers_of_actix() {
    stress(async |auditor, gates| actix(auditor, gates));
}
