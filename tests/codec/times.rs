//! Expiry, second by second: what is in the seal decides, on a clock in the hand.

use std::time::{Duration, SystemTime};

use sealed_session::{
    Codec, CodecBuilder, DecodeErrorKind, Decoded, Dynamic, EncodeErrorKind, Entries, TestClock,
};

use crate::support::{self, START, at, ring, seconds, secs};

const DAY: u64 = support::DAY.as_secs();
/// The last second that a token can say.
const LAST: u64 = ((1 << 48) - 1) / 1000;
const MAX_TIMEOUT: u64 = (1 << 31) - 1;

fn builder(clock: &TestClock) -> CodecBuilder<Dynamic> {
    Codec::builder(ring(&[7])).clock(clock.clone())
}

fn codec(clock: &TestClock) -> Codec<Dynamic> {
    builder(clock).build().unwrap()
}

fn with_timeouts(clock: &TestClock, idle: u64, absolute: u64) -> Codec<Dynamic> {
    let builder = builder(clock).idle_timeout(seconds(idle));
    builder.absolute_timeout(seconds(absolute)).build().unwrap()
}

fn token(codec: &Codec<Dynamic>) -> String {
    codec.encode(Entries::new()).unwrap()
}

/// A token of now, changed before it is sealed.
fn token_with(codec: &Codec<Dynamic>, change: impl FnOnce(&mut Decoded<Entries>)) -> String {
    let mut opened = codec.decode(token(codec)).unwrap();
    change(&mut opened);
    codec.reseal(&opened).unwrap()
}

#[track_caller]
fn refuses(codec: &Codec<Dynamic>, token: &str, wanted: DecodeErrorKind) {
    assert_eq!(codec.decode(token).unwrap_err().kind(), &wanted);
}

/// The token opens up to the second before `end`, says so, and never again.
#[track_caller]
fn ends_at(clock: &TestClock, codec: &Codec<Dynamic>, token: &str, end: u64) {
    clock.set(end - 1);
    assert_eq!(codec.decode(token).unwrap().info.expires_at, at(end));
    for late in [end, end + 1, end + DAY, LAST, u64::MAX] {
        clock.set(late);
        refuses(codec, token, DecodeErrorKind::Expired);
    }
}

#[test]
fn ends_when_the_idle_timeout_is_over() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    ends_at(&clock, &codec, &token(&codec), START + DAY);
}

#[test]
fn ends_when_the_absolute_timeout_is_over_even_if_recently_refreshed() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let mut token = token(&codec);
    for _ in 0..59 {
        clock.advance(seconds(DAY / 2));
        let mut opened = codec.decode(&token).unwrap();
        opened.info.refreshed_at += Duration::from_secs(DAY / 2);
        token = codec.reseal(&opened).unwrap();
    }
    ends_at(&clock, &codec, &token, START + 30 * DAY);
}

#[test]
fn enforces_the_shortest_timeouts() {
    let clock = TestClock::at(START);
    let codec = with_timeouts(&clock, 1, 1);
    ends_at(&clock, &codec, &token(&codec), START + 1);
}

#[test]
fn enforces_the_longest_timeouts() {
    let clock = TestClock::at(START);
    let codec = with_timeouts(&clock, MAX_TIMEOUT, MAX_TIMEOUT);
    ends_at(&clock, &codec, &token(&codec), START + MAX_TIMEOUT);
}

#[test]
fn a_refresh_restarts_the_idle_timeout() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let mut opened = codec.decode(token(&codec)).unwrap();
    clock.advance(seconds(DAY - 1));
    opened.info.refreshed_at = at(START + DAY - 1);
    let token = codec.reseal(&opened).unwrap();
    ends_at(&clock, &codec, &token, START + 2 * DAY - 1);
}

#[test]
fn says_what_is_in_a_token_whatever_the_time_is() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let token = token(&codec);
    let info = codec.decode(&token).unwrap().info;
    for now in [0, START - 61, START, START + DAY - 1, START + DAY, LAST, u64::MAX] {
        clock.set(now);
        assert_eq!(codec.token_info(&token).unwrap(), info, "{now}");
    }
}

