//! What cannot be saved: never a response that pretends success, never a session that is half written.

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use sealed_session::{Codec, CookieOptions, SessionKind, SessionLayer};
use sealed_session_tower_sessions::v0_14::SealedSessionLayer;
use sealed_session_tower_sessions::v0_14::tower_sessions_core::session::Error;
use sealed_session_tower_sessions::v0_14::tower_sessions_core::{Session, session_store};
use sealed_session_tower_sessions::{SessionData, TowerSession};

use crate::records::routes;
use crate::support::{Browser, codec, keyring};

fn browser(routes: Router) -> Browser {
    Browser::new(routes.layer(SealedSessionLayer::new(codec())))
}

fn large() -> String {
    "x".repeat(4000)
}

#[tokio::test]
async fn a_record_that_is_too_large_is_an_error_where_the_handler_saves_it() {
    let save = get(|session: Session| async move {
        session.insert("large", large()).await.unwrap();
        let error = session.save().await.unwrap_err();
        let Error::Store(session_store::Error::Encode(text)) = error else {
            panic!("{error:?}");
        };
        assert!(text.contains("4096") && !text.contains("xxx"), "{text}");
        session.remove_value("large").await.unwrap();
    });
    let mut browser = browser(routes().route("/save_large", save));
    browser.get("/insert").await.ok();
    browser.get("/save_large").await.ok().sets_nothing();
    assert_eq!(browser.get("/get").await.ok().body, "Some(42)");
}

#[tokio::test]
async fn a_record_that_is_too_large_for_the_layer_makes_the_response_a_500() {
    let insert = get(|session: Session| async move {
        session.insert("large", large()).await.unwrap();
        "saved!"
    });
    let mut browser = browser(routes().route("/large", insert));
    for begun in [false, true] {
        let answer = browser.get("/large").await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.body, "");
        answer.sets_nothing();
        if !begun {
            browser.get("/insert").await.ok();
        }
    }
    assert_eq!(browser.get("/get").await.ok().body, "Some(42)");
}

#[tokio::test]
async fn what_was_saved_before_is_not_sent_with_that_500() {
    let insert = get(|session: Session| async move {
        session.insert("foo", 1).await.unwrap();
        session.save().await.unwrap();
        session.insert("large", large()).await.unwrap();
    });
    let mut browser = browser(routes().route("/large", insert));
    browser.get("/insert").await.ok();
    let answer = browser.get("/large").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    answer.sets_nothing();
    assert_eq!(browser.get("/get").await.ok().body, "Some(42)");
}

#[tokio::test]
async fn a_response_that_failed_goes_out_as_the_handler_made_it() {
    let fail = |status: StatusCode| {
        get(move |session: Session| async move {
            session.insert("large", large()).await.unwrap();
            (status, "what went wrong")
        })
    };
    let routes = routes()
        .route("/503", fail(StatusCode::SERVICE_UNAVAILABLE))
        .route("/408", fail(StatusCode::REQUEST_TIMEOUT));
    let mut browser = browser(routes);
    for path in ["/503", "/408"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status.as_str(), &*answer.body), (&path[1..], "what went wrong"));
        answer.sets_nothing();
    }
}

#[tokio::test]
async fn what_is_written_is_not_sent_with_a_5xx() {
    let fail = |status: StatusCode| {
        get(move |session: Session| async move {
            session.insert("foo", 1).await.unwrap();
            session.save().await.unwrap();
            status
        })
    };
    let routes = routes()
        .route("/500", fail(StatusCode::INTERNAL_SERVER_ERROR))
        .route("/503", fail(StatusCode::SERVICE_UNAVAILABLE))
        .route("/408", fail(StatusCode::REQUEST_TIMEOUT))
        .route("/404", fail(StatusCode::NOT_FOUND));
    let layer = SealedSessionLayer::new(codec());
    let mut browser = Browser::new(routes.clone().layer(layer.clone()));
    browser.get("/insert").await.ok();
    for path in ["/500", "/503", "/408"] {
        browser.get(path).await.sets_nothing();
    }
    assert_eq!(browser.ask("/404").await.cookies().len(), 1);

    let keeping = routes.layer(layer.keep_writes_on_error(true));
    let browser = Browser { app: keeping, cookies: browser.cookies };
    for path in ["/500", "/503", "/408"] {
        assert_eq!(browser.ask(path).await.cookies().len(), 1, "{path}");
    }
}

