//! leptos: `cargo run -p frameworks --no-default-features --features leptos --bin leptos`.
//!
//! A server function takes the session with `extract`, as an axum handler does. It is called by the page while that
//! is rendered, or by the browser.
//!
//! A page that is streamed, as by default, may read the session, but it writes too late: its head has left already,
//! and the write is an error. `SsrMode::Async` waits for the page.

use axum::Router as AxumRouter;
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes as _, extract, generate_route_list};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};
use sealed_session::{Codec, Dynamic, Key, Keyring, Session, SessionLayer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app()?).await?;
    Ok(())
}

fn app() -> Result<AxumRouter, Box<dyn std::error::Error>> {
    let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    let options = LeptosOptions::builder().output_name("visits").build();
    let routes = generate_route_list(App);
    let app = AxumRouter::new().leptos_routes(&options, routes, App).with_state(options);
    Ok(app.layer(SessionLayer::new(codec)))
}

#[server]
async fn visits() -> Result<u32, ServerFnError> {
    let session: Session = extract().await?;
    let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(visits)
}

#[component]
fn App() -> impl IntoView {
    view! {
        <Router>
            <Routes fallback=|| "not found">
                <Route path=path!("/") view=Home ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}

#[component]
fn Home() -> impl IntoView {
    view! { <Await future=visits() let:visits>{visits.clone().ok()}</Await> }
}

#[cfg(test)]
#[tokio::test]
async fn the_second_visit_is_counted() -> Result<(), Box<dyn std::error::Error>> {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    let app = app()?;
    let first = app.clone().oneshot(Request::new(Body::empty())).await?;
    let cookie = &first.headers()["set-cookie"];
    let second = Request::get("/").header("cookie", cookie).body(Body::empty())?;
    let page = app.oneshot(second).await?.into_body().collect().await?.to_bytes();
    let page = String::from_utf8_lossy(&page);
    assert_eq!(
        page.split(['<', '>']).find(|text| text.parse::<u32>().is_ok()),
        Some("2"),
        "{page}"
    );
    Ok(())
}
