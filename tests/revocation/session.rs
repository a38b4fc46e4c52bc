//! Sessions that end while requests are handled.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use http::header::{COOKIE, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use sealed_session::revocation::{
    Appended, AtStart, Batch, Mark, Position, RevocationErrorKind, RevocationStore, Status,
    StoreError, Target, WhenAway,
};
use sealed_session::testing::{CookieJar, SessionChange, TestCookie};
use sealed_session::{
    Codec, ConfigErrorKind, Current, DecodeErrorKind, Dynamic, EncodeErrorKind, FastifyKey, Key,
    Keyring, Revocations, Session, SessionError, SessionErrorKind, SessionKind, SessionLayer, Tag,
    TestClock,
};
use tower::ServiceExt as _;

use crate::codec::{Account, account, user};
use crate::support::{HOUR, START, key, ring, seconds};

/// A service of sessions of one kind.
struct Site<K: SessionKind> {
    revocations: Revocations,
    codec: Codec<K>,
    clock: TestClock,
}

impl<K: SessionKind> Site<K> {
    fn new() -> Self {
        Self::with(Revocations::in_memory())
    }

    fn with(revocations: Revocations) -> Self {
        let clock = TestClock::at(START);
        let builder = Codec::builder(ring(&[1])).clock(clock.clone());
        let codec = builder.revocations(&revocations).build().unwrap();
        Self { revocations, codec, clock }
    }

