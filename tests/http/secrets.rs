//! Whatever fails, and whatever is printed of it: no key, no sub-key, no secret, no token and no
//! plaintext, in raw bytes, hex or base64. Every public type that can be printed comes by here, every
//! refusal and every error; the log is kept at trace level, of all crates.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::fmt::Debug;
use std::future::ready;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts as _;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{FixedOutput as _, Update as _};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, Request, Response};
use sealed_session::{
    Codec, CodecBuilder, CookieOptions, Current, Dynamic, Entries, FastifyKey, Key, Keyring, Salt,
    Session, SessionError, SessionKind, SessionLayer, TestClock,
};
use serde::{Deserialize, Serialize};
use tower::{Layer as _, Service as _, ServiceExt as _};

use crate::support::log::log_of;
use crate::support::{self, DAY, NamedLogin, START};

/// No four bytes in a row are likely in any other text.
const KEY: [u8; 32] = *b"\xf1Quo\xd3Vad\xb5Ist\x97\xe8Nun\x5b\x94Fug\x9f\xa0Hic\xc3\xd4Rex";
const OLD_KEY: [u8; 32] = *b"\xe7Wyz\xc8Bup\xaaXio\x8c\xddJek\x6d\xfeGam\xb2\x91Lud\xd5\xf6Kov";
const SECRET: &str = "Ozymandias, king of kings: look on";
const PLAINTEXT: &str = "Scheherazade-tells-1001";

/// Reads another shape under the same name.
struct Shapeless;
impl SessionKind for Shapeless {
    type Data = u64;
    const NAME: &'static str = "login";
}

/// Quotes itself when it fails.
#[derive(Clone)]
struct Talkative {
    writes: bool,
}
impl SessionKind for Talkative {
    type Data = Self;
    const NAME: &'static str = "talkative";
}
impl Serialize for Talkative {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.writes {
            true => serializer.serialize_str(PLAINTEXT),
            false => Err(serde::ser::Error::custom(PLAINTEXT)),
        }
    }
}
impl<'de> Deserialize<'de> for Talkative {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(serde::de::Error::custom(text))
    }
}

fn login() -> NamedLogin {
    NamedLogin { user: PLAINTEXT.to_owned() }
}

fn entries() -> Entries {
    let mut entries = Entries::new();
    entries.insert("user", PLAINTEXT).unwrap();
    entries
}

fn key() -> Key {
    Key::from_bytes(KEY).unwrap()
}

fn old_key() -> Key {
    Key::from_bytes(OLD_KEY).unwrap()
}

fn sub_key(key: &[u8], name: &str) -> Vec<u8> {
    let mut mac =
        Blake2bMac::<U32>::new_with_salt_and_personal(key, &[], b"sealed-session-1").unwrap();
    mac.update(name.as_bytes());
    mac.finalize_fixed().to_vec()
}

/// What must not be seen, and everything that was.
struct Watch {
    clock: TestClock,
    secrets: RefCell<Vec<(&'static str, Vec<u8>)>>,
    seen: RefCell<Vec<(String, String)>>,
}

impl Watch {
    fn new() -> Self {
        let secrets = [
            ("the key", KEY.to_vec()),
            ("the old key", OLD_KEY.to_vec()),
            ("a sub-key", sub_key(&KEY, "login")),
            ("a sub-key", sub_key(&KEY, "session")),
            ("a sub-key", sub_key(&OLD_KEY, "login")),
            ("the signing secret", SECRET.as_bytes().to_vec()),
            ("the plaintext", PLAINTEXT.as_bytes().to_vec()),
        ];
        Self {
            clock: TestClock::at(START),
            secrets: RefCell::new(secrets.to_vec()),
            seen: RefCell::default(),
        }
    }

    fn codec<K: SessionKind>(&self, ring: Keyring) -> Codec<K> {
        self.builder(ring).build().unwrap()
    }

    fn builder<K: SessionKind>(&self, ring: Keyring) -> CodecBuilder<K> {
        Codec::builder(ring).clock(self.clock.clone())
    }

    /// A token, which is a secret from now on.
    fn token<K: SessionKind>(&self, codec: &Codec<K>, data: &K::Data) -> String {
        let token = codec.encode(data).unwrap();
        self.hide(&token);
        token
    }

    fn hide(&self, token: &str) {
        if token.is_empty() {
            return; // A removal.
        }
        // The peer's token is no such base64; its text is enough.
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_else(|_| token.as_bytes().to_vec());
        let mut secrets = self.secrets.borrow_mut();
        secrets.extend([("a token", token.as_bytes().to_vec()), ("a token's bytes", bytes)]);
    }

