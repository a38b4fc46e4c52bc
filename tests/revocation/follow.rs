//! How a store is followed: how often it is asked, and what it is asked for.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use sealed_session::Revocations;
use sealed_session::revocation::{
    AtStart, Mark, RevocationError, RevocationErrorKind, Status, Target, WhenAway,
};

use crate::codec::user;
use crate::races::{Fake, Handle};
use crate::session::until;
use crate::support::seconds;

async fn open(
    store: &Arc<Fake>,
    heartbeat: u64,
    at_start: AtStart,
) -> Result<Revocations, RevocationError> {
    let builder = Revocations::builder(Handle(store.clone()), WhenAway::KeepServing, at_start);
    builder.heartbeat(seconds(heartbeat)).open().await
}

const WAIT: AtStart = AtStart::Wait(Duration::from_secs(5));

fn is_stale(status: Status) -> bool {
    matches!(status, Status::Stale { .. })
}

#[tokio::test]
async fn whoever_waits_in_vain_is_told_what_the_store_said() {
    let store = Arc::new(Fake::default());
    store.away.store(true, SeqCst);
    let error = open(&store, 10, AtStart::Wait(Duration::from_millis(50))).await.unwrap_err();
    assert_eq!(*error.kind(), RevocationErrorKind::Unread);
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("away"));
}

#[tokio::test]
async fn a_store_that_is_followed_is_read_from_where_it_was_read_to() {
    let store = Arc::new(Fake::default());
    let revocations = open(&store, 1, WAIT).await.unwrap();
    until(&revocations, |status| status == Status::Live).await;
    for number in 0..10 {
        revocations.end_all(&user(number)).await.unwrap();
        tokio::time::sleep(seconds(1) / 20).await;
    }
    assert_eq!(store.read_whole.load(SeqCst), 1);
}

#[tokio::test]
async fn a_store_that_answers_is_asked_for_a_heartbeat_when_one_is_due() {
    let store = Arc::new(Fake::default());
    let revocations = open(&store, 60, WAIT).await.unwrap();
    until(&revocations, |status| status == Status::Live).await;
    for number in 0..10 {
        revocations.end_all(&user(number)).await.unwrap();
        tokio::time::sleep(seconds(1) / 20).await;
    }
    assert_eq!(store.beats.load(SeqCst), 1);
}

#[tokio::test]
async fn a_store_that_is_away_is_tried_less_and_less_often() {
    let store = Arc::new(Fake::default());
    store.away.store(true, SeqCst);
    let _revocations = open(&store, 60, AtStart::Refuse).await.unwrap();
    // At once, and after 0.1, 0.3, 0.7 and 1.5 seconds.
    tokio::time::sleep(seconds(1)).await;
    let tried = store.read_whole.load(SeqCst);
    assert!((2..=4).contains(&tried), "{tried} times in a second");
}

#[tokio::test]
async fn a_store_that_does_not_confirm_is_asked_again_soon() {
    let store = Arc::new(Fake::default());
    store.unconfirmed.store(true, SeqCst);
    let revocations = open(&store, 60, AtStart::Refuse).await.unwrap();
    until(&revocations, is_stale).await;
    store.unconfirmed.store(false, SeqCst);
    until(&revocations, |status| status == Status::Live).await;
}

/// What the store is given again of the one mark that was made, after `change` to it while the store
/// did not confirm writes.
async fn given_again(change: impl Fn(&mut Mark)) -> usize {
    let store = Arc::new(Fake::default());
    let revocations = open(&store, 1, WAIT).await.unwrap();
    revocations.end_all(&user(7)).await.unwrap();
    store.unconfirmed.store(true, SeqCst);
    until(&revocations, is_stale).await;
    store.marks.lock().unwrap().iter_mut().for_each(change);
    store.unconfirmed.store(false, SeqCst);
    until(&revocations, |status| status == Status::Live).await;
    store.published.load(SeqCst)
}

