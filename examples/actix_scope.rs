//! Auditing a part of an actix-web app: `cargo run --example actix_scope`.
//!
//! Around a scope or a resource the middleware goes into `Compat`, because it changes the type of
//! the body. Paths outside the scope leave no record.

use actix_web::{App, HttpServer, middleware::Compat, web};
use audit_actix::{Audit, AuditContext, Auditor, sink::Lines};

#[actix_web::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auditor = Auditor::to(Lines::new(std::io::stdout()));
    let audit = Audit::new(&auditor);
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3003".into());
    let server = HttpServer::new(move || {
        let admin = web::scope("/admin/{tenant}")
            .route("/users/{id}", web::delete().to(remove))
            .wrap(Compat::new(audit.clone()));
        App::new().route("/", web::get().to(async || "not audited\n")).service(admin)
    })
    .bind(&address)?;
    let address = server.addrs()[0];
    println!("curl -i -X DELETE http://{address}/admin/acme/users/42\ncurl -i http://{address}/\n");
    server.run().await?;
    Ok(auditor.close().await?)
}

async fn remove(audit: AuditContext, path: web::Path<(String, u64)>) -> String {
    let (tenant, id) = path.into_inner();
    audit.tenant(&tenant).action("delete");
    format!("removed user {id} of {tenant}\n")
}