    fn text(&self, what: &str, text: impl Into<String>) {
        self.seen.borrow_mut().push((what.to_owned(), text.into()));
    }

    #[track_caller]
    fn debug(&self, what: &str, value: &impl Debug) {
        let shown = format!("{value:?}");
        // What prints nothing at all would be found to hide everything.
        assert!(!shown.is_empty(), "{what}");
        self.text(what, shown);
        self.text(what, format!("{value:#?}").split_whitespace().collect::<String>());
        self.text(what, format!("{value:x?}"));
        self.text(what, format!("{value:02X?}"));
    }

    /// An error and its causes, in each way of printing.
    #[track_caller]
    fn error<T, E: Error + 'static>(&self, what: &str, result: Result<T, E>) {
        let Err(error) = result else { panic!("{what}: no error") };
        self.debug(what, &error);
        let mut cause: Option<&dyn Error> = Some(&error);
        while let Some(error) = cause {
            let words = error.to_string();
            assert!(!words.is_empty(), "{what}: no words");
            self.text(what, words);
            self.text(what, format!("{error:#?}"));
            cause = error.source();
        }
    }

    /// One request: its log, its response but for the cookie itself, and what is printed of both.
    fn request<K: SessionKind>(
        &self,
        what: &str,
        codec: &Codec<K>,
        cookie: &str,
        handler: impl FnOnce(Session<K>) -> Result<(), SessionError> + Clone + Send + Sync + 'static,
    ) {
        let handler = move |session: Session<K>| ready(handler(session).into_response());
        let layer = SessionLayer::new(codec.clone());
        let app = Router::new().fallback(handler).layer(layer);
        let request = Request::get("/").header(COOKIE, cookie).body(Body::empty()).unwrap();
        let (response, log) = log_of(|| block_on(app.oneshot(request)).unwrap());
        self.text(&format!("{what}: the log"), log);
        // Marked as sensitive, so that `Debug` leaves it out.
        self.debug(&format!("{what}: the response"), &response);
        if let Some(error) = response.extensions().get::<std::sync::Arc<SessionError>>() {
            self.debug(&format!("{what}: the response's error"), error);
        }
        let (mut parts, body) = response.into_parts();
        if let Some(cookie) = parts.headers.remove(SET_COOKIE) {
            let name = format!("{}=", codec.cookie_name());
            let cookie = cookie.to_str().unwrap().strip_prefix(&name).unwrap();
            self.hide(cookie.split(';').next().unwrap());
        }
        let headers: HeaderMap = parts.headers;
        for value in headers.values() {
            self.text(&format!("{what}: a header"), String::from_utf8_lossy(value.as_bytes()));
        }
        let body = block_on(http_body_util::BodyExt::collect(body)).unwrap().to_bytes();
        self.text(&format!("{what}: the body"), String::from_utf8_lossy(&body));
    }

    /// Searches what was seen for every secret. Returns how many texts that was.
    #[track_caller]
    fn found_nothing(self) -> usize {
        let found = self.finds();
        assert!(found.is_empty(), "{}", found.join("\n"));
        self.seen.take().len()
    }

    /// Where a secret was seen, and which.
    fn finds(&self) -> Vec<String> {
        let mut finds = Vec::new();
        // By their first bytes, so that a text is gone through once and not once a needle.
        let mut needles = HashMap::<[u8; 4], BTreeSet<(String, &str)>>::new();
        for (what, secret) in &*self.secrets.borrow() {
            for needle in needles_of(secret) {
                let start = *needle.as_bytes().first_chunk().unwrap();
                needles.entry(start).or_default().insert((needle, what));
            }
        }
        for (place, text) in &*self.seen.borrow() {
            for rest in (0..text.len()).map(|start| &text.as_bytes()[start..]) {
                let candidates = rest.first_chunk().and_then(|start| needles.get(start));
                for (needle, what) in candidates.into_iter().flatten() {
                    if rest.starts_with(needle.as_bytes()) {
                        finds.push(format!("{what} is in {place}: {needle:?} in {text}"));
                    }
                }
            }
        }
        finds
    }
}

