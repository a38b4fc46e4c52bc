//! Several sessions on one request.

use axum::routing::get;
use axum::{Extension, Router};
use http::StatusCode;
use sealed_session::{Codec, Dynamic, SessionKind, SessionLayer};
use sealed_session_tower_sessions::{SessionData, v0_14, v0_15};

use crate::support::{Browser, codec, keyring};

type Plain = sealed_session::Session<Dynamic>;
type Old = v0_14::tower_sessions_core::Session;
type New = v0_15::tower_sessions_core::Session;

enum Shop {}

impl SessionKind for Shop {
    type Data = SessionData;
    const NAME: &'static str = "shop";
}

#[tokio::test]
async fn a_session_of_tower_sessions_lies_beside_a_plain_one() {
    let write = get(|tower: Old, Extension(plain): Extension<Plain>| async move {
        tower.insert("a", "tower").await.unwrap();
        plain.insert("a", "plain").unwrap();
    });
    let read = get(|tower: Old, Extension(plain): Extension<Plain>| async move {
        let tower = tower.get::<String>("a").await.unwrap().unwrap();
        format!("{tower} {}", plain.get::<String>("a").unwrap().unwrap())
    });
    let flush = get(|tower: Old| async move { tower.flush().await.unwrap() });
    let plain = SessionLayer::new(Codec::<Dynamic>::new(keyring()).unwrap());
    let routes = Router::new().route("/write", write).route("/read", read).route("/flush", flush);
    let layered = [
        routes.clone().layer(plain.clone()).layer(v0_14::SealedSessionLayer::new(codec())),
        routes.layer(v0_14::SealedSessionLayer::new(codec())).layer(plain),
    ];
    for app in layered {
        let mut browser = Browser::new(app);
        assert_eq!(browser.get("/write").await.ok().cookies().len(), 2);
        assert_eq!(browser.get("/read").await.ok().body, "tower plain");
        browser.get("/flush").await.ok().removes("id");
        assert!(browser.cookies.contains_key("session"));
    }
}

#[tokio::test]
async fn the_sizes_of_all_sessions_count_together() {
    let large = "x".repeat(2900);
    let write = get(|tower: Old, Extension(plain): Extension<Plain>| async move {
        plain.insert("a", &large).unwrap();
        tower.insert("a", &large).await.unwrap();
        let error = tower.save().await.unwrap_err().to_string();
        assert!(error.contains("Cookie header"), "{error}");
        StatusCode::IM_A_TEAPOT
    });
    let keyring = keyring();
    let plain = Codec::<Dynamic>::new(keyring.clone()).unwrap();
    let tower = Codec::builder(keyring).max_cookie_header(5000).build().unwrap();
    let app = Router::new().route("/", write).layer(SessionLayer::new(plain)).layer(
        v0_14::SealedSessionLayer::<sealed_session_tower_sessions::TowerSession>::new(tower),
    );
    let answer = Browser::new(app).get("/").await;
    // The layer cannot save it either.
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn both_versions_run_side_by_side_each_with_its_kind() {
    let write = get(|old: Old, new: New| async move {
        old.insert("a", 14).await.unwrap();
        new.insert("a", 15).await.unwrap();
    });
    let read = get(|old: Old, new: New| async move {
        let old = old.get::<u32>("a").await.unwrap().unwrap();
        format!("{old} {}", new.get::<u32>("a").await.unwrap().unwrap())
    });
    let shop = Codec::<Shop>::new(keyring()).unwrap();
    let app = Router::new()
        .route("/write", write)
        .route("/read", read)
        .layer(v0_15::SealedSessionLayer::new(shop))
        .layer(v0_14::SealedSessionLayer::new(codec()));
    let mut browser = Browser::new(app);
    browser.get("/write").await.ok();
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["id", "shop"]);
    assert_eq!(browser.get("/read").await.ok().body, "14 15");
}

#[tokio::test]
async fn of_two_layers_of_one_version_handlers_see_the_inner_session() {
    let insert = get(|session: Old| async move { session.insert("a", 1).await.unwrap() });
    let shop = Codec::<Shop>::new(keyring()).unwrap();
    let app = Router::new()
        .route("/", insert)
        .layer(v0_14::SealedSessionLayer::new(shop))
        .layer(v0_14::SealedSessionLayer::new(codec()));
    assert_eq!(Browser::new(app).get("/").await.ok().cookie().name(), "shop");
}