#[tokio::test]
async fn a_store_that_confirms_again_is_given_what_it_lacks_and_nothing_else() {
    assert_eq!(given_again(|_| {}).await, 0);
    assert_eq!(given_again(|mark| mark.target = Target::Tag(user(8))).await, 1);
    assert_eq!(given_again(|mark| mark.until -= 1).await, 1);
    assert_eq!(given_again(|mark| mark.number -= 1).await, 1);
    assert_eq!(given_again(|mark| (mark.until, mark.number) = (u64::MAX, u64::MAX)).await, 0);
}

#[tokio::test]
async fn a_store_that_gives_its_marks_in_batches_is_read_to_its_end() {
    let store = Arc::new(Fake::in_batches(2));
    let mark = |of| Mark { target: Target::Tag(user(of)), number: of + 1, until: u64::MAX };
    store.marks.lock().unwrap().extend((0..5).map(mark));
    let revocations = open(&store, 1, WAIT).await.unwrap();
    assert_eq!(revocations.len(), 5);
    until(&revocations, |status| status == Status::Live).await;
    store.marks.lock().unwrap().extend((5..10).map(mark));
    revocations.read_now().await.unwrap();
    assert_eq!(revocations.len(), 10);
}

#[tokio::test]
async fn a_store_that_has_more_and_does_not_say_where_is_not_followed() {
    let store = Arc::new(Fake::in_batches(0));
    let mark = Mark { target: Target::Tag(user(7)), number: 1, until: u64::MAX };
    store.marks.lock().unwrap().push(mark);
    let error = open(&store, 1, AtStart::Wait(seconds(1) / 20)).await.unwrap_err();
    assert!(error.source().unwrap().to_string().contains("not where"), "{error:?}");
}

/// The numbers of the marks of this user that the store has.
fn numbers(store: &Fake, of: u64) -> Vec<u64> {
    let marks = store.marks.lock().unwrap();
    let marks = marks.iter().filter(|mark| mark.target == Target::Tag(user(of)));
    marks.map(|mark| mark.number).collect()
}

#[tokio::test]
async fn an_ending_is_unconfirmed_until_the_store_has_it_for_sure() {
    let store = Arc::new(Fake::default());
    let revocations = open(&store, 60, WAIT).await.unwrap();
    until(&revocations, |status| status == Status::Live).await;
    store.unconfirmed.store(true, SeqCst);
    revocations.end_all(&user(7)).await.unwrap_err();
    assert_eq!(revocations.status(), Status::Unconfirmed(1));
    store.unconfirmed.store(false, SeqCst);
    until(&revocations, |status| status == Status::Live).await;
    assert!(store.published.load(SeqCst) > 0);
}

#[tokio::test]
async fn an_ending_that_hangs_is_not_forgotten_when_another_is_confirmed() {
    let store = Arc::new(Fake::default());
    let revocations = open(&store, 60, WAIT).await.unwrap();
    store.hang.store(true, SeqCst);
    let hangs = tokio::spawn({
        let revocations = revocations.clone();
        async move { revocations.end_all(&user(7)).await }
    });
    tokio::time::sleep(seconds(1) / 20).await;
    store.hang.store(false, SeqCst);
    revocations.end_all(&user(8)).await.unwrap();
    hangs.abort();
    hangs.await.unwrap_err();
    for _ in 0..500 {
        if !numbers(&store, 7).is_empty() {
            return;
        }
        tokio::time::sleep(seconds(1) / 100).await;
    }
    panic!("the store was not told");
}

#[tokio::test]
async fn an_ending_with_a_number_keeps_it_beside_one_that_still_needs_one() {
    let store = Arc::new(Fake::default());
    let revocations = open(&store, 60, WAIT).await.unwrap();
    store.unconfirmed.store(true, SeqCst);
    revocations.end_all(&user(7)).await.unwrap_err();
    let given = numbers(&store, 7)[0];
    store.away.store(true, SeqCst);
    revocations.end_all(&user(8)).await.unwrap_err();
    store.unconfirmed.store(false, SeqCst);
    store.away.store(false, SeqCst);
    until(&revocations, |status| status == Status::Live).await;
    assert!(numbers(&store, 8).iter().any(|number| *number > given));
    assert!(numbers(&store, 7).iter().all(|number| *number == given));
}
