//! Where somebody is signed in.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, Response, StatusCode};
use sealed_session::registry::{
    Cursor, Entry, ListKey, Page, Record, Recording, Registry, RegistryStore, Seen, StoreError,
};
use sealed_session::revocation::{AtStart, RevocationErrorKind, WhenAway};
use sealed_session::{
    Codec, DecodeErrorKind, Revocations, Session, SessionError, SessionErrorKind, SessionId,
    SessionLayer, Tag, TestClock,
};
use tower::ServiceExt as _;

use crate::codec::{Account, account, user};
use crate::races::{Fake, Handle};
use crate::support::{HOUR, START, at, key, ring, seconds};

struct Site {
    registry: Registry,
    codec: Codec<Account>,
    clock: TestClock,
}

impl Site {
    fn new() -> Self {
        let clock = TestClock::at(START);
        let revocations = Revocations::in_memory_with(clock.clone());
        let registry = Registry::in_memory(&revocations);
        Self::with(revocations, registry, clock)
    }

    fn with(revocations: Revocations, registry: Registry, clock: TestClock) -> Self {
        let builder = Codec::builder(ring(&[1])).clock(clock.clone());
        let codec = builder.revocations(&revocations).registry(&registry).build().unwrap();
        Self { registry, codec, clock }
    }

    async fn request<F, R>(&self, cookie: &str, handler: F) -> Response<Body>
    where
        F: Fn(Session<Account>, Registry) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<(), SessionError>> + Send + 'static,
    {
        let registry = self.registry.clone();
        let handler = move |session| handler(session, registry.clone());
        let layer = SessionLayer::new(self.codec.clone());
        let app = Router::new().fallback(handler).layer(layer);
        let request = Request::get("/").header(COOKIE, cookie).body(Body::empty()).unwrap();
        app.oneshot(request).await.unwrap()
    }

    /// Logs somebody in, and returns the cookie.
    async fn log_in(&self, number: u64, label: &'static str) -> String {
        let response = self
            .request("", move |session, registry| async move {
                session.regenerate();
                session.set(account(number))?;
                registry.record(&session, label).metadata(("192.0.2.7", 1)).await
            })
            .await;
        assert_eq!(response.status(), StatusCode::OK);
        cookie(&response).unwrap()
    }

    async fn list(&self, number: u64) -> Vec<Entry> {
        self.registry.list(&user(number)).await.unwrap().entries
    }

    async fn labels(&self, number: u64) -> Vec<String> {
        self.list(number).await.into_iter().map(|entry| entry.label).collect()
    }

    fn id(&self, cookie: &str) -> SessionId {
        self.codec.decode_cookie_header(cookie).unwrap().info.id.unwrap()
    }

    fn is_ended(&self, cookie: &str) -> bool {
        let error = self.codec.decode_cookie_header(cookie).err();
        error.is_some_and(|error| *error.kind() == DecodeErrorKind::Ended)
    }
}

fn cookie(response: &Response<Body>) -> Option<String> {
    let value = response.headers().get(SET_COOKIE)?.to_str().unwrap();
    Some(value.split(';').next().unwrap().to_owned())
}

#[tokio::test]
async fn a_log_in_is_listed_with_what_the_application_gave() {
    let site = Site::new();
    let phone = site.log_in(7, "phone").await;
    site.clock.advance(HOUR);
    let laptop = site.log_in(7, "laptop").await;
    site.log_in(8, "other").await;
    let page = site.registry.list(&user(7)).this(Some(site.id(&phone))).await.unwrap();
    let [first, second] = &page.entries[..] else { panic!("{page:?}") };
    assert_eq!((&*first.label, first.is_this, first.is_idle), ("laptop", false, false));
    assert_eq!((&*second.label, second.is_this, second.is_idle), ("phone", true, false));
    assert_eq!((first.id, second.id), (site.id(&laptop), site.id(&phone)));
    assert_eq!(second.created_at, at(START));
    assert_eq!(second.expires_at, at(START) + 30 * 24 * HOUR);
    assert_eq!(second.metadata(), Some(("192.0.2.7".to_owned(), 1)));
    assert_eq!(second.metadata::<u32>(), None);
    let printed = format!("{second:?}");
    assert!(printed.contains("phone") && !printed.contains("192.0.2.7"), "{printed}");
    let printed = format!("{:?}", site.registry);
    assert!(printed.starts_with("Registry { recording: "), "{printed}");
    assert_eq!(page.next, None);
    assert_eq!(site.registry.count(&user(7)).await.unwrap(), 2);
    assert_eq!(site.registry.count(&Tag::new("tenant", "acme")).await.unwrap(), 3);
}

