//! Which fastify keys may stand side by side, which cookie a key serves, and what becomes of sessions
//! that say nothing of their time.

use sealed_session::{
    Codec, ConfigError, ConfigErrorKind, CookieOptions, Dynamic, FastifyKey, Key, Keyring,
};

use crate::support::fastify::{builder, codec, open, seal};
use crate::support::{entries, key};

fn named(name: &'static str, ring: Keyring) -> Result<Codec<Dynamic>, ConfigError> {
    builder::<Dynamic>(ring).cookie(CookieOptions::new().name(name)).build()
}

#[test]
fn clones_of_a_key_serve_one_cookie() {
    let key = key(7);
    let _one = named("one", Keyring::fastify(key.clone())).unwrap();
    let error = named("two", Keyring::fastify(key)).unwrap_err();
    assert!(matches!(error.kind(), ConfigErrorKind::SharedKey { .. }), "{error}");
}

#[test]
fn a_key_is_free_again_when_the_last_codec_of_its_cookie_is_gone() {
    let key = key(7);
    let one = named("one", Keyring::fastify(key.clone())).unwrap();
    let clone = one.clone();
    let again = named("one", Keyring::fastify(key.clone())).unwrap();
    drop(one);
    named("two", Keyring::fastify(key.clone())).unwrap_err();
    drop(again);
    named("two", Keyring::fastify(key.clone())).unwrap_err();
    drop(clone);
    named("two", Keyring::fastify(key)).unwrap();
}

#[test]
fn a_codec_that_was_not_built_claims_no_key() {
    let (mine, theirs) = (key(7), key(8));
    let _theirs = named("theirs", Keyring::fastify(theirs.clone())).unwrap();
    let both = Keyring::fastify(mine.clone()).with_previous_fastify(theirs).unwrap();
    named("mine", both).unwrap_err();
    named("another", Keyring::fastify(mine)).unwrap();
}

#[test]
fn a_replaced_keyring_claims_its_keys() {
    let (old, new) = (key(8), key(7));
    let one = named("one", Keyring::fastify(old)).unwrap();
    one.replace_keyring(Keyring::fastify(new.clone()));
    assert!(named("two", Keyring::fastify(new)).is_err());
}

#[test]
fn a_codec_that_may_share_claims_nothing() {
    let key = key(7);
    let sharing = builder::<Dynamic>(Keyring::fastify(key.clone())).danger_share_fastify_key();
    let sharing = sharing.build().unwrap();
    sharing.replace_keyring(Keyring::fastify(key.clone()));
    named("another", Keyring::fastify(key)).unwrap();
}

#[test]
fn one_key_may_occur_twice_only_with_different_signatures() {
    let with = |secret: &str| FastifyKey::signed_with_secret(key(7), secret);
    let ring =
        |first: FastifyKey, then: FastifyKey| Keyring::fastify(first).with_previous_fastify(then);

    let old = codec(Keyring::fastify(with("old")));
    let token = old.encode(entries(r#"{"a":1}"#)).unwrap();
    let new = codec(ring(with("new"), with("old")).unwrap());
    assert_eq!(new.decode(&token).unwrap().data.get::<u32>("a").unwrap(), Some(1));
    assert!(old.decode(new.encode(entries(r#"{"a":1}"#)).unwrap()).is_err(), "signed anew");

    let unsigned = codec(Keyring::fastify(key(7))).encode(entries(r#"{"a":1}"#)).unwrap();
    let begins_to_sign = codec(ring(FastifyKey::signed(key(7)), key(7).into()).unwrap());
    begins_to_sign.decode(&unsigned).unwrap();

    assert!(ring(with("old"), with("old")).is_err());
    assert!(ring(FastifyKey::signed(key(7)), FastifyKey::signed(key(7))).is_err());
    assert!(ring(key(7).into(), key(7).into()).is_err());
}

#[test]
fn a_session_that_opened_can_be_resealed() {
    let codec = codec(Keyring::fastify(key(7)));
    for payload in [r#"{"a":"\u0001","__ts":1700000000}"#, r#"{"__ts":1700000000,"b":"__ts"}"#] {
        let opened = codec.decode(seal(7, payload)).unwrap();
        let again = codec.decode(codec.reseal(&opened).unwrap()).unwrap();
        assert_eq!(
            serde_json::to_string(&again.data).unwrap(),
            serde_json::to_string(&opened.data).unwrap()
        );
    }
}

#[cfg(feature = "axum")]
mod through_axum {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{Request, header};
    use axum::routing::get;
    use sealed_session::{Session, SessionLayer};

    use super::*;
    use crate::support::{Browser, Page};

    fn answer(app: &Router, cookie: &str) -> Page {
        let request = Request::get("/").header(header::COOKIE, format!("session={cookie}"));
        Browser::new().send_plain(app, request.body(Body::empty()).unwrap())
    }

    #[test]
    fn a_session_without_a_time_gets_one_when_it_is_read() {
        let undated = FastifyKey::from(key(7)).danger_accept_undated();
        let codec = codec(Keyring::fastify(undated));
        let app = Router::new()
            .route("/", get(async |session: Session| session.get::<u32>("a").map(drop)))
            .layer(SessionLayer::new(codec));
        let page = answer(&app, &seal(7, r#"{"a":1}"#));
        let cookie = page.set_cookie().split(';').next().unwrap();
        let token = cookie.strip_prefix("session=").unwrap();
        assert_eq!(open(7, token), r#"{"a":1,"__ts":1700000000}"#);
    }

    #[test]
    fn a_login_that_can_no_longer_be_sealed_leaves_no_older_session_behind() {
        let ours: Key = key(8);
        let codec = codec(Keyring::new(ours));
        let old = codec.encode(entries(r#"{"a":1}"#)).unwrap();
        let replaced = codec.clone();
        let handler = async move |session: Session| {
            session.regenerate();
            session.insert("__ts", 1)?;
            // Another scheme, which has no room for that name, between the write and the response.
            replaced.replace_keyring(Keyring::fastify(key(7)));
            Ok::<_, sealed_session::SessionError>(())
        };
        let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(codec));
        let page = answer(&app, &old);
        assert!(page.set_cookie().starts_with("session=; "));
    }
}