/// Every eight bytes of `secret`, in each way that one might print them; of base64, also as it reads
/// inside a longer text.
fn needles_of(secret: &[u8]) -> BTreeSet<String> {
    let mut needles = BTreeSet::new();
    for bytes in secret.windows(8.min(secret.len())) {
        let decimal = format!("{bytes:?}");
        let decimal = decimal.trim_matches(['[', ']']);
        let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:x}")).collect();
        let padded_hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        needles.extend([
            decimal.to_owned(),
            decimal.replace(' ', ""),
            hex::encode(bytes),
            hex::encode_upper(bytes),
            hex.join(","),
            hex.join(", "),
            padded_hex.join(","),
            padded_hex.join(", "),
            String::from_utf8_lossy(bytes).into_owned(),
            bytes.escape_ascii().to_string(),
            format!("{:?}", String::from_utf8_lossy(bytes)).trim_matches('"').to_owned(),
        ]);
        // The first nine characters of base64 say what six bytes and a half are, wherever a text
        // that has them begins.
        needles.extend(
            [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD]
                .map(|engine| engine.encode(bytes)[..9].to_owned()),
        );
    }
    needles
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn the_search_finds_every_secret_however_it_is_printed() {
    let bytes = KEY;
    for text in [
        format!("{bytes:?}"),
        format!("{bytes:#?}").split_whitespace().collect(),
        format!("{bytes:x?}"),
        format!("{bytes:02X?}"),
        hex::encode(bytes),
        key().to_base64().to_string(),
        URL_SAFE_NO_PAD.encode(bytes),
        STANDARD.encode([b"some", &bytes[..]].concat()),
        STANDARD.encode([b"other", &bytes[..]].concat()),
        String::from_utf8_lossy(&bytes).into_owned(),
        bytes.escape_ascii().to_string(),
        format!("{:?}", String::from_utf8_lossy(&bytes)),
    ] {
        let watch = Watch::new();
        watch.text("a leak", &text);
        assert!(!watch.finds().is_empty(), "{text}");
    }
    for secret in [PLAINTEXT.as_bytes(), SECRET.as_bytes(), &OLD_KEY, &sub_key(&KEY, "login")] {
        let watch = Watch::new();
        watch.text("a leak", hex::encode(secret));
        assert!(!watch.finds().is_empty(), "{secret:?}");
    }
    let watch = Watch::new();
    watch.text("no leak", "Key(..), Codec { cookie_name: \"login\", .. }");
    assert!(watch.finds().is_empty());
}

#[test]
fn no_public_type_that_is_printed_shows_a_secret() {
    let watch = Watch::new();
    let ring = || Keyring::new(key()).with_previous(old_key()).unwrap();
    watch.debug("Key", &key());
    watch.debug("KeyId", &key().id());
    watch.debug("Keyring", &ring());
    for fastify in [
        FastifyKey::from(key()),
        FastifyKey::signed(key()),
        FastifyKey::signed_with_key(key(), old_key()),
        FastifyKey::signed_with_secret(key(), SECRET),
    ] {
        watch.debug("FastifyKey", &fastify);
        watch.debug("Keyring of fastify", &Keyring::fastify(fastify));
    }
    watch.debug("Salt", &Salt::from_slice(&KEY[..16]).unwrap());
    watch.debug("CodecBuilder", &watch.builder::<NamedLogin>(ring()));
    let codec = watch.codec::<NamedLogin>(ring());
    let dynamic = watch.codec::<Dynamic>(ring());
    watch.debug("Codec", &codec);
    watch.debug("CookieOptions", &CookieOptions::new());
    watch.debug("TestClock", &TestClock::at(0));
    watch.debug("Entries", &entries());
    let token = watch.token(&codec, &login());
    watch.debug("Decoded", &codec.decode(&token).unwrap());
    let dynamic_token = watch.token(&dynamic, &entries());
    watch.debug("Decoded entries", &dynamic.decode(&dynamic_token).unwrap());

    watch.debug("SessionLayer", &SessionLayer::new(codec.clone()));
    let inner = tower::service_fn(async |request: Request<()>| {
        Ok::<_, std::convert::Infallible>(Response::new(request.into_parts().0))
    });
    // `service_fn`'s own `Debug` is its type's name.
    let mut service = SessionLayer::new(codec.clone()).layer(inner);
    watch.debug("SessionService", &service);
    let mut request = Request::new(());
    let cookie = format!("login={token}").parse().unwrap();
    request.headers_mut().insert(COOKIE, cookie);
    let future = service.call(request);
    watch.debug("ResponseFuture", &future);
    let mut parts = block_on(future).unwrap().into_body();
    let session = parts.extensions.get::<Session<NamedLogin>>().unwrap().clone();
    watch.debug("Session", &session);
    assert_eq!(session.data().unwrap().user, PLAINTEXT);
    watch.debug("Session that was read", &session);
    watch.debug("its info", &session.info());
    let current = block_on(Current::<NamedLogin>::from_request_parts(&mut parts, &())).unwrap();
    watch.debug("Current", &current);
    watch.debug("extensions", &parts.extensions);
    assert!(watch.found_nothing() > 80);
}