#[tokio::test]
async fn the_key_of_the_expiry_cannot_be_written() {
    let save = get(|session: Session| async move {
        session.insert("__expiry", "end").await.unwrap();
        let error = session.save().await.unwrap_err().to_string();
        assert!(error.contains("`__expiry` is reserved"), "{error}");
    });
    let answer = browser(routes().route("/reserved", save)).get("/reserved").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    answer.sets_nothing();
}

#[tokio::test]
async fn a_write_after_the_response_is_an_error() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let keep = get(move |session: Session| {
        let sender = sender.clone();
        async move {
            sender.send(session).unwrap();
        }
    });
    let mut browser = browser(routes().route("/keep", keep));
    browser.get("/insert").await.ok();
    browser.get("/keep").await.ok();
    let session: Session = receiver.try_recv().unwrap();
    assert_eq!(session.get::<u32>("foo").await.unwrap(), Some(42));
    session.insert("foo", 1).await.unwrap();
    let error = session.save().await.unwrap_err().to_string();
    assert!(error.contains("already sent"), "{error}");
    assert!(session.flush().await.is_err());
    assert!(session.cycle_id().await.is_err());
}

enum Other {}

impl SessionKind for Other {
    type Data = SessionData;
    const NAME: &'static str = "other";
}

#[tokio::test]
async fn two_layers_of_one_kind_or_one_cookie_answer_500() {
    let layer = || SealedSessionLayer::new(codec());
    let one_kind = routes().layer(layer()).layer(layer());
    let named = CookieOptions::new().name("id");
    let other = Codec::<Other>::builder(keyring()).cookie(named).build().unwrap();
    let one_cookie = routes().layer(SealedSessionLayer::new(other)).layer(layer());
    let plain = SessionLayer::new(
        Codec::<sealed_session::Dynamic>::builder(keyring())
            .cookie(CookieOptions::new().name("id"))
            .build()
            .unwrap(),
    );
    let plain_outside = routes().layer(layer()).layer(plain);
    for app in [one_kind, one_cookie, plain_outside] {
        let answer = Browser::new(app).get("/static").await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        answer.sets_nothing();
    }
    let _: SealedSessionLayer<TowerSession> = layer();
}

#[tokio::test]
async fn a_service_whose_future_is_dropped_leaves_a_session_that_cannot_be_written() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let hang = get(move |session: Session| {
        let sender = sender.clone();
        async move {
            sender.send(session).unwrap();
            std::future::pending::<()>().await;
        }
    });
    let mut browser = browser(routes().route("/hang", hang));
    browser.get("/insert").await.ok();
    tokio::select! {
        biased;
        _ = browser.ask("/hang") => unreachable!("it hangs"),
        () = tokio::task::yield_now() => {}
    }
    let session: Session = receiver.try_recv().unwrap();
    session.insert("foo", 1).await.unwrap();
    assert!(session.save().await.is_err());
}

#[tokio::test]
async fn what_could_not_be_read_again_is_not_saved() {
    // serde_json reads 127 levels, of which the object is one.
    let nested =
        |levels| (0..levels).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
    for (levels, fits) in [(100, true), (126, true), (127, false)] {
        let put = move |session: Session| async move {
            session.insert("prefs", serde_json::json!({ "theme": nested(levels) })).await.unwrap();
            let saved = session.save().await;
            session.remove_value("prefs").await.unwrap();
            format!("{}", saved.is_ok())
        };
        let app = Router::new().route("/", get(put)).layer(SealedSessionLayer::new(codec()));
        assert_eq!(Browser::new(app).get("/").await.ok().body, fits.to_string(), "{levels}");
    }
}