#[test]
fn says_nothing_of_a_token_that_no_key_opens() {
    let clock = TestClock::at(START);
    let token = token(&codec(&clock));
    let other = Codec::<Dynamic>::new(ring(&[8])).unwrap();
    for (token, expected) in [
        (token.as_str(), DecodeErrorKind::NoMatchingKey),
        (&token[..95], DecodeErrorKind::Malformed),
        (&"A".repeat(4096), DecodeErrorKind::TooLong),
    ] {
        assert_eq!(*other.token_info(token).unwrap_err().kind(), expected);
    }
}

#[test]
fn reading_does_not_prolong_a_token() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let token = token(&codec);
    for _ in 0..24 {
        assert_eq!(codec.decode(&token).unwrap().info.expires_at, at(START + DAY));
        clock.advance(seconds(60 * 60));
    }
    refuses(&codec, &token, DecodeErrorKind::Expired);
}

#[test]
fn tolerates_60_seconds_of_future_and_not_61() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let token = token(&codec);
    clock.set(START - 60);
    assert_eq!(codec.decode(&token).unwrap().info.refreshed_at, at(START));
    clock.set(START - 61);
    refuses(&codec, &token, DecodeErrorKind::TimestampInFuture);
}

#[test]
fn a_creation_time_in_the_future_is_refused() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let token = token_with(&codec, |opened| {
        opened.info.created_at = Some(at(START + 61));
        opened.info.refreshed_at = at(START + 61);
    });
    refuses(&codec, &token, DecodeErrorKind::TimestampInFuture);
}

#[test]
fn a_refresh_time_in_the_future_is_refused_even_if_the_creation_time_is_past() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let token = token_with(&codec, |opened| opened.info.refreshed_at = at(START + 60));
    assert_eq!(codec.decode(&token).unwrap().info.created_at, Some(at(START)));
    let token = token_with(&codec, |opened| opened.info.refreshed_at = at(START + 61));
    refuses(&codec, &token, DecodeErrorKind::TimestampInFuture);
}

#[test]
fn a_sessions_own_idle_timeout_replaces_the_codecs() {
    for own in [1, 60, DAY, 14 * DAY, 30 * DAY] {
        let clock = TestClock::at(START);
        let codec = codec(&clock);
        let token = token_with(&codec, |opened| opened.info.own_idle_timeout = Some(seconds(own)));
        let opened = codec.decode(&token).unwrap();
        assert_eq!(opened.info.own_idle_timeout, Some(seconds(own)));
        ends_at(&clock, &codec, &token, START + own);
    }
}

#[test]
fn the_absolute_timeout_ends_a_session_with_a_longer_idle_timeout_of_its_own() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let token =
        token_with(&codec, |opened| opened.info.own_idle_timeout = Some(seconds(MAX_TIMEOUT)));
    ends_at(&clock, &codec, &token, START + 30 * DAY);
}

#[test]
fn a_sessions_own_idle_timeout_can_be_taken_back() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let token = token_with(&codec, |opened| opened.info.own_idle_timeout = Some(seconds(14 * DAY)));
    let mut opened = codec.decode(token).unwrap();
    opened.info.own_idle_timeout = None;
    let token = codec.reseal(&opened).unwrap();
    assert_eq!(codec.decode(&token).unwrap().info.own_idle_timeout, None);
    ends_at(&clock, &codec, &token, START + DAY);
}

#[test]
fn refuses_to_seal_an_invalid_idle_timeout() {
    let codec = codec(&TestClock::at(START));
    let mut opened = codec.decode(token(&codec)).unwrap();
    for bad in [Duration::ZERO, Duration::from_millis(1500), seconds(1 << 31), Duration::MAX] {
        opened.info.own_idle_timeout = Some(bad);
        let error = codec.reseal(&opened).unwrap_err();
        assert!(
            matches!(error.kind(), EncodeErrorKind::IdleTimeout { found, .. } if *found == bad),
            "{error:?}"
        );
        let message = format!(
            "the session's own idle timeout must be whole seconds between 1 and 2147483647, found {bad:?}"
        );
        assert!(error.to_string().starts_with(&message), "{error}");
    }
}

