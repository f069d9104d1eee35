//! Real servers on the loopback interface, and a client that shows every byte.

use std::{future::Future, net::SocketAddr};

use actix_web::dev::ServerHandle;
use axum::{Router, extract::Request};
use bytes::Bytes;
use http::Response;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tower_service::Service;

use crate::audited::PATIENCE;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A server that ends with its handle.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub addr: SocketAddr,
    runs: Runs,
}

#[derive(Debug)]
enum Runs {
    Task(JoinHandle<()>),
    Actix(ServerHandle),
}

impl Drop for Server {
    fn drop(&mut self) {
        match &self.runs {
            Runs::Task(task) => task.abort(),
            // It is told at once; only the answer is not waited for.
            Runs::Actix(handle) => drop(handle.stop(false)),
        }
    }
}

impl Server {
    /// Runs `serve` with a listener on a free port.
    pub async fn start<F>(serve: impl FnOnce(TcpListener) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        Self { addr, runs: Runs::Task(tokio::spawn(serve(listener))) }
    }

    /// Serves with actix-web, on threads of its own: `run` gives the running server for a listener
    /// on a free port.
    pub fn actix(
        run: impl FnOnce(std::net::TcpListener) -> std::io::Result<actix_web::dev::Server>,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let server = run(listener).expect("a server");
        let runs = Runs::Actix(server.handle());
        tokio::spawn(server);
        Self { addr, runs }
    }

    /// Stops a server of actix-web: in good order, or at once.
    ///
    /// # Panics
    ///
    /// If it is another's, or does not end.
    pub async fn stop(self, graceful: bool) {
        let Runs::Actix(handle) = &self.runs else { panic!("not actix") };
        timeout(PATIENCE, handle.stop(graceful)).await.expect("it ends");
    }

    /// Serves a router with `axum::serve`.
    pub async fn axum(app: Router) -> Self {
        Self::start(|listener| async move {
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, app).await.expect("axum serves for ever");
        })
        .await
    }

    /// Serves a tower service with hyper-util's builder for HTTP/1.1 and 2, with upgrades.
    pub async fn hyper<S, B>(service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self::start(|listener| async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(async move {
                    let mut builder = auto::Builder::new(TokioExecutor::new());
                    builder.http2().enable_connect_protocol();
                    // An error is what the clients of these tests ask for.
                    let _ =
                        builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
                });
            }
        })
        .await
    }

    /// A connection to it.
    pub async fn connect(&self) -> Connection {
        Connection(TcpStream::connect(self.addr).await.expect("a connection"))
    }

    /// What it answers to `GET path` on a connection of its own, to the last byte.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "", "").await
    }

    /// What it answers to a request line (without its version), with further header lines and a
    /// body, on a connection of its own.
    pub async fn ask(&self, line: &str, headers: &str, body: &str) -> Answer {
        let mut connection = self.connect().await;
        let head = format!("{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n");
        connection.send(&(head + body)).await;
        connection.rest().await
    }
}

/// A connection, byte by byte.
#[derive(Debug)]
pub struct Connection(pub TcpStream);

impl Connection {
    /// Sends text as it stands.
    pub async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("the server reads");
    }

    /// Asks for a path and leaves the connection open.
    pub async fn get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
    }

    /// Reads until what was read ends with `end`.
    pub async fn read_until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let byte = timeout(PATIENCE, self.0.read_u8()).await;
            let so_far = String::from_utf8_lossy(&read);
            read.push(byte.expect(&so_far).unwrap_or_else(|e| panic!("{e} after {so_far:?}")));
        }
        String::from_utf8(read).expect("text")
    }

    /// Reads to the end of the connection.
    pub async fn rest(mut self) -> Answer {
        let mut read = Vec::new();
        // A reset is an end too; what came before it stays.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut read)).await.expect("an end");
        let text = String::from_utf8(read).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Answer { head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// Closes the connection at once, with a reset.
    pub fn reset(self) {
        self.0.set_zero_linger().expect("an option that can be set");
    }
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub struct Answer {
    /// The status line and the headers, in lower case.
    pub head: String,
    /// The body with its framing.
    pub body: String,
}

impl Answer {
    /// The status; 0 if there was none.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| *found == name).map(|(_, value)| value)
    }
}