    /// A request with this cookie, which `handler` answers.
    async fn request<F, R>(&self, cookie: &str, handler: F) -> Response<Body>
    where
        F: Fn(Session<K>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<(), SessionError>> + Send + 'static,
    {
        let layer = SessionLayer::new(self.codec.clone());
        let app = Router::new().fallback(handler).layer(layer);
        let request = Request::get("/").header(COOKIE, cookie).body(Body::empty()).unwrap();
        app.oneshot(request).await.unwrap()
    }

    /// What the response does with the session.
    #[track_caller]
    fn change(&self, response: &Response<Body>) -> SessionChange<K::Data> {
        SessionChange::of(&self.codec, response.headers())
    }

    /// A cookie of a session with this data.
    fn cookie(&self, data: K::Data) -> String {
        TestCookie::new(&self.codec, data).header()
    }

    fn refused(&self, cookie: &str) -> Option<DecodeErrorKind> {
        self.codec.decode_cookie_header(cookie).err().map(|error| *error.kind())
    }
}

/// Waits for this status, and not for ever.
pub(crate) async fn until(revocations: &Revocations, is: impl Fn(Status) -> bool) {
    let wait = async {
        while !is(revocations.status()) {
            tokio::time::sleep(seconds(1) / 100).await;
        }
    };
    let waited = tokio::time::timeout(seconds(10), wait).await;
    assert!(waited.is_ok(), "it stays {:?}", revocations.status());
}

async fn end(session: Session<Account>) -> Result<(), SessionError> {
    session.end().await
}

async fn read(session: Session<Account>) -> Result<(), SessionError> {
    session.data().map(drop).ok_or_else(|| SessionErrorKind::NoSession.into())
}

#[tokio::test]
async fn a_copy_of_an_ended_session_does_not_open() {
    let site = Site::<Account>::new();
    let (copied, other) = (site.cookie(account(7)), site.cookie(account(7)));
    let response = site.request(&copied, end).await;
    assert_eq!(response.status(), StatusCode::OK);
    site.change(&response).assert_removed();
    assert_eq!(site.refused(&copied), Some(DecodeErrorKind::Ended));
    assert_eq!(site.refused(&other), None);
    // A bad cookie is an empty session, and its response writes no cookie.
    let response = site
        .request(&copied, async |session: Session<Account>| {
            assert_eq!((session.data(), session.is_empty()), (None, true));
            assert_eq!(session.refused(), Some(DecodeErrorKind::Ended));
            Ok(())
        })
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    site.change(&response).assert_kept();
}

#[tokio::test]
async fn without_a_session_there_is_nothing_to_end() {
    let site = Site::<Account>::new();
    for cookie in ["", "account=junk", "other=1"] {
        let response = site.request(cookie, end).await;
        assert_eq!(response.status(), StatusCode::OK, "{cookie}");
    }
    assert!(site.revocations.is_empty());
}

#[tokio::test]
async fn without_revocations_end_is_an_error_and_nothing_changes() {
    let codec = Codec::<Account>::new(ring(&[1])).unwrap();
    let site = Site { revocations: Revocations::in_memory(), clock: TestClock::at(START), codec };
    let cookie = site.cookie(account(7));
    let response = site
        .request(&cookie, async |session: Session<Account>| {
            let wanted = SessionErrorKind::Revocation(RevocationErrorKind::NoRevocations);
            assert_eq!(*session.end().await.unwrap_err().kind(), wanted);
            assert_eq!(*session.end_others(&user(7)).await.unwrap_err().kind(), wanted);
            assert_eq!(*session.verify_now().await.unwrap_err().kind(), wanted);
            assert!(session.data().is_some());
            Ok(())
        })
        .await;
    site.change(&response).assert_kept();
}

#[tokio::test]
async fn what_an_ended_session_would_send_is_withheld() {
    type Handler = fn(Session<Account>) -> Result<(), SessionError>;
    let handlers: [(&str, Handler); 4] = [
        ("a refresh", |session| {
            let _ = session.data();
            Ok(())
        }),
        ("a touch", |session| session.touch()),
        ("a new tag", |session| session.set(Account { tenant: "new".into(), ..account(7) })),
        ("an update", |session| session.update(|login| login.user = 7).map(drop)),
    ];
    for by_tag in [false, true] {
        for (name, handler) in handlers {
            let site = Site::<Account>::new();
            let cookie = site.cookie(account(7));
            let id = site.codec.decode_cookie_header(&cookie).unwrap().info.id.unwrap();
            site.clock.advance(4 * HOUR);
            let revocations = site.revocations.clone();
            let response = site
                .request(&cookie, move |session: Session<Account>| {
                    let revocations = revocations.clone();
                    async move {
                        handler(session)?;
                        // Another request logs the user out meanwhile.
                        if by_tag {
                            revocations.end_all(&user(7)).await?;
                        } else {
                            revocations.end(id).await?;
                        }
                        Ok(())
                    }
                })
                .await;
            // What nobody wrote leaves the browser as it is.
            let change = site.change(&response);
            if name == "a refresh" {
                change.assert_kept();
            } else {
                assert!(matches!(change, SessionChange::Removed), "{name}, by tag: {by_tag}");
            }
        }
    }
}

#[tokio::test]
async fn a_rotation_of_an_ended_session_is_withheld() {
    let site = Site::<Account>::new();
    let cookie = site.cookie(account(7));
    site.codec.replace_keyring(Keyring::new(key(2)).with_previous(key(1)).unwrap());
    let revocations = site.revocations.clone();
    let rotate = move |_: Session<Account>| async { Ok(()) };
    let response = site.request(&cookie, rotate).await;
    // It is sealed again.
    site.change(&response).expect_set();
    let response = site
        .request(&cookie, move |session: Session<Account>| {
            let revocations = revocations.clone();
            async move {
                let _ = session.data();
                Ok(revocations.end_all(&user(7)).await?)
            }
        })
        .await;
    site.change(&response).assert_kept();
}

#[tokio::test]
async fn a_log_in_after_the_end_is_another_session() {
    let site = Site::<Account>::new();
    let cookie = site.cookie(account(7));
    let response = site
        .request(&cookie, async |session: Session<Account>| {
            session.end().await?;
            session.regenerate();
            session.set(account(7))
        })
        .await;
    site.change(&response).expect_set();
    assert_eq!(site.refused(&cookie), Some(DecodeErrorKind::Ended));
}

#[tokio::test]
async fn end_others_ends_all_but_this_one_and_copies_of_this_one() {
    let site = Site::<Account>::new();
    let (this, other) = (site.cookie(account(7)), site.cookie(account(7)));
    let stranger = site.cookie(account(8));
    let before = site.codec.decode_cookie_header(&this).unwrap().info;
    site.clock.advance(HOUR);
    let response = site
        .request(&this, async |session: Session<Account>| {
            let id = session.id();
            session.end_others(&user(7)).await?;
            assert_ne!(session.id(), id);
            assert_eq!(session.data(), Some(account(7)));
            Ok(())
        })
        .await;
    for ended in [&this, &other] {
        assert_eq!(site.refused(ended), Some(DecodeErrorKind::Ended));
    }
    assert_eq!(site.refused(&stranger), None);
    let after = site.change(&response).expect_set();
    assert_eq!(after.data, account(7));
    // It is not younger: nobody has logged in.
    assert_eq!(after.info.created_at, before.created_at);
    let response = site.request(after.header(), read).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_remembered_session_stays_remembered_when_it_ends_the_others() {
    let revocations = Revocations::in_memory();
    let builder = Codec::<Account>::builder(ring(&[1])).remember_timeout(72 * HOUR);
    let codec = builder.revocations(&revocations).build().unwrap();
    let site = Site { revocations, codec, clock: TestClock::at(START) };
    let response = site
        .request("", async |session: Session<Account>| {
            session.set(account(7))?;
            session.remember()
        })
        .await;
    let response = site
        .request(site.change(&response).expect_set().header(), async |session: Session<Account>| {
            session.end_others(&user(7)).await
        })
        .await;
    let decoded = site.change(&response).expect_set();
    assert_eq!(decoded.info.own_idle_timeout, Some(72 * HOUR));
}

#[tokio::test]
async fn what_is_too_large_with_what_it_has_seen_is_refused_when_it_is_written() {
    let site = Site::<Account>::new();
    let with = |length| Account { user: 7, tenant: "x".repeat(length) };
    let too_long = (2900..3000).find(|length| site.codec.encode(with(*length)).is_err()).unwrap();
    let response = site
        .request("", move |session: Session<Account>| async move {
            let error = session.set(with(too_long)).unwrap_err();
            let SessionErrorKind::Encode(EncodeErrorKind::TooLarge(_)) = error.kind() else {
                panic!("{error:?}");
            };
            session.set(with(too_long - 1))
        })
        .await;
    site.change(&response).expect_set();
}

#[tokio::test]
async fn a_changed_password_ends_a_log_in_with_the_old_one_that_is_in_flight() {
    let site = Site::<Account>::new();
    let owner = site.cookie(account(7));
    let revocations = site.revocations.clone();
    let codec = site.codec.clone();
    // The thief's log-in has checked the old password, and has not answered yet.
    let response = site
        .request("", move |session: Session<Account>| {
            let (codec, owner) = (codec.clone(), owner.clone());
            let site =
                Site { revocations: revocations.clone(), codec, clock: TestClock::at(START) };
            async move {
                session.regenerate();
                session.set(account(7))?;
                // Meanwhile the owner changes the password.
                let response = site
                    .request(&owner, async |session: Session<Account>| {
                        session.regenerate();
                        session.set(account(7))?;
                        session.end_others(&user(7)).await
                    })
                    .await;
                site.change(&response).expect_set();
                Ok(())
            }
        })
        .await;
    // The log-in with the old password does not come through.
    site.change(&response).assert_kept();
}

#[tokio::test]
async fn of_two_that_end_each_other_the_first_goes_on() {
    let site = Site::<Account>::new();
    let (first, second) = (site.cookie(account(7)), site.cookie(account(7)));
    let end_others = async |session: Session<Account>| session.end_others(&user(7)).await;
    let first = site.change(&site.request(&first, end_others).await).expect_set();
    // The second one was ended by then.
    let response = site.request(&second, end_others).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    site.change(&response).assert_kept();
    assert_eq!(site.refused(first.header()), None);
}

#[tokio::test]
async fn a_session_that_was_ended_meanwhile_does_not_outlive_it_by_ending_others() {
    for by_id in [false, true] {
        let site = Site::<Account>::new();
        let cookie = site.cookie(account(7));
        let revocations = site.revocations.clone();
        let response = site
            .request(&cookie, move |session: Session<Account>| {
                let revocations = revocations.clone();
                async move {
                    match session.id() {
                        Some(id) if by_id => revocations.end(id).await?,
                        _ => revocations.end_all(&user(7)).await?,
                    }
                    let error = session.end_others(&user(7)).await.unwrap_err();
                    assert_eq!(*error.kind(), SessionErrorKind::Ended);
                    Ok(())
                }
            })
            .await;
        assert_eq!(response.status(), StatusCode::OK);
        site.change(&response).assert_kept();
    }
}

#[tokio::test]
async fn a_tag_that_a_write_adds_begins_a_new_session() {
    let site = Site::<Account>::new();
    let cookie = site.cookie(account(7));
    site.revocations.end_all(&user(8)).await.unwrap();
    let response = site
        .request(&cookie, async |session: Session<Account>| {
            let id = session.id();
            assert!(session.update(|account| account.user = 8)?.is_done());
            assert_ne!(session.id(), id);
            Ok(())
        })
        .await;
    let new = site.change(&response).expect_set();
    assert_eq!(new.data, account(8));
}

/// The user, who is the only tag, and how often they came.
struct Visits;

impl SessionKind for Visits {
    type Data = (u64, u32);
    const NAME: &'static str = "visits";

    fn tags((number, _): &(u64, u32)) -> Vec<Tag> {
        vec![user(*number)]
    }
}

#[tokio::test]
async fn a_write_of_the_same_tags_stays_in_the_session() {
    let site = Site::<Visits>::new();
    let cookie = site.cookie((7, 1));
    let old = site.codec.decode_cookie_header(&cookie).unwrap();
    let response =
        site.request(&cookie, async |session: Session<Visits>| session.set((7, 2))).await;
    let new = site.change(&response).expect_set();
    assert_eq!((new.data, new.info.id), ((7, 2), old.info.id));
}

#[tokio::test]
async fn an_update_during_which_the_others_are_ended_is_a_conflict() {
    let site = Site::<Account>::new();
    let response = site
        .request(&site.cookie(account(7)), async |session: Session<Account>| {
            let (same, tag) = (session.clone(), user(7));
            let error = session.update(|_| {
                // In memory that waits for nothing.
                let ending = pin!(same.end_others(&tag));
                let ended = ending.poll(&mut Context::from_waker(Waker::noop()));
                assert!(matches!(ended, Poll::Ready(Ok(()))));
            });
            assert_eq!(*error.unwrap_err().kind(), SessionErrorKind::Conflict);
            Ok(())
        })
        .await;
    site.change(&response).expect_set();
}

#[tokio::test]
async fn a_session_that_begins_after_a_deletion_does_not_end_with_the_deleted_one() {
    let site = Site::<Account>::new();
    let cookie = site.cookie(account(7));
    let id = site.codec.decode_cookie_header(&cookie).unwrap().info.id.unwrap();
    let revocations = site.revocations.clone();
    let response = site
        .request(&cookie, move |session: Session<Account>| {
            let revocations = revocations.clone();
            async move {
                // It goes on, and ends with the one that it was.
                session.end_others(&user(7)).await?;
                session.delete();
                session.regenerate();
                session.set(account(8))?;
                Ok(revocations.end(id).await?)
            }
        })
        .await;
    let new = site.change(&response).expect_set();
    assert_eq!(new.data, account(8));
}

#[tokio::test]
async fn a_log_in_that_first_ends_the_others_survives_its_own_mark() {
    let site = Site::<Visits>::new();
    let other = site.cookie((7, 1));
    let response = site
        .request("", async |session: Session<Visits>| {
            session.end_others(&user(7)).await?;
            session.set((7, 1))
        })
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    site.change(&response).expect_set();
    assert_eq!(site.refused(&other), Some(DecodeErrorKind::Ended));
}

#[tokio::test]
async fn what_regenerate_keeps_of_an_ended_session_is_dropped() {
    let site = Site::<Dynamic>::new();
    let response =
        site.request("", async |session: Session| session.insert("cart", "guitar")).await;
    let set = site.change(&response).expect_set();
    let id = set.info.id.unwrap();
    let revocations = site.revocations.clone();
    let response = site
        .request(set.header(), move |session: Session| {
            let revocations = revocations.clone();
            async move {
                session.regenerate_keeping(&["cart"])?;
                Ok(revocations.end(id).await?)
            }
        })
        .await;
    site.change(&response).assert_removed();
}

#[tokio::test]
async fn a_node_session_ends_by_its_tag_and_not_by_its_id() {
    let node = Key::from_bytes([9; 32]).unwrap();
    let clock = TestClock::at(START);
    let theirs = Codec::<Account>::builder(Keyring::fastify(node.clone())).clock(clock.clone());
    let theirs = theirs.build().unwrap();
    let before = format!("account={}", theirs.encode(account(7)).unwrap());
    let site = Site::<Account>::new();
    site.codec.replace_keyring(Keyring::new(key(1)).with_previous_fastify(node).unwrap());
    let response = site
        .request(&before, async |session: Session<Account>| {
            assert_eq!(*session.end().await.unwrap_err().kind(), SessionErrorKind::NoId);
            Ok(())
        })
        .await;
    site.change(&response).assert_removed();
    assert_eq!(site.refused(&before), None);
    site.revocations.end_all(&user(7)).await.unwrap();
    assert_eq!(site.refused(&before), Some(DecodeErrorKind::Ended));
    // The number of a mark is about its time; one that began later in Node opens, once.
    clock.set(u32::MAX.into());
    site.clock.set(u32::MAX.into());
    let later = format!("account={}", theirs.encode(account(7)).unwrap());
    let response = site.request(&later, read).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut jar = CookieJar::new();
    jar.store("/", response.headers());
    assert_eq!(site.refused(&jar.header("/").unwrap()), Some(DecodeErrorKind::Ended));
}

#[tokio::test]
async fn a_node_session_that_says_nothing_of_its_time_has_seen_no_mark() {
    let node = FastifyKey::from(key(9)).danger_accept_undated();
    let clock = TestClock::at(START);
    let revocations = Revocations::in_memory_with(clock.clone());
    let ring = Keyring::new(key(1)).with_previous_fastify(node).unwrap();
    let builder = Codec::<Account>::builder(ring).clock(clock.clone());
    let codec = builder.revocations(&revocations).build().unwrap();
    let undated = crate::support::fastify::seal(9, r#"{"user":7,"tenant":"acme"}"#);
    assert_eq!(codec.decode(&undated).unwrap().data, account(7));
    revocations.end_all(&user(7)).await.unwrap();
    clock.advance(HOUR);
    assert_eq!(*codec.decode(&undated).unwrap_err().kind(), DecodeErrorKind::Ended);
}

/// A store that is there only when it is told so. It keeps nothing.
pub(crate) struct Switch(pub(crate) Arc<AtomicBool>);

impl Switch {
    fn answer<T>(&self, answer: T) -> Result<T, StoreError> {
        if self.0.load(Ordering::SeqCst) { Ok(answer) } else { Err("switched off".into()) }
    }
}

impl RevocationStore for Switch {
    async fn append(&self, _: &[Target], _: u64, lowest: u64) -> Result<Appended, StoreError> {
        self.answer(Appended { number: lowest, confirmed: true })
    }

    async fn publish(&self, _: &[Mark]) -> Result<(), StoreError> {
        self.answer(())
    }

    async fn read(
        &self,
        _: Option<&Position>,
        wait: std::time::Duration,
    ) -> Result<Batch, StoreError> {
        tokio::time::sleep(wait.min(seconds(1) / 100)).await;
        self.answer(Batch { marks: Vec::new(), position: Position::new("0"), complete: true })
    }

    async fn heartbeat(&self) -> Result<(), StoreError> {
        self.answer(())
    }
}

async fn unread() -> (Site<Account>, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(false));
    let store = Switch(switch.clone());
    let when_away = WhenAway::RefuseAfter(seconds(60));
    let revocations = Revocations::open(store, when_away, AtStart::Refuse).await.unwrap();
    (Site::with(revocations), switch)
}

/// A store that can be read, and never says whether it would keep what is written.
struct Mute;

impl RevocationStore for Mute {
    async fn append(&self, _: &[Target], _: u64, _: u64) -> Result<Appended, StoreError> {
        std::future::pending().await
    }

    async fn publish(&self, _: &[Mark]) -> Result<(), StoreError> {
        std::future::pending().await
    }

    async fn read(
        &self,
        _: Option<&Position>,
        _: std::time::Duration,
    ) -> Result<Batch, StoreError> {
        Ok(Batch { marks: Vec::new(), position: Position::new("0"), complete: true })
    }

    async fn heartbeat(&self) -> Result<(), StoreError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn no_store_is_live_while_its_silence_makes_sessions_unavailable() {
    let when_away = WhenAway::RefuseAfter(seconds(60));
    let revocations = Revocations::open(Mute, when_away, AtStart::Refuse).await.unwrap();
    until(&revocations, |status| status != Status::Starting).await;
    let status = revocations.status();
    assert!(matches!(status, Status::Stale { .. }), "{status:?}");
    let site = Site::<Account>::with(revocations);
    assert_eq!(site.refused(&site.cookie(account(7))), Some(DecodeErrorKind::Unavailable));
}

#[tokio::test]
async fn whether_a_tag_was_ended_is_not_answered_before_the_store_was_read() {
    let when_away = WhenAway::RefuseAfter(seconds(60));
    let revocations = Revocations::open(Mute, when_away, AtStart::Refuse).await.unwrap();
    let error = revocations.has_mark(&user(7)).unwrap_err();
    assert_eq!(*error.kind(), RevocationErrorKind::Unread);
}

#[tokio::test]
async fn marks_are_kept_at_least_as_long_as_a_session_lasts() {
    let store = Switch(Arc::new(AtomicBool::new(false)));
    let builder = Revocations::builder(store, WhenAway::KeepServing, AtStart::Refuse);
    let builder = builder.keep_for(24 * HOUR);
    let printed = format!("{builder:?}");
    assert!(printed.contains("keep_for: Some(86400s)"), "{printed}");
    let revocations = builder.open().await.unwrap();
    let codec = |absolute| {
        let builder = Codec::<Account>::builder(ring(&[1])).absolute_timeout(absolute);
        builder.idle_timeout(HOUR).revocations(&revocations).build()
    };
    let error = codec(24 * HOUR + seconds(1)).unwrap_err();
    let ConfigErrorKind::KeepForBelowAbsolute { keep_for, absolute, .. } = error.kind() else {
        panic!("{error}");
    };
    assert_eq!((*keep_for, *absolute), (24 * HOUR, 24 * HOUR + seconds(1)));
    codec(24 * HOUR).unwrap();
}

#[tokio::test]
async fn a_session_that_cannot_be_judged_is_neither_empty_nor_valid() {
    let (site, _switch) = unread().await;
    assert_eq!(site.revocations.status(), Status::Starting);
    let cookie = site.cookie(account(7));
    assert_eq!(site.refused(&cookie), Some(DecodeErrorKind::Unavailable));
    let after_junk = format!("account=junk; {cookie}");
    assert_eq!(site.refused(&after_junk), Some(DecodeErrorKind::Unavailable));
    let response = site
        .request(&cookie, async |session: Session<Account>| {
            let is_unavailable = |result: Result<(), SessionError>| {
                assert_eq!(*result.unwrap_err().kind(), SessionErrorKind::Unavailable);
            };
            assert_eq!(session.refused(), Some(DecodeErrorKind::Unavailable));
            assert_eq!((session.data(), session.is_empty()), (None, false));
            is_unavailable(session.set(account(8)));
            is_unavailable(session.update(|_| ()).map(drop));
            is_unavailable(session.update_or_insert_with(|| account(8), |_| ()));
            is_unavailable(session.take_data().map(drop));
            is_unavailable(session.touch());
            is_unavailable(session.set_idle_timeout(HOUR));
            is_unavailable(session.end().await);
            is_unavailable(session.end_others(&user(7)).await);
            is_unavailable(session.verify_now().await);
            session.delete();
            session.regenerate();
            is_unavailable(session.set(account(8)));
            session.set(account(8))
        })
        .await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let retry: u64 = response.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&retry));
    site.change(&response).assert_kept();
}

#[tokio::test]
async fn a_dynamic_session_that_cannot_be_judged_says_so_when_it_is_read() {
    let switch = Arc::new(AtomicBool::new(false));
    let revocations =
        Revocations::open(Switch(switch), WhenAway::KeepServing, AtStart::Refuse).await.unwrap();
    let site = Site::<Dynamic>::with(revocations);
    let mut entries = sealed_session::Entries::new();
    entries.insert("a", 1).unwrap();
    let cookie = site.cookie(entries);
    let response = site
        .request(&cookie, async |session: Session| {
            let is_unavailable = |result: Result<(), SessionError>| {
                assert_eq!(*result.unwrap_err().kind(), SessionErrorKind::Unavailable);
            };
            is_unavailable(session.get::<u32>("a").map(drop));
            is_unavailable(session.peek::<u32>("a").map(drop));
            is_unavailable(session.take::<u32>("a").map(drop));
            is_unavailable(session.remove("a").map(drop));
            is_unavailable(session.insert("a", 2));
            is_unavailable(session.regenerate_keeping(&["a"]));
            assert!(session.data().is_none());
            Ok(())
        })
        .await;
    site.change(&response).assert_kept();
}

#[tokio::test]
async fn extractors_answer_503_while_a_session_cannot_be_judged() {
    let (site, switch) = unread().await;
    let layer = SessionLayer::new(site.codec.clone());
    let app = Router::new()
        .route("/current", axum::routing::get(async |_: Current<Account>| "in"))
        .route("/option", axum::routing::get(async |_: Option<Current<Account>>| "in or out"))
        .route("/session", axum::routing::get(async |_: Option<Session<Account>>| "in or out"))
        .layer(layer);
    let get = async |path: &str, cookie: &str| {
        let request = Request::get(path).header(COOKIE, cookie).body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap()
    };
    let cookie = site.cookie(account(7));
    for path in ["/current", "/option", "/session"] {
        let response = get(path, &cookie).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(response.headers().contains_key(RETRY_AFTER), "{path}");
        site.change(&response).assert_kept();
    }
    // They do not all come back at once.
    let mut waits = BTreeSet::new();
    for _ in 0..100 {
        let response = get("/current", &cookie).await;
        waits.insert(response.headers()[RETRY_AFTER].to_str().unwrap().parse::<u64>().unwrap());
    }
    assert!(waits.len() > 1 && waits.iter().all(|wait| (2..=10).contains(wait)), "{waits:?}");
    // Who has no session is not kept waiting.
    for cookie in ["", "account=junk"] {
        assert_eq!(get("/option", cookie).await.status(), StatusCode::OK);
        assert_eq!(get("/current", cookie).await.status(), StatusCode::UNAUTHORIZED);
    }
    switch.store(true, Ordering::SeqCst);
    until(&site.revocations, |status| status == Status::Live).await;
    assert_eq!(get("/current", &cookie).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_ending_that_the_store_does_not_take_is_in_force_here_and_is_repeated() {
    let switch = Arc::new(AtomicBool::new(true));
    let at_start = AtStart::Wait(seconds(5));
    let store = Switch(switch.clone());
    let revocations = Revocations::open(store, WhenAway::KeepServing, at_start).await.unwrap();
    let site = Site::<Account>::with(revocations);
    let (one, tagged) = (site.cookie(account(7)), site.cookie(account(8)));
    switch.store(false, Ordering::SeqCst);
    let response = site.request(&one, end).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    site.change(&response).assert_removed();
    assert_eq!(site.refused(&one), Some(DecodeErrorKind::Ended));
    let error = site.revocations.end_all(&user(8)).await.unwrap_err();
    assert_eq!(*error.kind(), RevocationErrorKind::Unconfirmed);
    assert_eq!(format!("{error:?}").matches("switched off").count(), 1);
    assert_eq!(site.refused(&tagged), Some(DecodeErrorKind::Ended));
    until(&site.revocations, |status| matches!(status, Status::Stale { .. })).await;
    switch.store(true, Ordering::SeqCst);
    until(&site.revocations, |status| status == Status::Live).await;
}

#[tokio::test]
async fn verify_now_says_what_this_server_had_not_heard() {
    let site = Site::<Account>::new();
    let cookie = site.cookie(account(7));
    let revocations = site.revocations.clone();
    let response = site
        .request(&cookie, move |session: Session<Account>| {
            let revocations = revocations.clone();
            async move {
                session.verify_now().await?;
                assert!(session.data().is_some());
                revocations.end_all(&user(7)).await?;
                let error = session.verify_now().await.unwrap_err();
                assert_eq!(*error.kind(), SessionErrorKind::Ended);
                assert_eq!(
                    (session.data(), session.refused()),
                    (None, Some(DecodeErrorKind::Ended))
                );
                Err(error)
            }
        })
        .await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let response = site.request("", async |session: Session<Account>| session.verify_now().await);
    assert_eq!(response.await.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_websocket_learns_that_its_session_has_ended() {
    let site = Site::<Account>::new();
    let cookie = site.cookie(account(7));
    let revocations = site.revocations.clone();
    site.request(&cookie, move |session: Session<Account>| {
        let revocations = revocations.clone();
        async move {
            let info = session.info().unwrap();
            assert!(!revocations.is_ended(&info)?);
            revocations.end_all(&Tag::new("tenant", "acme")).await?;
            assert!(revocations.is_ended(&info)?);
            Ok(())
        }
    })
    .await;
}
