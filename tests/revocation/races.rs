//! Endings that meet each other, a store that fails at the worst moment, and what lists then show.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, Response};
use sealed_session::registry::Registry;
use sealed_session::revocation::*;
use sealed_session::*;
use tower::ServiceExt as _;

use crate::codec::{Account, account, user};
use crate::support::{HOUR, START, ring, seconds};

#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) marks: Mutex<Vec<Mark>>,
    pub(crate) away: AtomicBool,
    pub(crate) unconfirmed: AtomicBool,
    reads_fail: AtomicBool,
    panics: AtomicBool,
    pub(crate) hang: AtomicBool,
    appends: AtomicUsize,
    clock: AtomicU64,
    /// A mark that another server appends just before ours.
    foreign: Mutex<Option<Target>>,
    wait_for: Mutex<Option<Revocations>>,
    /// How often the store was read from the beginning, and how often it was asked for a heartbeat.
    pub(crate) read_whole: AtomicUsize,
    pub(crate) beats: AtomicUsize,
    /// How many marks it was given again.
    pub(crate) published: AtomicUsize,
    /// How many marks it gives at once, if that is limited.
    batch: Option<usize>,
}
#[derive(Clone)]
pub(crate) struct Handle(pub(crate) Arc<Fake>);
impl Fake {
    /// A store that gives so many marks at once.
    pub(crate) fn in_batches(batch: usize) -> Self {
        Self { batch: Some(batch), ..Self::default() }
    }
    fn ok(&self) -> Result<(), StoreError> {
        assert!(!self.panics.load(SeqCst), "store panics");
        if self.away.load(SeqCst) { Err("away".into()) } else { Ok(()) }
    }
    fn put(&self, targets: &[Target], until: u64, lowest: u64) -> u64 {
        let mut marks = self.marks.lock().unwrap();
        let last = marks.iter().map(|m| m.number).max().unwrap_or(0);
        let number = lowest.max(last + 1).max(self.clock.load(SeqCst));
        marks.extend(targets.iter().map(|t| Mark { target: *t, number, until }));
        number
    }
}
impl RevocationStore for Handle {
    async fn append(&self, t: &[Target], until: u64, lowest: u64) -> Result<Appended, StoreError> {
        if self.0.hang.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        self.0.ok()?;
        let foreign = self.0.foreign.lock().unwrap().take();
        if let Some(foreign) = foreign {
            self.0.put(&[foreign], until, 0);
            let r = self.0.wait_for.lock().unwrap().take();
            if let Some(r) = r {
                while r.is_empty() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        self.0.appends.fetch_add(1, SeqCst);
        let number = self.0.put(t, until, lowest);
        Ok(Appended { number, confirmed: !self.0.unconfirmed.load(SeqCst) })
    }
    async fn publish(&self, m: &[Mark]) -> Result<(), StoreError> {
        self.0.ok()?;
        self.0.published.fetch_add(m.len(), SeqCst);
        self.0.marks.lock().unwrap().extend_from_slice(m);
        Ok(())
    }
    async fn read(&self, after: Option<&Position>, wait: Duration) -> Result<Batch, StoreError> {
        self.0.read_whole.fetch_add(usize::from(after.is_none()), SeqCst);
        self.0.ok()?;
        let place = after.map_or(0, |p| p.as_str().parse::<usize>().unwrap());
        let end = tokio::time::Instant::now() + wait;
        while tokio::time::Instant::now() < end && self.0.marks.lock().unwrap().len() <= place {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if self.0.reads_fail.load(SeqCst) {
            return Err("read".into());
        }
        let marks = self.0.marks.lock().unwrap();
        let to = self.0.batch.map_or(marks.len(), |batch| marks.len().min(place + batch));
        Ok(Batch {
            marks: marks[place..to].to_vec(),
            position: Position::new(to.to_string()),
            complete: to == marks.len(),
        })
    }
    async fn heartbeat(&self) -> Result<(), StoreError> {
        self.0.beats.fetch_add(1, SeqCst);
        self.0.ok()?;
        if self.0.unconfirmed.load(SeqCst) { Err("few".into()) } else { Ok(()) }
    }
}
struct Site {
    revocations: Revocations,
    codec: Codec<Account>,
    store: Arc<Fake>,
}
impl Site {
    async fn new() -> Self {
        Self::over(Arc::new(Fake::default())).await
    }
    async fn over(store: Arc<Fake>) -> Self {
        let revocations = Revocations::builder(
            Handle(store.clone()),
            WhenAway::KeepServing,
            AtStart::Wait(seconds(5)),
        )
        .heartbeat(Duration::from_millis(50))
        .open()
        .await
        .unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
        let codec = Codec::builder(ring(&[1])).revocations(&revocations).build().unwrap();
        Self { revocations, codec, store }
    }
    fn cookie(&self, n: u64) -> String {
        format!("account={}", self.codec.encode(account(n)).unwrap())
    }
    fn refused(&self, c: &str) -> Option<DecodeErrorKind> {
        self.codec.decode_cookie_header(c).err().map(|e| *e.kind())
    }
}
async fn request<F, R>(codec: &Codec<Account>, cookie: &str, handler: F) -> Response<Body>
where
    F: Fn(Session<Account>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<(), SessionError>> + Send + 'static,
{
    let app = Router::new().fallback(handler).layer(SessionLayer::new(codec.clone()));
    app.oneshot(Request::get("/").header(COOKIE, cookie).body(Body::empty()).unwrap())
        .await
        .unwrap()
}
fn set(r: &Response<Body>) -> Option<String> {
    Some(r.headers().get(SET_COOKIE)?.to_str().unwrap().split(';').next().unwrap().to_owned())
}

#[tokio::test]
async fn a_foreign_mark_that_is_heard_during_the_append_is_not_outlived() {
    let site = Site::new().await;
    let thief = site.cookie(7);
    *site.store.foreign.lock().unwrap() = Some(Target::Tag(user(7)));
    *site.store.wait_for.lock().unwrap() = Some(site.revocations.clone());
    let response =
        request(&site.codec, &thief, async |s: Session<Account>| s.end_others(&user(7)).await)
            .await;
    assert!(
        set(&response).is_none_or(|c| site.refused(&c).is_some()),
        "the thief outlived end_all"
    );
}
#[tokio::test]
async fn with_a_store_a_session_outlives_the_mark_that_it_makes_and_those_it_has_seen() {
    let site = Site::new().await;
    let other = site.cookie(7);
    site.revocations.end_all(&user(7)).await.unwrap();
    // The task that follows has not read that mark yet; this session has seen it.
    let own = site.cookie(7);
    // Nor do the endings of somebody else concern it.
    *site.store.foreign.lock().unwrap() = Some(Target::Tag(user(8)));
    let response =
        request(&site.codec, &own, async |s: Session<Account>| s.end_others(&user(7)).await).await;
    assert_eq!(response.status(), 200);
    assert_eq!(site.refused(&set(&response).unwrap()), None);
    assert_eq!(site.refused(&own), Some(DecodeErrorKind::Ended));
    assert_eq!(site.refused(&other), Some(DecodeErrorKind::Ended));
}
#[tokio::test]
async fn verify_now_asks_a_store_that_others_write_to() {
    let site = Site::new().await;
    let cookie = site.cookie(7);
    let store = site.store.clone();
    let response = request(&site.codec, &cookie, move |s: Session<Account>| {
        let store = store.clone();
        async move {
            s.verify_now().await?;
            // A store that does not confirm writes may be cut off from the others.
            store.unconfirmed.store(true, SeqCst);
            assert_eq!(*s.verify_now().await.unwrap_err().kind(), SessionErrorKind::Unavailable);
            store.unconfirmed.store(false, SeqCst);
            store.put(&[Target::Tag(user(7))], u64::MAX, 0);
            assert_eq!(*s.verify_now().await.unwrap_err().kind(), SessionErrorKind::Ended);
            Ok(())
        }
    });
    assert_eq!(response.await.status(), 200);
}
#[tokio::test]
async fn a_store_is_let_go_with_the_last_revocations() {
    let store = Arc::new(Fake::default());
    drop(Site::over(store.clone()).await);
    for _ in 0..100 {
        if Arc::strong_count(&store) == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("somebody still follows it");
}
#[test]
fn a_store_whose_runtime_is_gone_is_not_live() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let site = runtime.block_on(Site::new());
    assert_eq!(site.revocations.status(), Status::Live);
    drop(runtime);
    assert!(matches!(site.revocations.status(), Status::Stale { .. }));
}
#[tokio::test]
async fn a_read_that_fails_after_the_append_lets_nobody_outlive_another_mark() {
    let site = Site::new().await;
    let thief = site.cookie(7);
    site.store.reads_fail.store(true, SeqCst);
    *site.store.foreign.lock().unwrap() = Some(Target::Tag(user(7)));
    let response =
        request(&site.codec, &thief, async |s: Session<Account>| s.end_others(&user(7)).await)
            .await;
    site.store.reads_fail.store(false, SeqCst);
    tokio::time::sleep(seconds(1)).await;
    assert!(
        set(&response).is_none_or(|c| site.refused(&c).is_some()),
        "the thief outlived end_all"
    );
}
#[tokio::test]
async fn an_ending_that_is_repeated_does_not_end_who_logged_in_since() {
    let site = Site::new().await;
    let old = site.cookie(7);
    site.store.unconfirmed.store(true, SeqCst);
    let response = request(&site.codec, &old, async |s: Session<Account>| {
        let _ = s.end_others(&user(7)).await;
        Ok(())
    })
    .await;
    let new = set(&response).unwrap();
    assert_eq!(site.refused(&new), None);
    let mut ended = 0;
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let login = site.cookie(7);
        tokio::time::sleep(Duration::from_millis(1300)).await;
        ended += usize::from(site.refused(&login).is_some());
    }
    assert_eq!(site.refused(&new), None);
    assert_eq!(ended, 0);
}
#[tokio::test]
async fn an_ending_without_the_store_is_in_force_also_after_marks_of_a_clock_that_was_ahead() {
    let store = Arc::new(Fake::default());
    // A store whose clock was ahead. This mark has expired.
    store.marks.lock().unwrap().push(Mark {
        target: Target::Tag(user(1)),
        number: 9_000_000_000_000,
        until: 1,
    });
    let site = Site::over(store).await;
    let cookie = site.cookie(7);
    site.store.away.store(true, SeqCst);
    assert!(site.revocations.end_all(&user(7)).await.is_err());
    assert_eq!(
        site.refused(&cookie),
        Some(DecodeErrorKind::Ended),
        "unconfirmed, and not in force here"
    );
}
#[tokio::test]
async fn tags_are_forgotten_in_memory() {
    let clock = TestClock::at(START);
    let r = Revocations::in_memory_with(clock.clone());
    for n in 0..10_000 {
        r.end_all(&user(n)).await.unwrap();
    }
    clock.advance(400 * 24 * HOUR);
    for n in 10_000..10_100 {
        r.end_all(&user(n)).await.unwrap();
    }
    assert!(r.len() < 1000, "{}", r.len());
}
#[tokio::test]
async fn a_session_that_began_in_this_request_ends_after_its_response() {
    let r = Revocations::in_memory();
    let codec = Codec::builder(ring(&[1])).revocations(&r).build().unwrap();
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let response = request(&codec, "", move |s: Session<Account>| {
        let keep = keep.clone();
        async move {
            s.regenerate();
            s.set(account(7))?;
            *keep.lock().unwrap() = Some(s);
            Ok(())
        }
    })
    .await;
    let session = kept.lock().unwrap().take().unwrap();
    let result = session.end().await;
    let cookie = set(&response).unwrap();
    assert!(
        result.is_err() || codec.decode_cookie_header(&cookie).is_err(),
        "Ok, and it still opens"
    );
}
/// A codec whose sessions are listed.
fn listed() -> (TestClock, Registry, Codec<Account>) {
    let clock = TestClock::at(START);
    let revocations = Revocations::in_memory_with(clock.clone());
    let registry = Registry::in_memory(&revocations);
    let builder = Codec::builder(ring(&[1])).clock(clock.clone()).revocations(&revocations);
    let codec = builder.registry(&registry).build().unwrap();
    (clock, registry, codec)
}

async fn log_in(codec: &Codec<Account>, registry: &Registry, keep: usize) -> String {
    let registry = registry.clone();
    let response = request(codec, "", move |s: Session<Account>| {
        let registry = registry.clone();
        async move {
            s.regenerate();
            s.set(account(7))?;
            registry.record(&s, "x").keep_at_most(keep).await
        }
    })
    .await;
    set(&response).unwrap()
}
#[tokio::test]
async fn sessions_that_were_ended_do_not_push_out_a_living_one() {
    let (clock, registry, codec) = listed();
    let laptop = log_in(&codec, &registry, 3).await;
    for _ in 0..3 {
        clock.advance(seconds(60));
        let phone = log_in(&codec, &registry, 3).await;
        request(&codec, &phone, async |s: Session<Account>| s.end().await).await;
    }
    assert_eq!(registry.list(&user(7)).await.unwrap().entries.len(), 1);
    assert!(
        codec.decode_cookie_header(&laptop).is_ok(),
        "the laptop was signed out, though there were never more than two"
    );
}
#[tokio::test]
async fn where_nothing_was_ended_the_list_stays() {
    let r = Revocations::in_memory();
    let registry = Registry::in_memory(&r);
    let codec = Codec::<Account>::builder(ring(&[1])).registry(&registry).build().unwrap();
    let with = Codec::builder(ring(&[1])).revocations(&r).build().unwrap();
    let _a = log_in(&with, &registry, 9).await;
    let b = log_in(&with, &registry, 9).await;
    assert_eq!(registry.list(&user(7)).await.unwrap().entries.len(), 2);
    let reg = registry.clone();
    request(&codec, &b, move |s: Session<Account>| {
        let reg = reg.clone();
        async move {
            assert!(reg.end_others(&s, &user(7)).await.is_err());
            Ok(())
        }
    })
    .await;
    assert_eq!(
        registry.list(&user(7)).await.unwrap().entries.len(),
        2,
        "nothing was ended, and the list is empty"
    );
}
#[tokio::test]
async fn refuse_after_can_be_for_ever() {
    let store = Arc::new(Fake::default());
    let r =
        Revocations::builder(Handle(store), WhenAway::RefuseAfter(Duration::MAX), AtStart::Refuse)
            .open()
            .await
            .unwrap();
    drop(r);
}
#[tokio::test]
async fn refuse_after_can_be_very_long() {
    let store = Arc::new(Fake::default());
    let r = Revocations::builder(
        Handle(store),
        WhenAway::RefuseAfter(Duration::from_secs(u64::MAX - 5)),
        AtStart::ServeUnread,
    )
    .open()
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let codec = Codec::<Account>::builder(ring(&[1])).revocations(&r).build().unwrap();
    let c = format!("account={}", codec.encode(account(7)).unwrap());
    let response = request(&codec, &c, async |s: Session<Account>| s.end().await).await;
    assert_eq!(response.status(), 200);
}
#[tokio::test]
async fn a_store_that_panics_is_followed_again() {
    let site = Site::new().await;
    site.store.panics.store(true, SeqCst);
    tokio::time::sleep(seconds(1)).await;
    site.store.panics.store(false, SeqCst);
    // another server ends everybody
    site.store.put(&[Target::Tag(user(7))], u64::MAX, 0);
    tokio::time::sleep(seconds(1)).await;
    assert!(
        site.revocations.status() != Status::Live || !site.revocations.is_empty(),
        "Live, and nobody follows"
    );
}
#[tokio::test]
async fn the_removal_of_the_old_cookie_is_not_lost() {
    let r = Revocations::in_memory();
    let codec = Codec::builder(ring(&[1])).revocations(&r).build().unwrap();
    let old = format!("account={}", codec.encode(account(8)).unwrap());
    let rr = r.clone();
    let response = request(&codec, &old, move |s: Session<Account>| {
        let rr = rr.clone();
        async move {
            s.regenerate();
            s.set(account(7))?;
            rr.end_all(&user(7)).await?;
            assert!(s.verify_now().await.is_err());
            Ok(())
        }
    })
    .await;
    assert_eq!(
        set(&response).as_deref(),
        Some("account="),
        "the session before `regenerate` stays in the browser"
    );
}
#[tokio::test]
async fn an_ending_whose_caller_leaves_is_in_force() {
    let site = Site::new().await;
    let c = site.cookie(7);
    site.store.hang.store(true, SeqCst);
    let _ =
        tokio::time::timeout(Duration::from_millis(200), site.revocations.end_all(&user(7))).await;
    tokio::time::sleep(seconds(6)).await;
    assert_eq!(
        site.refused(&c),
        Some(DecodeErrorKind::Ended),
        "6 seconds later it is not in force here; {:?}",
        site.revocations.status()
    );
}
#[tokio::test]
async fn a_session_that_begins_later_is_not_lifted_over_a_ban() {
    let r = Revocations::in_memory();
    let codec = Codec::builder(ring(&[1])).revocations(&r).build().unwrap();
    let rr = r.clone();
    let response = request(&codec, "", move |s: Session<Account>| {
        let rr = rr.clone();
        async move {
            rr.end_all(&user(7)).await?; // an administrator, meanwhile
            s.end_others(&user(7)).await?;
            s.regenerate();
            s.set(account(7))
        }
    })
    .await;
    assert!(
        set(&response).is_none_or(|c| codec.decode_cookie_header(&c).is_err()),
        "it survives the ban"
    );
}
#[tokio::test]
async fn a_request_that_only_reads_does_not_remove_the_new_cookie() {
    let clock = TestClock::at(START);
    let r = Revocations::in_memory_with(clock.clone());
    let codec =
        Codec::<Account>::builder(ring(&[1])).clock(clock.clone()).revocations(&r).build().unwrap();
    let old = format!("account={}", codec.encode(account(7)).unwrap());
    clock.advance(4 * HOUR);
    let (c2, o2) = (codec.clone(), old.clone());
    let response = request(&codec, &old, move |s: Session<Account>| {
        let (c2, o2) = (c2.clone(), o2.clone());
        async move {
            let _ = s.data(); // only reads
            let other =
                request(&c2, &o2, async |s: Session<Account>| s.end_others(&user(7)).await).await;
            assert!(set(&other).unwrap().len() > 20);
            Ok(())
        }
    })
    .await;
    assert_eq!(set(&response), None, "a request that only read removes the new cookie");
}
#[tokio::test]
async fn sessions_that_idled_out_do_not_push_out_a_living_one() {
    let (clock, registry, codec) = listed();
    let mut laptop = log_in(&codec, &registry, 3).await;
    for _ in 0..3 {
        for _ in 0..4 {
            clock.advance(8 * HOUR);
            let res = request(&codec, &laptop, async |s: Session<Account>| {
                let _ = s.data();
                Ok(())
            })
            .await;
            if let Some(c) = set(&res) {
                laptop = c;
            }
        }
        let _expires_by_itself = log_in(&codec, &registry, 3).await;
    }
    assert!(codec.decode_cookie_header(&laptop).is_ok(), "ended, though the others had expired");
}