#[test]
fn no_error_shows_a_secret() {
    let watch = Watch::new();
    let codec = watch.codec::<NamedLogin>(Keyring::new(key()));
    let token = watch.token(&codec, &login());

    // Keys.
    let (hex, base64) = (key().to_hex(), key().to_base64());
    for text in [
        hex[1..].to_owned(),
        format!("{}g", &hex[1..]),
        format!("{}\n\n", &*hex),
        format!("{}*=", &base64[..42]),
        format!(" {}", &*base64),
        String::from_utf8_lossy(&KEY).into_owned(),
    ] {
        watch.error("Key::parse", Key::parse(&text));
        watch.error("Key::from_hex", Key::from_hex(&text));
        watch.error("Key::from_base64", Key::from_base64(&text));
    }
    watch.error("Key::from_slice", Key::from_slice(&KEY[..31]));
    watch.error("Salt::from_slice", Salt::from_slice(&KEY[..15]));
    let short = &SECRET[..31];
    watch.error("passphrase", Key::from_passphrase(short, &Salt::from_bytes([1; 16])));
    watch.error("duplicate", Keyring::new(key()).with_previous(key()));
    let twice = Keyring::fastify(key()).with_previous_fastify(key());
    watch.error("duplicate of fastify", twice);

    // Settings.
    let builder = || watch.builder::<NamedLogin>(Keyring::new(key()));
    watch.error("timeout", builder().idle_timeout(Duration::ZERO).build());
    watch.error("timeouts", builder().idle_timeout(DAY).absolute_timeout(DAY / 2).build());
    watch.error("cookie", builder().cookie(CookieOptions::new().name("a b")).build());
    let shared = key();
    let _one = watch.codec::<NamedLogin>(Keyring::fastify(shared.clone()));
    watch.error("shared key", watch.builder::<Dynamic>(Keyring::fastify(shared)).build());

    // Opening: every kind of refusal.
    let decode = |token: &str| codec.decode(token);
    watch.error("missing", codec.decode_cookie_header("a=b"));
    watch.error("missing with a token", codec.decode_cookie_header(format!("login2={token}")));
    watch.error("too long", decode(&token.repeat(50)));
    watch.error("malformed", decode(&format!("{token}=")));
    watch.error("cut", decode(&token[1..]));
    watch.error(
        "forged",
        decode(&token.replace(&token[..1], if &token[..1] == "A" { "B" } else { "A" })),
    );
    watch.error("payload", watch.codec::<Shapeless>(Keyring::new(key())).decode(&token));
    watch.error("another name", watch.codec::<Dynamic>(Keyring::new(key())).decode(&token));
    let talkative = watch.codec::<Talkative>(Keyring::new(key()));
    let talked = watch.token(&talkative, &Talkative { writes: true });
    watch.error("a payload that quotes itself", talkative.decode(&talked));
    watch.clock.advance(2 * DAY);
    watch.error("expired", decode(&token));
    watch.clock.set(START - 1000);
    watch.error("future", decode(&token));
    watch.clock.set(START);
    let fastify = watch.codec::<Dynamic>(Keyring::fastify(FastifyKey::signed(key())));
    let signed = watch.token(&fastify, &entries());
    watch.error("unsigned", fastify.decode(signed.split('.').next().unwrap()));
    watch.error("signed by another", fastify.decode(format!("{signed}x")));

    // Sealing.
    let large = NamedLogin { user: PLAINTEXT.repeat(200) };
    watch.error("too large", codec.encode(&large));
    watch.error("could not be serialized", talkative.encode(&Talkative { writes: false }));
    watch.clock.set(1 << 40);
    watch.error("clock", codec.encode(login()));
    watch.clock.set(START);
    let mut opened = codec.decode(&token).unwrap();
    opened.info.own_idle_timeout = Some(Duration::ZERO);
    watch.error("idle timeout", codec.reseal(&opened));
    // `Entries::get` is not here: it says in its documentation that it quotes the value.
    assert!(watch.found_nothing() > 200);
}