#[tokio::test]
async fn a_session_that_is_recorded_late_is_listed_with_its_own_times() {
    let clock = TestClock::at(START);
    let revocations = Revocations::in_memory_with(clock.clone());
    let registry = Registry::in_memory(&revocations);
    let builder = Codec::builder(ring(&[1])).clock(clock.clone()).remember_timeout(72 * HOUR);
    let codec = builder.revocations(&revocations).registry(&registry).build().unwrap();
    let site = Site { registry, codec, clock };
    let begun = site.request("", async |session: Session<Account>, _: Registry| {
        session.set(account(7))?;
        session.remember()
    });
    let remembered = cookie(&begun.await).unwrap();
    site.clock.advance(HOUR);
    let record = async |session: Session<Account>, registry: Registry| {
        registry.record(&session, "phone").await
    };
    assert_eq!(site.request(&remembered, record).await.status(), StatusCode::OK);
    site.clock.advance(48 * HOUR);
    let [entry] = &site.list(7).await[..] else { panic!("not one entry") };
    assert_eq!((entry.created_at, entry.expires_at), (at(START), at(START) + 30 * 24 * HOUR));
    assert!(!entry.is_idle, "a remembered session is idle for three days");
}

#[tokio::test]
async fn last_seen_moves_when_the_session_is_refreshed() {
    let site = Site::new();
    let mut cookie_of_phone = site.log_in(7, "phone").await;
    let read = |session: Session<Account>, _| async move {
        let _ = session.data();
        Ok(())
    };
    site.clock.advance(HOUR);
    assert!(cookie(&site.request(&cookie_of_phone, read).await).is_none());
    assert_eq!(site.list(7).await[0].last_seen, at(START));
    site.clock.advance(2 * HOUR);
    cookie_of_phone = cookie(&site.request(&cookie_of_phone, read).await).unwrap();
    assert_eq!(site.list(7).await[0].last_seen, at(START) + 3 * HOUR);
    site.clock.advance(24 * HOUR);
    assert!(site.list(7).await[0].is_idle);
    let all = site.registry.list_all().await.unwrap();
    assert_eq!(all.entries[0].last_seen, at(START) + 3 * HOUR);
    assert!(site.codec.decode_cookie_header(cookie_of_phone).is_err());
    // And in the end it is forgotten.
    site.clock.advance(30 * 24 * HOUR);
    assert!(site.list(7).await.is_empty());
}

#[tokio::test]
async fn last_seen_stays_when_a_failed_response_sends_no_cookie() {
    let site = Site::new();
    let phone = site.log_in(7, "phone").await;
    site.clock.advance(3 * HOUR);
    let fail = |session: Session<Account>, _| async move {
        session.set(account(7))?;
        Err(SessionErrorKind::NoSession.into())
    };
    assert_eq!(cookie(&site.request(&phone, fail).await), None);
    assert_eq!(site.list(7).await[0].last_seen, at(START));
}

#[tokio::test]
async fn one_session_is_ended_from_the_list() {
    let site = Site::new();
    let (phone, laptop) = (site.log_in(7, "phone").await, site.log_in(7, "laptop").await);
    // Nobody can end what is not theirs.
    assert!(!site.registry.end(&user(8), site.id(&phone)).await.unwrap());
    assert!(!site.is_ended(&phone));
    assert!(site.registry.end(&user(7), site.id(&phone)).await.unwrap());
    assert!(site.is_ended(&phone) && !site.is_ended(&laptop));
    assert_eq!(site.labels(7).await, ["laptop"]);
    assert_eq!(site.registry.list_all().await.unwrap().entries.len(), 1);
    assert_eq!(site.registry.count(&Tag::new("tenant", "acme")).await.unwrap(), 1);
}

