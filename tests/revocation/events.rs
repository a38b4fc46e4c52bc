//! What a codec tells of sessions that were ended, or of which that is not known.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::body::Body;
use http::Request;
use http::header::COOKIE;
use sealed_session::revocation::{AtStart, WhenAway};
use sealed_session::{
    Codec, CodecBuilder, DecodeErrorKind, EncodeErrorKind, Revocations, Session, SessionError,
    SessionErrorKind, SessionLayer,
};
use tower::ServiceExt as _;

use crate::codec::{Account, account, user};
use crate::session::Switch;
use crate::support::heard::Heard;
use crate::support::ring;

const OPENED: &str = "account opened by 1 (sealing)";

fn builder(revocations: &Revocations) -> CodecBuilder<Account> {
    Codec::builder(ring(&[1])).revocations(revocations)
}

/// What is told of a request with a cookie of a session, which `handler` answers.
async fn told<R>(
    codec: &Codec<Account>,
    heard: &Heard,
    token: &str,
    handler: impl Fn(Session<Account>) -> R + Clone + Send + Sync + 'static,
) -> Vec<String>
where
    R: Future<Output = Result<(), SessionError>> + Send + 'static,
{
    heard.take();
    let app = Router::new().fallback(handler).layer(SessionLayer::new(codec.clone()));
    let request = Request::get("/").header(COOKIE, format!("account={token}"));
    app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    heard.take()
}

fn site() -> (Revocations, Codec<Account>, Heard) {
    let (revocations, heard) = (Revocations::in_memory(), Heard::default());
    let codec = heard.by(builder(&revocations)).build().unwrap();
    (revocations, codec, heard)
}

#[tokio::test]
async fn a_session_that_was_ended_is_refused() {
    let (revocations, codec, heard) = site();
    let by_id = codec.encode(account(7)).unwrap();
    let by_tag = codec.encode(account(8)).unwrap();
    let decoded = codec.decode(&by_id).unwrap();
    revocations.end(decoded.info.id.unwrap()).await.unwrap();
    revocations.end_all(&user(8)).await.unwrap();
    for token in [by_id, by_tag] {
        heard.take();
        let error = codec.decode(&token).unwrap_err();
        assert_eq!(error.kind(), &DecodeErrorKind::Ended);
        heard.is(&["account refused: ended"]);
        let read = async |session: Session<Account>| {
            assert!(session.is_empty() && session.data().is_none());
            Ok(())
        };
        assert_eq!(told(&codec, &heard, &token, read).await, ["account refused: ended"]);
    }
    // Nothing was sealed.
    let error = codec.reseal(&decoded).unwrap_err();
    assert_eq!(error.kind(), &EncodeErrorKind::Ended);
    heard.is(&[]);
}

#[tokio::test]
async fn what_cannot_be_judged_is_refused() {
    let switch = Switch(Arc::new(AtomicBool::new(false)));
    let opening = Revocations::open(switch, WhenAway::KeepServing, AtStart::Refuse);
    let (revocations, heard) = (opening.await.unwrap(), Heard::default());
    let codec = heard.by(builder(&revocations)).build().unwrap();
    let token = codec.encode(account(7)).unwrap();
    let handler = async |session: Session<Account>| {
        session.delete();
        let error = session.set(account(8)).unwrap_err();
        assert_eq!(error.kind(), &SessionErrorKind::Unavailable);
        Ok(())
    };
    assert_eq!(told(&codec, &heard, &token, handler).await, ["account refused: unavailable"]);
}

#[tokio::test]
async fn a_log_out_removes_and_ending_the_others_seals() {
    let (_, codec, heard) = site();
    let token = codec.encode(account(7)).unwrap();
    let others = async |session: Session<Account>| session.end_others(&user(7)).await;
    assert_eq!(told(&codec, &heard, &token, others).await, [OPENED, "account sealed by 1"]);
    let token = codec.encode(account(7)).unwrap();
    let end = async |session: Session<Account>| session.end().await;
    assert_eq!(told(&codec, &heard, &token, end).await, [OPENED, "account removed"]);
}

#[tokio::test]
async fn what_verify_now_finds_is_told_once() {
    let (revocations, codec, heard) = site();
    let token = codec.encode(account(7)).unwrap();
    let handler = move |session: Session<Account>| {
        let revocations = revocations.clone();
        async move {
            session.verify_now().await?;
            revocations.end(session.id().unwrap()).await.unwrap();
            for _ in 0..2 {
                let error = session.verify_now().await.unwrap_err();
                assert_eq!(error.kind(), &SessionErrorKind::Ended);
            }
            Ok(())
        }
    };
    assert_eq!(told(&codec, &heard, &token, handler).await, [OPENED, "account refused: ended"]);
}

#[tokio::test]
async fn what_is_withheld_is_told_as_a_removal() {
    let (revocations, codec, heard) = site();
    let token = codec.encode(account(7)).unwrap();
    let handler = move |session: Session<Account>| {
        let revocations = revocations.clone();
        async move {
            session.touch()?;
            revocations.end(session.id().unwrap()).await.unwrap();
            Ok(())
        }
    };
    assert_eq!(told(&codec, &heard, &token, handler).await, [OPENED, "account removed"]);
}
