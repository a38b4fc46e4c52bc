//! A handler as a function, with a session but without a layer.

use sealed_session::adapter::ResponseHead;
use sealed_session::testing::{TestCookie, TestSession};
use sealed_session::{
    Codec, DecodeErrorKind, Dynamic, Session, SessionError, SessionErrorKind, SessionKind,
    TestClock,
};

use super::panic_of;
use super::support::{DAY, EIGHT, HOUR, Login, SEVEN, START, codec_at, entries, ring};

async fn log_in(session: Session<Login>) -> Result<(), SessionError> {
    session.regenerate();
    session.set(SEVEN)
}

#[tokio::test]
async fn a_handler_sets_the_session_of_a_request_without_one() {
    let test = TestSession::<Login>::empty();
    log_in(test.session()).await.unwrap();
    assert_eq!(test.finish().expect_set().data, SEVEN);
}

#[tokio::test]
async fn a_handler_reads_changes_and_removes_the_session_of_a_request() {
    let test = TestSession::<Login>::with(EIGHT);
    assert_eq!(test.session().data(), Some(EIGHT));
    test.finish().assert_kept();

    let test = TestSession::<Login>::with(EIGHT);
    log_in(test.session()).await.unwrap();
    assert_eq!(test.finish().expect_set().data, SEVEN);

    let test = TestSession::<Login>::with(EIGHT);
    test.session().delete();
    test.finish().assert_removed();
}

#[test]
fn deleting_a_session_that_never_came_changes_nothing() {
    let test = TestSession::<Login>::empty();
    test.session().delete();
    test.finish().assert_kept();
}

#[test]
fn an_old_session_is_refreshed_and_an_expired_one_is_refused() {
    let codec = codec_at::<Login>(&[1], START);
    let test = TestSession::from_cookie(TestCookie::new(&codec, SEVEN).refreshed_ago(3 * HOUR));
    assert_eq!(test.session().data(), Some(SEVEN));
    assert_eq!(test.finish().expect_set().data, SEVEN);

    let test = TestSession::from_cookie(TestCookie::new(&codec, SEVEN).expired());
    assert_eq!(test.session().data(), None);
    assert_eq!(test.session().refused(), Some(DecodeErrorKind::Expired));
    test.finish().assert_kept();
}

#[test]
fn it_has_the_settings_of_its_codec() {
    let codec = Codec::<Login>::builder(ring(&[1]))
        .clock(TestClock::at(START))
        .remember_timeout(30 * DAY)
        .build()
        .unwrap();
    let test = TestSession::without_cookie(&codec);
    test.session().set(SEVEN).unwrap();
    test.session().remember().unwrap();
    assert_eq!(test.finish().expect_set().attributes.max_age, Some(30 * DAY));
}

#[test]
fn what_a_response_does_depends_on_its_status() {
    let headers = [("content-type", "text/html")];
    for (status, is_sent) in [(200, true), (404, true), (500, false)] {
        let test = TestSession::<Login>::empty();
        test.session().set(SEVEN).unwrap();
        let change = test.finish_with(ResponseHead::new(status, &headers.as_slice()));
        if is_sent {
            assert_eq!(change.expect_set().data, SEVEN, "{status}");
        } else {
            change.assert_kept();
        }
    }
}

#[test]
fn a_write_after_the_response_is_an_error() {
    let test = TestSession::<Login>::empty();
    let late = test.session();
    test.finish().assert_kept();
    let error = late.set(SEVEN).unwrap_err();
    assert!(matches!(error.kind(), SessionErrorKind::ResponseStarted), "{error}");
}

#[test]
fn messages_for_the_next_page_are_read_before_the_end() {
    let test = TestSession::<Dynamic>::with(entries(r#"{"user":7}"#));
    test.session().flash("Saved.").unwrap();
    assert_eq!(test.session().take_flash::<String>().unwrap(), ["Saved."]);
    test.finish().assert_kept();
}

#[test]
fn a_kind_with_a_bad_name_fails_the_test_and_says_why() {
    struct Bad;
    impl SessionKind for Bad {
        type Data = u8;
        const NAME: &'static str = "no cookie";
    }
    let text = panic_of(TestSession::<Bad>::empty);
    assert!(text.contains("no cookie"), "{text}");
}

#[test]
fn its_debug_says_nothing_of_the_session() {
    let test = TestSession::<Dynamic>::with(entries(r#"{"user":"secret"}"#));
    assert_eq!(format!("{test:?}"), r#"Session { cookie_name: "session", .. }"#);
}