#[test]
fn a_shortened_idle_timeout_takes_effect_on_old_tokens() {
    let clock = TestClock::at(START);
    let token = token(&codec(&clock));
    ends_at(&clock, &with_timeouts(&clock, 60, DAY), &token, START + 60);
}

#[test]
fn a_shortened_absolute_timeout_takes_effect_on_old_tokens() {
    let clock = TestClock::at(START);
    let refreshed = token_with(&codec(&clock), |opened| {
        opened.info.created_at = Some(at(START - 100));
    });
    ends_at(&clock, &with_timeouts(&clock, 150, 150), &refreshed, START + 50);
}

#[test]
fn a_shortened_idle_timeout_does_not_change_a_sessions_own() {
    let clock = TestClock::at(START);
    let token = token_with(&codec(&clock), |opened| {
        opened.info.own_idle_timeout = Some(seconds(7 * DAY));
    });
    ends_at(&clock, &with_timeouts(&clock, 60, 30 * DAY), &token, START + 7 * DAY);
}

#[test]
fn a_lengthened_idle_timeout_does_not_lengthen_a_session_that_is_only_resealed() {
    let clock = TestClock::at(START);
    let old = token(&codec(&clock));
    let longer = with_timeouts(&clock, 7 * DAY, 30 * DAY);
    let resealed = longer.reseal(&longer.decode(&old).unwrap()).unwrap();
    ends_at(&clock, &longer, &old, START + DAY);
    ends_at(&clock, &longer, &resealed, START + DAY);
}

#[test]
fn a_lengthened_idle_timeout_applies_to_sessions_sealed_with_it() {
    let clock = TestClock::at(START);
    let longer = with_timeouts(&clock, 7 * DAY, 30 * DAY);
    ends_at(&clock, &longer, &token(&longer), START + 7 * DAY);
}

/// What is sealed decides, not what the data says or a caller sets (CVE-2024-35220).
#[test]
fn a_restored_session_cannot_override_its_expiry() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let mut entries = Entries::new();
    for name in ["expires", "expires_at", "expiry", "__ts", "maxAge", "created_at", "refreshed_at"]
    {
        entries.insert(name, START + 1000 * DAY).unwrap();
    }
    entries.insert("cookie", serde_json::json!({"expires": "9999-12-31T23:59:59Z"})).unwrap();
    let token = codec.encode(&entries).unwrap();
    let mut opened = codec.decode(&token).unwrap();
    opened.info.expires_at = at(LAST);
    let resealed = codec.reseal(&opened).unwrap();
    ends_at(&clock, &codec, &token, START + DAY);
    ends_at(&clock, &codec, &resealed, START + DAY);
}

/// The server forgets nothing at a logout, having nothing; the expiry is the bound (CVE-2024-31999).
#[test]
fn a_token_kept_after_the_logout_opens_until_it_expires_and_no_longer() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let kept = token(&codec);
    assert!(codec.decode(&kept).is_ok());
    assert!(codec.decode(&kept).is_ok());
    ends_at(&clock, &codec, &kept, START + DAY);
}

#[test]
fn a_clock_that_jumps_back_makes_no_token_that_contradicts_itself() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let mut opened = codec.decode(token(&codec)).unwrap();
    clock.go_back(seconds(60));
    opened.info.refreshed_at = at(START - 60);
    let opened = codec.decode(codec.reseal(&opened).unwrap()).unwrap();
    assert_eq!((opened.info.created_at, opened.info.refreshed_at), (Some(at(START)), at(START)));
}

