//! A small shop on actix-web, audited: `cargo run --example actix`, then paste a printed command.

use std::sync::Mutex;

use actix_web::{
    App, HttpResponse, HttpServer, Responder,
    web::{self, Data, Json, Path},
};
use audit_actix::{Audit, AuditContext, Auditor, Capture, sink::Lines};
use audit_trail::Trail;
use serde::{Deserialize, Serialize};

#[derive(Clone, Deserialize, Serialize)]
struct Order {
    item: String,
    quantity: u32,
}

type Shop = Data<Mutex<Vec<Order>>>;

#[actix_web::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // 1. Where records go: a trail on disk, and the terminal.
    let auditor = Auditor::builder()
        .service("shop", env!("CARGO_PKG_VERSION"))
        .capture(Capture::Headers)
        .exclude_path("/health")
        .exclude_path("/metrics")
        .also(Lines::new(std::io::stdout()))
        .build(Trail::open("./audit")?)?;

    // 2. One middleware, made once and cloned into each worker's app.
    let audit = Audit::new(&auditor);
    let metered = Data::new(auditor.clone());
    let shop = Shop::default();
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shop.clone())
            .app_data(metered.clone())
            .route("/orders", web::get().to(list))
            .route("/orders", web::post().to(create))
            .route("/orders/{id}", web::get().to(show))
            .route("/health", web::get().to(async || "ok"))
            .route("/metrics", web::get().to(metrics))
            .wrap(audit.clone())
    })
    .bind(&address)?;
    let address = server.addrs()[0];
    println!(
        "The shop listens on http://{address}. In another terminal:

  curl -i http://{address}/orders --json '{{\"item\":\"tea\",\"quantity\":2}}'
  curl -i 'http://{address}/orders/7?token=hunter2' -H 'Authorization: Bearer hunter2'
  cargo run -q -p audit-cli -- tail ./audit
"
    );
    server.run().await?;

    // 3. Everything accepted is on disk before the program ends.
    Ok(auditor.close().await?)
}

async fn list(shop: Shop) -> impl Responder {
    Json(orders(&shop).clone())
}

async fn show(shop: Shop, id: Path<usize>) -> impl Responder {
    match orders(&shop).get(id.into_inner()) {
        Some(order) => HttpResponse::Ok().json(order),
        None => HttpResponse::NotFound().finish(),
    }
}

// A handler that has something to say takes the request's audit context.
async fn create(audit: AuditContext, shop: Shop, Json(order): Json<Order>) -> impl Responder {
    audit.user("ann").tenant("acme").module("sales").action("create");
    audit.metadata("order", &order);
    orders(&shop).push(order);
    HttpResponse::Created()
}

// What became of all requests, for Prometheus. Excluded above: a scrape leaves no record.
async fn metrics(auditor: Data<Auditor>) -> impl Responder {
    let answer = auditor.prometheus();
    HttpResponse::Ok().content_type(Auditor::PROMETHEUS_CONTENT_TYPE).body(answer)
}

fn orders(shop: &Shop) -> std::sync::MutexGuard<'_, Vec<Order>> {
    shop.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