#[test]
fn no_log_and_no_response_shows_a_secret_whatever_is_sent_or_done() {
    let watch = Watch::new();
    let rotating = Keyring::new(key()).with_previous(old_key()).unwrap();
    let old = watch.codec::<NamedLogin>(Keyring::new(old_key()));
    let old_token = watch.token(&old, &login());
    let foreign = support::ring(&[9]);
    let forged = watch.token(&watch.codec::<NamedLogin>(foreign), &login());
    let read = |session: Session<NamedLogin>| {
        let _ = session.data();
        session.info().map_or(Ok(()), |_| session.touch())
    };

    for ring in [Keyring::new(old_key()), rotating] {
        let codec = watch.codec::<NamedLogin>(ring);
        let shapeless = watch.token(&watch.codec::<Shapeless>(Keyring::new(old_key())), &7);
        for (what, bad) in [
            ("good", old_token.clone()),
            ("forged", forged.clone()),
            ("cut", old_token[1..].to_owned()),
            ("padded", format!("{old_token}=")),
            ("too long", old_token.repeat(50)),
            ("of another shape", shapeless),
            ("twice", format!("{forged}; login={old_token}")),
            ("plaintext", PLAINTEXT.to_owned()),
        ] {
            watch.request(what, &codec, &format!("login={bad}"), read);
        }
        for (what, now) in
            [("expired", START + 100_000), ("future", START - 1000), ("late", 1 << 40)]
        {
            watch.clock.set(now);
            watch.request(what, &codec, &format!("login={old_token}"), read);
            watch.request(what, &codec, "", |session| session.set(login()));
        }
        watch.clock.set(START);
    }

    let dynamic = watch.codec::<Dynamic>(Keyring::new(key()));
    let token = watch.token(&dynamic, &entries());
    let cookie = format!("session={token}");
    type Handler = fn(Session) -> Result<(), SessionError>;
    let handlers: [(&str, Handler); 9] = [
        ("an entry of another type", |session| session.get::<u64>("user").map(drop)),
        ("taking another type", |session| session.take::<u64>("user").map(drop)),
        ("too large", |session| session.insert("more", PLAINTEXT.repeat(200))),
        ("could not be serialized", |session| session.insert("more", Talkative { writes: false })),
        ("conflict", |session| {
            let inner = session.clone();
            session.update(|_| inner.insert("more", PLAINTEXT).unwrap()).map(drop)
        }),
        ("bad timeout", |session| session.set_idle_timeout(Duration::ZERO)),
        ("bad cookie", |session| {
            session.set_cookie_options(session.cookie_options().name("other"))
        }),
        ("write after delete", |session| {
            session.delete();
            session.insert("more", PLAINTEXT)
        }),
        ("writes", |session| {
            session.insert("more", PLAINTEXT)?;
            session.regenerate_keeping(&["user"])
        }),
    ];
    for (what, handler) in handlers {
        watch.request(what, &dynamic, &cookie, handler);
    }
    let talkative = watch.codec::<Talkative>(Keyring::new(key()));
    let talked = watch.token(&talkative, &Talkative { writes: true });
    for writes in [true, false] {
        let what = "data that quotes itself";
        watch.request(what, &talkative, &format!("talkative={talked}"), move |session| {
            let _ = session.data();
            session.set(Talkative { writes })
        });
    }
    let fastify = watch.codec::<Dynamic>(Keyring::fastify(FastifyKey::signed(key())));
    let signed = watch.token(&fastify, &entries());
    for bad in [&signed[..], signed.split('.').next().unwrap(), &signed[3..], &token] {
        watch.request("fastify", &fastify, &format!("session={bad}"), |session| {
            session.insert("more", PLAINTEXT)
        });
    }

    // Two layers in each other's way, and a handle that outlives its response.
    let clashing = Router::new()
        .fallback(async |_: Session| "")
        .layer(SessionLayer::new(dynamic.clone()))
        .layer(SessionLayer::new(dynamic.clone()));
    let request = Request::get("/").header(COOKIE, &cookie).body(Body::empty()).unwrap();
    let (response, log) = log_of(|| block_on(clashing.oneshot(request)).unwrap());
    watch.debug("clashing layers", &response);
    watch.text("clashing layers: the log", log);
    let (give, kept) = std::sync::mpsc::channel();
    watch.request("kept", &dynamic, &cookie, move |session| {
        give.send(session).unwrap();
        Ok(())
    });
    let session = kept.recv().unwrap();
    let (late, log) = log_of(|| {
        session.delete();
        session.regenerate();
        session.insert("more", PLAINTEXT)
    });
    watch.error("too late", late);
    watch.text("too late: the log", log);

    // The watch would miss nothing if nothing were logged.
    let logs = watch.seen.borrow();
    for reason in
        ["no key in the keyring", "expired", "too late", "malformed", "exceeds the maximum"]
    {
        assert!(
            logs.iter().any(|(place, log)| place.ends_with("log") && log.contains(reason)),
            "{reason}"
        );
    }
    drop(logs);
    assert!(watch.found_nothing() > 200);
}