#[test]
fn works_in_the_first_second_of_1970() {
    let clock = TestClock::at(0);
    let codec = codec(&clock);
    let token = token(&codec);
    assert_eq!(codec.decode(&token).unwrap().info.created_at, Some(at(0)));
    ends_at(&clock, &codec, &token, DAY);
    clock.set(0);
    clock.go_back(seconds(1));
    assert!(codec.decode(&token).is_ok());
}

#[test]
fn a_token_of_today_is_from_the_future_for_a_clock_that_is_not_set() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let token = token(&codec);
    clock.set(0);
    refuses(&codec, &token, DecodeErrorKind::TimestampInFuture);
}

#[test]
fn a_codec_uses_the_system_clock_by_default() {
    let now = || secs(SystemTime::now());
    let codec = Codec::new(ring(&[7])).unwrap();
    let before = now();
    let opened = codec.decode(token(&codec)).unwrap();
    assert!((before..=now()).contains(&secs(opened.info.refreshed_at)));
}

#[test]
fn works_in_the_last_second_that_a_token_can_hold() {
    let clock = TestClock::at(LAST);
    let codec = codec(&clock);
    let token = token(&codec);
    let opened = codec.decode(&token).unwrap();
    assert_eq!((opened.info.refreshed_at, opened.info.expires_at), (at(LAST), at(LAST + DAY)));
    clock.set(LAST + DAY);
    refuses(&codec, &token, DecodeErrorKind::Expired);
}

#[test]
fn a_time_that_a_token_cannot_hold_is_an_error_and_not_a_panic() {
    let clock = TestClock::at(START);
    let codec = codec(&clock);
    let token = token(&codec);
    for now in [LAST + 1, u64::MAX - 1, u64::MAX] {
        clock.set(now);
        let error = codec.encode(Entries::new()).unwrap_err();
        assert_eq!(error.kind(), &EncodeErrorKind::Clock);
        refuses(&codec, &token, DecodeErrorKind::Expired);
    }
}

#[test]
fn times_that_a_token_cannot_hold_are_not_sealed() {
    let codec = codec(&TestClock::at(START));
    let mut opened = codec.decode(token(&codec)).unwrap();
    for (created_at, refreshed_at) in [
        (Some(START), LAST + 1),
        (Some(LAST + 1), START),
        (Some(2 * LAST), 2 * LAST),
        (None, LAST + 1),
    ] {
        (opened.info.created_at, opened.info.refreshed_at) = (created_at.map(at), at(refreshed_at));
        assert_eq!(codec.reseal(&opened).unwrap_err().kind(), &EncodeErrorKind::Clock);
    }
}

#[test]
fn a_session_that_has_expired_since_it_was_decoded_is_not_refreshed() {
    let clock = TestClock::at(START);
    let codec = with_timeouts(&clock, 60, 100);
    let decoded = codec.decode(token(&codec)).unwrap();
    clock.advance(seconds(59));
    let refreshed = codec.decode(codec.refresh(&decoded).unwrap()).unwrap();
    clock.advance(seconds(1));
    let kind = |decoded| codec.refresh(decoded).unwrap_err().kind().clone();
    assert_eq!(kind(&decoded), EncodeErrorKind::Expired);
    codec.refresh(&refreshed).unwrap();
    clock.advance(seconds(40));
    assert_eq!(kind(&refreshed), EncodeErrorKind::Expired);
}

#[test]
fn the_last_millisecond_that_a_token_can_say_is_sealed_and_the_next_is_not() {
    let clock = TestClock::at(LAST);
    let codec = codec(&clock);
    clock.advance(Duration::from_millis(((1 << 48) - 1) % 1000));
    let decoded = codec.decode(token(&codec)).unwrap();
    let last = Duration::from_millis((1 << 48) - 1);
    assert_eq!(decoded.info.created_at, Some(SystemTime::UNIX_EPOCH + last));
    clock.advance(Duration::from_millis(1));
    let error = codec.encode(Entries::new()).unwrap_err();
    assert_eq!(*error.kind(), EncodeErrorKind::Clock);
}