#[tokio::test]
async fn all_sessions_are_ended_from_the_list() {
    let site = Site::new();
    let (phone, other) = (site.log_in(7, "phone").await, site.log_in(8, "other").await);
    site.registry.end_all(&user(7)).await.unwrap();
    assert!(site.is_ended(&phone) && !site.is_ended(&other));
    assert!(site.labels(7).await.is_empty());
    site.clock.advance(HOUR);
    site.log_in(7, "new").await;
    assert_eq!(site.labels(7).await, ["new"]);
}

#[tokio::test]
async fn the_others_are_ended_and_this_one_stays_in_the_list() {
    let site = Site::new();
    let (phone, laptop) = (site.log_in(7, "phone").await, site.log_in(7, "laptop").await);
    let response = site
        .request(&phone, async |session, registry| registry.end_others(&session, &user(7)).await)
        .await;
    let new = cookie(&response).unwrap();
    assert!(site.is_ended(&phone) && site.is_ended(&laptop) && !site.is_ended(&new));
    let list = site.list(7).await;
    assert_eq!((list.len(), list[0].id, &*list[0].label), (1, site.id(&new), "phone"));
    assert_eq!(list[0].created_at, at(START));
    assert_eq!(list[0].metadata(), Some(("192.0.2.7".to_owned(), 1)));
    assert_eq!(site.registry.list_all().await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn too_many_sessions_end_the_oldest() {
    let site = Site::new();
    let mut cookies = Vec::new();
    for _ in 0..4 {
        let response = site
            .request("", async |session: Session<Account>, registry: Registry| {
                session.set(account(7))?;
                registry.record(&session, "device").keep_at_most(2).await
            })
            .await;
        cookies.push(cookie(&response).unwrap());
        site.clock.advance(HOUR);
    }
    let ended: Vec<_> = cookies.iter().map(|cookie| site.is_ended(cookie)).collect();
    assert_eq!(ended, [true, true, false, false]);
    assert_eq!(site.list(7).await.len(), 2);
}

#[tokio::test]
async fn too_many_sessions_end_although_the_store_does_not_confirm_it() {
    let store = Arc::new(Fake::default());
    let at_start = AtStart::Wait(seconds(5));
    let open = Revocations::open(Handle(store.clone()), WhenAway::KeepServing, at_start);
    let revocations = open.await.unwrap();
    let registry = Registry::in_memory(&revocations);
    let builder = Codec::builder(ring(&[1])).revocations(&revocations).registry(&registry);
    let codec = builder.build().unwrap();
    let site = Site { registry, codec, clock: TestClock::at(START) };
    let log_in = async || {
        let response = site.request("", async |session: Session<Account>, registry: Registry| {
            session.set(account(7))?;
            registry.record(&session, "device").keep_at_most(1).await
        });
        cookie(&response.await).expect("logged in")
    };
    let first = log_in().await;
    store.unconfirmed.store(true, Ordering::SeqCst);
    let second = log_in().await;
    assert_eq!((site.is_ended(&first), site.is_ended(&second)), (true, false));
}

#[tokio::test]
async fn pages_of_a_list_and_of_all() {
    let site = Site::new();
    for _ in 0..300 {
        site.log_in(7, "device").await;
        site.clock.advance(HOUR / 100);
    }
    let (mut one, mut all) = (Vec::new(), Vec::new());
    for (found, of_all) in [(&mut one, false), (&mut all, true)] {
        let mut next = None;
        loop {
            let tag = user(7);
            let list = if of_all { site.registry.list_all() } else { site.registry.list(&tag) };
            let list = list.limit(7);
            let list = match next {
                Some(next) => list.after(next),
                None => list,
            };
            let Page { entries, next: following, .. } = list.await.unwrap();
            assert!(entries.len() <= 7);
            found.extend(entries.into_iter().map(|entry| entry.id));
            let Some(following) = following else { break };
            // It can be a part of a link.
            next = Some(following.to_string().parse().unwrap());
        }
    }
    assert_eq!((one.len(), all.len()), (300, 300));
    one.sort();
    all.sort();
    assert_eq!(one, all);
    one.dedup();
    assert_eq!(one.len(), 300);
}

#[tokio::test]
async fn without_a_session_nothing_is_recorded() {
    let site = Site::new();
    let response = site
        .request("", async |session: Session<Account>, registry: Registry| {
            let error = registry.record(&session, "device").await.unwrap_err();
            assert_eq!(*error.kind(), SessionErrorKind::NoSession);
            Ok(())
        })
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(site.registry.list_all().await.unwrap().entries.is_empty());
}

/// A store that is not there.
pub(crate) struct Away;

impl RegistryStore for Away {
    async fn put(
        &self,
        _: ListKey,
        _: &Record,
        _: Option<usize>,
        _: u64,
    ) -> Result<Vec<SessionId>, StoreError> {
        Err("away".into())
    }

    async fn note_seen(&self, _: &[Seen]) -> Result<(), StoreError> {
        Err("away".into())
    }

    async fn list(
        &self,
        _: ListKey,
        _: Option<(u64, SessionId)>,
        _: usize,
        _: u64,
    ) -> Result<Vec<Record>, StoreError> {
        Err("away".into())
    }

    async fn count(&self, _: ListKey, _: u64) -> Result<usize, StoreError> {
        Err("away".into())
    }

    async fn remove(&self, _: ListKey, _: &[SessionId]) -> Result<(), StoreError> {
        Err("away".into())
    }
}

#[tokio::test]
async fn a_store_that_is_away_fails_a_log_in_only_where_that_is_required() {
    for recording in [Recording::Required, Recording::BestEffort] {
        let clock = TestClock::at(START);
        let revocations = Revocations::in_memory_with(clock.clone());
        let registry = Registry::new(Away, &key(3), &revocations, recording);
        let site = Site::with(revocations, registry, clock);
        let response = site
            .request("", async |session: Session<Account>, registry: Registry| {
                session.set(account(7))?;
                registry.record(&session, "device").await
            })
            .await;
        let required = recording == Recording::Required;
        assert_eq!(response.status().is_server_error(), required);
        assert_eq!(cookie(&response).is_none(), required);
        let error = site.registry.list(&user(7)).await.unwrap_err();
        assert_eq!(*error.kind(), RevocationErrorKind::Registry);
        // Who is in no list can be ended with all others.
        site.registry.end_all(&user(7)).await.unwrap();
        if let Some(cookie) = cookie(&response) {
            assert!(site.is_ended(&cookie));
            let others = async |session: Session<Account>, registry: Registry| {
                session.regenerate();
                session.set(account(7))?;
                registry.end_others(&session, &user(7)).await
            };
            assert_eq!(site.request("", others).await.status(), StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn a_session_that_ends_itself_is_in_no_list() {
    let site = Site::new();
    let phone = site.log_in(7, "phone").await;
    site.log_in(7, "laptop").await;
    let end = async |session: Session<Account>, _: Registry| session.end().await;
    assert_eq!(site.request(&phone, end).await.status(), StatusCode::OK);
    assert_eq!(site.registry.count(&user(7)).await.unwrap(), 1);
}

/// A store that notes what it is told of sessions that were seen.
struct Noting(Arc<Mutex<Vec<Seen>>>);

impl RegistryStore for Noting {
    async fn put(
        &self,
        _: ListKey,
        _: &Record,
        _: Option<usize>,
        _: u64,
    ) -> Result<Vec<SessionId>, StoreError> {
        Ok(Vec::new())
    }

    async fn note_seen(&self, seen: &[Seen]) -> Result<(), StoreError> {
        self.0.lock().unwrap().extend_from_slice(seen);
        Ok(())
    }

    async fn list(
        &self,
        _: ListKey,
        _: Option<(u64, SessionId)>,
        _: usize,
        _: u64,
    ) -> Result<Vec<Record>, StoreError> {
        Ok(Vec::new())
    }

    async fn count(&self, _: ListKey, _: u64) -> Result<usize, StoreError> {
        Ok(0)
    }

    async fn remove(&self, _: ListKey, _: &[SessionId]) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_store_is_told_within_seconds_which_sessions_were_refreshed() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let clock = TestClock::at(START);
    let revocations = Revocations::in_memory_with(clock.clone());
    let store = Noting(told.clone());
    let registry = Registry::new(store, &key(3), &revocations, Recording::Required);
    let site = Site::with(revocations, registry, clock);
    let phone = site.log_in(7, "phone").await;
    site.clock.advance(3 * HOUR);
    let read = async |session: Session<Account>, _: Registry| {
        let _ = session.data();
        Ok(())
    };
    assert!(cookie(&site.request(&phone, read).await).is_some());
    for _ in 0..100 {
        tokio::time::sleep(seconds(1) / 20).await;
        // The lists of the user, of the tenant and of all.
        if told.lock().unwrap().len() == 3 {
            assert!(told.lock().unwrap().iter().all(|seen| seen.id == site.id(&phone)));
            break;
        }
    }
    assert_eq!(told.lock().unwrap().len(), 3);
    // And it is let go with the registry.
    drop(site);
    for _ in 0..100 {
        if Arc::strong_count(&told) == 1 {
            return;
        }
        tokio::time::sleep(seconds(1) / 100).await;
    }
    panic!("somebody still writes to it");
}

/// A store with a thousand sessions and one, of which it says how many it was told to remove.
struct Many(Arc<Mutex<(Option<Record>, usize)>>);

impl RegistryStore for Many {
    async fn put(
        &self,
        _: ListKey,
        record: &Record,
        _: Option<usize>,
        _: u64,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.0.lock().unwrap().0 = Some(record.clone());
        Ok(Vec::new())
    }

    async fn note_seen(&self, _: &[Seen]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn list(
        &self,
        _: ListKey,
        after: Option<(u64, SessionId)>,
        limit: usize,
        _: u64,
    ) -> Result<Vec<Record>, StoreError> {
        let record = self.0.lock().unwrap().0.clone().unwrap();
        let numbers = if after.is_none() { 0..limit.min(1000) } else { 1000..1001 };
        let of = |number: usize| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&number.to_le_bytes());
            Record { id: SessionId::from_bytes(id), ..record.clone() }
        };
        Ok(numbers.map(of).collect())
    }

    async fn count(&self, _: ListKey, _: u64) -> Result<usize, StoreError> {
        Ok(1001)
    }

    async fn remove(&self, list: ListKey, ids: &[SessionId]) -> Result<(), StoreError> {
        let _ = list;
        self.0.lock().unwrap().1 += ids.len();
        Ok(())
    }
}

#[tokio::test]
async fn of_a_thousand_sessions_and_one_all_are_taken_off_the_lists() {
    let store = Arc::new(Mutex::new((None, 0)));
    let clock = TestClock::at(START);
    let revocations = Revocations::in_memory_with(clock.clone());
    let many = Many(store.clone());
    let registry = Registry::new(many, &key(3), &revocations, Recording::Required);
    let site = Site::with(revocations, registry, clock);
    site.log_in(7, "phone").await;
    site.registry.end_all(&user(7)).await.unwrap();
    // From those of the user, of the tenant and of all.
    assert_eq!(store.lock().unwrap().1, 3 * 1001);
}

#[test]
fn a_text_that_is_no_cursor_is_an_error_that_says_so() {
    let id = "00".repeat(16);
    assert!(format!("000000000001-{id}").parse::<Cursor>().is_ok());
    for text in ["", "1", &format!("1-{id}"), &format!("+00000000001-{id}"), "000000000001-zz"] {
        let error = text.parse::<Cursor>().unwrap_err().to_string();
        assert!(error.contains("not a place in a list"), "{text:?}: {error}");
    }
}
