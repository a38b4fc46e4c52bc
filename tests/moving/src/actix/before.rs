use actix_session::storage::CookieSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::Key;
use actix_web::error::ErrorUnauthorized;
use actix_web::{App, Error, HttpResponse, HttpServer, get, post, web};

// Once the password was checked.
#[post("/log-in/{user_id}")]
async fn log_in(user_id: web::Path<u64>, session: Session) -> Result<HttpResponse, Error> {
    session.renew();
    session.insert("user_id", user_id.into_inner())?;
    Ok(HttpResponse::Ok().finish())
}

#[get("/me")]
async fn me(session: Session) -> Result<String, Error> {
    let user_id = session.get::<u64>("user_id")?;
    Ok(user_id.ok_or_else(|| ErrorUnauthorized("log in"))?.to_string())
}

#[post("/log-out")]
async fn log_out(session: Session) -> HttpResponse {
    session.purge();
    HttpResponse::Ok().finish()
}

pub fn routes(config: &mut web::ServiceConfig) {
    config.service(log_in).service(me).service(log_out);
}

pub fn sessions(key: Key) -> SessionMiddleware<CookieSessionStore> {
    SessionMiddleware::new(CookieSessionStore::default(), key)
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let key = Key::from(&std::fs::read("cookie-key")?); // 64 bytes
    HttpServer::new(move || App::new().configure(routes).wrap(sessions(key.clone())))
        .bind("127.0.0.1:3000")?
        .run()
        .await
}
