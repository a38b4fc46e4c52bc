use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::*;
use crate::clock::TestClock;
use crate::cookies::SameSite;
use crate::crypto::key::Key;
use crate::crypto::random::tests::FAIL;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const STATE: &str = "a-state-of-22-letters.";
const NOBODY: [&str; 0] = [];

fn of(bytes: [u8; 32]) -> Key {
    Key::try_from(bytes).unwrap()
}

fn key() -> Key {
    of([7; 32])
}

fn clock() -> TestClock {
    TestClock::at(1_700_000_000)
}

fn logins_by(clock: &TestClock) -> OAuthCookies {
    OAuthCookies::builder(Keyring::new(key())).clock(clock.clone()).build().unwrap()
}

fn login() -> OAuthLogin {
    OAuthLogin::new("example", VERIFIER)
}

/// The cookies that a browser has for the path of the logins.
#[derive(Clone, Default)]
struct Browser(BTreeMap<String, String>);

impl Browser {
    fn line(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn receive(&mut self, set_cookies: &[String]) {
        for line in set_cookies {
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if line.contains("Max-Age=0") {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn start(&mut self, logins: &OAuthCookies, login: OAuthLogin) -> String {
        let started = logins.start([self.line()], login).unwrap();
        self.receive(&started.set_cookies);
        started.state
    }

    fn finish(&mut self, logins: &OAuthCookies, state: &str) -> Result<OAuthLogin, OAuthErrorKind> {
        let finished = logins.finish([self.line()], "example", state);
        self.receive(&finished.set_cookies);
        finished.login.map_err(|error| error.kind().clone())
    }
}

fn start_error(login: OAuthLogin) -> OAuthErrorKind {
    logins_by(&clock()).start(NOBODY, login).unwrap_err().kind().clone()
}

#[test]
fn a_callback_gets_back_what_was_kept() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    let kept = login().with_nonce("n-0S6_WzA2Mj").with_next("/orders?page=2#last");
    let state = browser.start(&logins, kept);
    let login = browser.finish(&logins, &state).unwrap();
    assert_eq!(login.provider(), "example");
    assert_eq!(login.pkce_verifier(), VERIFIER);
    assert_eq!(login.nonce(), Some("n-0S6_WzA2Mj"));
    assert_eq!(login.next(), "/orders?page=2#last");
    assert!(browser.0.is_empty(), "the callback removes its cookie");
}

#[test]
fn a_login_without_a_nonce_and_next_leads_to_the_root() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    let state = browser.start(&logins, login());
    let login = browser.finish(&logins, &state).unwrap();
    assert_eq!((login.nonce(), login.next()), (None, "/"));
}

#[test]
fn the_cookie_is_named_after_the_state_and_has_these_attributes() {
    let started = logins_by(&clock()).start(NOBODY, login().with_state(STATE)).unwrap();
    assert_eq!(started.state, STATE);
    let [line] = started.set_cookies.as_slice() else { panic!("one cookie") };
    // Python: hashlib.blake2b(b"a-state-of-22-letters.", digest_size=4).hexdigest()
    let rest = line.strip_prefix("__Secure-oauth-ff04afad=").unwrap();
    let attributes = rest.split_once("; ").unwrap().1;
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/auth; Max-Age=600");
}

#[test]
fn the_removal_has_the_attributes_of_the_cookie() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    let state = browser.start(&logins, login().with_state(STATE));
    let finished = logins.finish([browser.line()], "example", &state);
    let [line] = finished.set_cookies.as_slice() else { panic!("one removal") };
    assert!(line.starts_with("__Secure-oauth-ff04afad=; "), "{line}");
    assert!(line.contains("; Secure; Path=/auth; Max-Age=0; "), "{line}");
}

#[test]
fn each_state_that_is_drawn_has_160_bits_and_differs() {
    let logins = logins_by(&clock());
    let states: HashSet<_> =
        (0..100).map(|_| logins.start(NOBODY, login()).unwrap().state).collect();
    assert_eq!(states.len(), 100);
    assert!(states.iter().all(|state| state.len() == 40));
}

#[test]
fn a_stolen_callback_is_refused_in_another_browser() {
    let logins = logins_by(&clock());
    let state = Browser::default().start(&logins, login());
    let finished = logins.finish(NOBODY, "example", &state);
    assert_eq!(*finished.login.unwrap_err().kind(), OAuthErrorKind::NoCookie);
    assert!(finished.set_cookies.is_empty(), "a form_post that is sent again may still find it");
}

#[test]
fn a_stolen_callback_is_refused_in_a_browser_with_logins_of_its_own() {
    let logins = logins_by(&clock());
    let stolen = Browser::default().start(&logins, login());
    let mut browser = Browser::default();
    let own: Vec<_> = (0..2).map(|_| browser.start(&logins, login())).collect();
    let error = browser.finish(&logins, &stolen).unwrap_err();
    assert_eq!(error, OAuthErrorKind::UnknownState { others: 2 });
    for state in own {
        assert!(browser.finish(&logins, &state).is_ok(), "its own logins are not disturbed");
    }
}

#[test]
fn a_callback_is_refused_the_second_time() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    let state = browser.start(&logins, login());
    assert!(browser.finish(&logins, &state).is_ok());
    assert_eq!(browser.finish(&logins, &state).unwrap_err(), OAuthErrorKind::NoCookie);
}

#[test]
fn a_callback_without_a_state_is_refused() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    browser.start(&logins, login());
    assert_eq!(browser.finish(&logins, "").unwrap_err(), OAuthErrorKind::NoState);
}

#[test]
fn a_login_times_out_after_ten_minutes() {
    let clock = clock();
    let logins = logins_by(&clock);
    let mut browser = Browser::default();
    let state = browser.start(&logins, login());
    clock.advance(Duration::from_millis(599_999));
    assert!(browser.clone().finish(&logins, &state).is_ok());
    clock.advance(Duration::from_millis(1));
    assert_eq!(browser.finish(&logins, &state).unwrap_err(), OAuthErrorKind::Expired);
    assert!(browser.0.is_empty(), "a callback that fails removes its cookie, too");
}

#[test]
fn another_timeout_is_also_the_cookies_max_age() {
    let clock = clock();
    let logins = OAuthCookies::builder(Keyring::new(key()))
        .timeout(Duration::from_secs(60))
        .clock(clock.clone())
        .build()
        .unwrap();
    let mut browser = Browser::default();
    let started = logins.start(NOBODY, login()).unwrap();
    assert!(started.set_cookies[0].ends_with("; Max-Age=60"));
    browser.receive(&started.set_cookies);
    clock.advance(Duration::from_secs(60));
    assert_eq!(browser.finish(&logins, &started.state).unwrap_err(), OAuthErrorKind::Expired);
}

#[test]
fn a_timeout_may_be_longer_than_a_sessions() {
    let sixty_days = Duration::from_secs(60 * 24 * 60 * 60);
    let builder = OAuthCookies::builder(Keyring::new(key())).timeout(sixty_days);
    assert!(builder.build().is_ok());
}

#[test]
fn the_fifth_login_removes_the_oldest() {
    let clock = clock();
    let logins = logins_by(&clock);
    let mut browser = Browser::default();
    let mut states = Vec::new();
    for _ in 0..5 {
        states.push(browser.start(&logins, login()));
        clock.advance(Duration::from_millis(1));
    }
    assert_eq!(browser.0.len(), 4);
    let oldest = browser.finish(&logins, &states[0]).unwrap_err();
    assert_eq!(oldest, OAuthErrorKind::UnknownState { others: 4 });
    for state in &states[1..] {
        assert!(browser.finish(&logins, state).is_ok());
    }
}

#[test]
fn a_state_that_is_used_again_replaces_its_login_alone() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    browser.start(&logins, login().with_state(STATE));
    (0..3).for_each(|_| drop(browser.start(&logins, login())));
    browser.start(&logins, login().with_state(STATE).with_next("/again"));
    assert_eq!(browser.0.len(), 4);
    assert_eq!(browser.finish(&logins, STATE).unwrap().next(), "/again");
}

#[test]
fn junk_goes_first_and_the_users_logins_stay() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    let states: Vec<_> = (0..3).map(|_| browser.start(&logins, login())).collect();
    for digits in ["00000000", "ffffffff", "01234567", "89abcdef", "deadbeef"] {
        browser.0.insert(format!("__Secure-oauth-{digits}"), "planted".to_owned());
    }
    let newest = browser.start(&logins, login());
    assert_eq!(browser.0.len(), 4, "the junk is gone");
    for state in states.iter().chain([&newest]) {
        assert!(browser.finish(&logins, state).is_ok());
    }
}

#[test]
fn logins_that_have_timed_out_go_first() {
    let clock = clock();
    let logins = logins_by(&clock);
    let mut browser = Browser::default();
    (0..2).for_each(|_| drop(browser.start(&logins, login())));
    clock.advance(Duration::from_secs(600));
    (0..4).for_each(|_| drop(browser.start(&logins, login())));
    assert_eq!(browser.0.len(), 4);
}

#[test]
fn a_start_removes_at_most_sixteen_cookies() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    for digits in 0..1000 {
        browser.0.insert(format!("__Secure-oauth-{digits:08x}"), "planted".to_owned());
    }
    let started = logins.start([browser.line()], login()).unwrap();
    assert_eq!(started.set_cookies.len(), 16 + 1);
    assert!(!started.set_cookies[16].contains("Max-Age=0"));
    browser.receive(&started.set_cookies);
    assert!(browser.finish(&logins, &started.state).is_ok());
}

#[test]
fn the_oldest_go_if_the_cookie_lines_would_be_too_long() {
    let clock = clock();
    let logins = logins_by(&clock);
    let mut browser = Browser::default();
    let long = || login().with_next(format!("/{}", "n".repeat(511)));
    let mut states = Vec::new();
    for _ in 0..3 {
        states.push(browser.start(&logins, long()));
        clock.advance(Duration::from_secs(1));
    }
    let session = format!("login={}", "s".repeat(4_000));
    let started = logins.start([session.clone(), browser.line()], long()).unwrap();
    browser.receive(&started.set_cookies);
    assert_eq!(browser.0.len(), 3);
    assert!(session.len() + browser.line().len() <= 7_500);
    assert!(browser.finish(&logins, &states[0]).is_err());
    assert!(browser.finish(&logins, &started.state).is_ok());
}

#[test]
fn other_cookies_are_left_alone() {
    let logins = logins_by(&clock());
    let others = "__Secure-oauth=a; __Secure-oauth-=b; __Secure-oauth-0123456=c; \
                  __Secure-oauth-012345678=d; __Secure-oauth-0123456G=e; oauth-01234567=f; \
                  __Secure-oauth-0123456F=g; __Secure-oauth-01234567; session=h; ";
    let started = logins.start([others], login()).unwrap();
    assert_eq!(started.set_cookies.len(), 1);
    let finished = logins.finish([others], "example", &started.state);
    assert_eq!(*finished.login.unwrap_err().kind(), OAuthErrorKind::NoCookie);
}

#[test]
fn the_cookie_is_found_in_any_of_several_lines() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    let state = browser.start(&logins, login());
    let line = browser.line();
    let lines: [&[u8]; 4] = [b"a=1", b"\xff=\xff; ;;=", line.as_bytes(), b"b=2"];
    assert!(logins.finish(lines, "example", &state).login.is_ok());
}

#[test]
fn a_copy_under_another_name_is_junk() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    browser.start(&logins, login());
    let sealed = browser.0.values().next().unwrap().clone();
    browser.0.insert("__Secure-oauth-00000000".to_owned(), sealed.clone());
    let state = browser.start(&logins, login());
    assert!(!browser.0.contains_key("__Secure-oauth-00000000"));

    let name = logins.name_of(&state);
    browser.0.insert(name, sealed);
    assert_eq!(browser.finish(&logins, &state).unwrap_err(), OAuthErrorKind::StateMismatch);
}

#[test]
fn planted_cookies_of_the_same_name_do_not_hide_the_login() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    let state = browser.start(&logins, login());
    let name = logins.name_of(&state);
    let own = browser.line();
    let line = format!("{name}=planted; {name}=; {name}=%; {own}; {name}=planted");
    assert!(logins.finish([line.as_str()], "example", &state).login.is_ok());
    let started = logins.start([line], login()).unwrap();
    assert_eq!(started.set_cookies.len(), 1, "the removal would remove the login as well");
}

#[test]
fn every_changed_bit_is_refused() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    let state = browser.start(&logins, login());
    let (name, sealed) = browser.0.pop_first().unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone().into_bytes();
        changed[bit / 8] ^= 1 << (bit % 8);
        let line = [name.as_bytes(), b"=", &changed].concat();
        let finished = logins.finish([line], "example", &state);
        assert_eq!(*finished.login.unwrap_err().kind(), OAuthErrorKind::Unreadable, "bit {bit}");
    }
}

#[test]
fn a_session_under_the_same_key_is_no_login() {
    use crate::kind::{Dynamic, Entries};

    let sessions = Codec::<Dynamic>::builder(Keyring::new(key())).clock(clock()).build().unwrap();
    let mut entries = Entries::new();
    for (name, value) in [("s", STATE), ("p", "example"), ("v", VERIFIER), ("u", "/")] {
        entries.insert(name, value).unwrap();
    }
    let token = sessions.encode(&entries).unwrap();
    let logins = logins_by(&clock());
    let line = format!("{}={token}", logins.name_of(STATE));
    let error = logins.finish([line], "example", STATE).login.unwrap_err();
    assert_eq!(*error.kind(), OAuthErrorKind::Unreadable);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "no key in the keyring opens the token");
}

#[test]
fn the_callback_of_another_provider_is_refused() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    let state = browser.start(&logins, OAuthLogin::new("dishonest", VERIFIER));
    let error = browser.finish(&logins, &state).unwrap_err();
    assert_eq!(error, OAuthErrorKind::OtherProvider { began_at: "dishonest".to_owned() });
    assert!(browser.0.is_empty());
}

#[test]
fn logins_survive_a_rotation() {
    let keyring = Keyring::new(key());
    let logins = OAuthCookies::builder(keyring.clone()).build().unwrap();
    let mut browser = Browser::default();
    let states = [(); 2].map(|()| browser.start(&logins, login()));
    keyring.replace(Keyring::new(of([8; 32])).with_previous(key()).unwrap()).unwrap();
    assert!(browser.finish(&logins, &states[0]).is_ok());
    logins.replace_keyring(Keyring::new(of([9; 32]))).unwrap();
    assert_eq!(browser.finish(&logins, &states[1]).unwrap_err(), OAuthErrorKind::Unreadable);
}

#[cfg(feature = "fastify")]
#[test]
fn a_node_key_seals_no_login_and_opens_none() {
    use crate::kind::{Dynamic, Entries};

    let node = of([9; 32]);
    let needs_native = ConfigErrorKind::NeedsNativeKey { setting: "OAuthCookies" };
    let error = OAuthCookies::new(Keyring::fastify(node.clone())).unwrap_err();
    assert_eq!(*error.kind(), needs_native);

    // The key also serves a session's cookie, whose content its user may choose.
    let sessions = Codec::<Dynamic>::new(Keyring::fastify(node.clone())).unwrap();
    let keyring = Keyring::new(key()).with_previous_fastify(node.clone()).unwrap();
    let logins = OAuthCookies::new(keyring.clone()).unwrap();
    let mut entries = Entries::new();
    for (name, value) in [("s", STATE), ("p", "example"), ("v", VERIFIER), ("u", "/")] {
        entries.insert(name, value).unwrap();
    }
    let line = format!("{}={}", logins.name_of(STATE), sessions.encode(&entries).unwrap());
    let error = logins.finish([line], "example", STATE).login.unwrap_err();
    assert_eq!(*error.kind(), OAuthErrorKind::Unreadable);

    assert!(keyring.replace(Keyring::fastify(node.clone())).is_err());
    let error = logins.replace_keyring(Keyring::fastify(node)).unwrap_err();
    assert_eq!(*error.kind(), needs_native);
    assert!(logins.start(NOBODY, login()).is_ok());
}

#[test]
fn next_is_a_path_of_this_site() {
    let logins = logins_by(&clock());
    for next in [
        "/",
        "/a",
        "/a/b?c=d",
        "/go?to=https://other.example//x",
        "/a#//b",
        "/?\\",
        "/caf\u{e9}",
        "/%5c",
        "/a b",
        "/.",
        "/%2f%2fevil.example",
        "/:80",
    ] {
        assert!(logins.start(NOBODY, login().with_next(next)).is_ok(), "{next:?}");
    }
    for next in [
        "",
        "a",
        "?a",
        "#a",
        ".",
        "//",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        " /a",
        " //evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        "/a\r\nset-cookie: b=c",
        "/\0",
        "/\u{7f}",
        "/\u{85}",
        "/a?b\nc",
        "/a/..//evil.example",
        "/..//evil.example",
        "/.\\evil.example",
        "/a\\b",
    ] {
        assert_eq!(start_error(login().with_next(next)), OAuthErrorKind::NextNotLocal, "{next:?}");
    }
}

#[test]
fn next_has_at_most_512_bytes() {
    let next = |len: usize| format!("/{}", "n".repeat(len - 1));
    assert!(logins_by(&clock()).start(NOBODY, login().with_next(next(512))).is_ok());
    let error = start_error(login().with_next(next(513)));
    assert_eq!(error, OAuthErrorKind::NextTooLong { found: 513 });
}

#[test]
fn what_no_login_consists_of_is_refused() {
    let verifier = |verifier: &str| start_error(OAuthLogin::new("example", verifier));
    for wrong in
        ["", &VERIFIER[1..], &"v".repeat(129), &VERIFIER.replace('-', "+"), &"\u{e9}".repeat(43)]
    {
        assert_eq!(verifier(wrong), OAuthErrorKind::PkceVerifier, "{wrong:?}");
    }
    for wrong in ["", &"p".repeat(256), "a\nb"] {
        let error = start_error(OAuthLogin::new(wrong, VERIFIER));
        assert_eq!(error, OAuthErrorKind::ProviderName, "{wrong:?}");
    }
    for wrong in ["", &"n".repeat(256), "a\nb", "\u{e9}"] {
        assert_eq!(start_error(login().with_nonce(wrong)), OAuthErrorKind::Nonce, "{wrong:?}");
    }
    for wrong in ["", &STATE[1..], &"s".repeat(256), &"\u{e9}".repeat(22)] {
        assert_eq!(start_error(login().with_state(wrong)), OAuthErrorKind::State, "{wrong:?}");
    }
}

#[test]
fn the_largest_login_fits_into_a_cookie() {
    let logins = logins_by(&clock());
    // JSON escapes quotes.
    let quotes = |len| "\"".repeat(len);
    let largest = OAuthLogin::new(quotes(255), "v".repeat(128))
        .with_nonce(quotes(255))
        .with_state(quotes(255))
        .with_next(format!("/{}", quotes(511)));
    let started = logins.start(NOBODY, largest).unwrap();
    let mut browser = Browser::default();
    browser.receive(&started.set_cookies);
    assert!(browser.line().len() <= crate::cookies::MAX_COOKIE_LEN);
    assert!(logins.finish([browser.line()], &quotes(255), &started.state).login.is_ok());
}

#[test]
fn without_randomness_no_login_begins() {
    let logins = logins_by(&clock());
    FAIL.set(true);
    let error = logins.start(NOBODY, login()).unwrap_err();
    FAIL.set(false);
    assert_eq!(*error.kind(), OAuthErrorKind::NotSealed);
    assert_eq!(
        format!("{error:?}"),
        "the login could not be sealed into a cookie: the operating system gave no randomness"
    );
}

#[test]
fn the_prefix_follows_the_path_and_secure() {
    let keyring = || Keyring::new(key());
    let build = |builder: OAuthCookiesBuilder| builder.build().unwrap().name_of(STATE);
    let root = OAuthCookies::builder(keyring()).path("/");
    assert!(build(root).starts_with("__Host-oauth-"));
    let named = OAuthCookies::builder(keyring()).name("staff");
    assert!(build(named).starts_with("__Secure-staff-"));
    let plain = OAuthCookies::builder(keyring()).danger_allow_plain_http();
    assert!(build(plain).starts_with("oauth-"));
}

#[test]
fn settings_that_a_browser_would_refuse_are_refused() {
    let build = |builder: OAuthCookiesBuilder| builder.build().unwrap_err().kind().clone();
    let builder = || OAuthCookies::builder(Keyring::new(key()));
    let strict = build(builder().same_site(SameSite::Strict));
    assert_eq!(strict, ConfigErrorKind::StrictLogin);
    let plain = build(builder().same_site(SameSite::None).danger_allow_plain_http());
    assert!(matches!(plain, ConfigErrorKind::NeedsSecure { .. }));
    assert!(matches!(build(builder().path("auth")), ConfigErrorKind::Path { .. }));
    assert!(matches!(build(builder().timeout(Duration::ZERO)), ConfigErrorKind::Timeout { .. }));
    let too_long = "n".repeat(255 - "__Secure-".len());
    assert!(matches!(build(builder().name(too_long)), ConfigErrorKind::CookieName { .. }));
}

#[test]
fn nothing_secret_is_printed() {
    let logins = logins_by(&clock());
    let kept = login().with_nonce("the-nonce").with_state(STATE);
    let mut printed = format!("{kept:?} {logins:?}");
    let started = logins.start(NOBODY, kept).unwrap();
    let mut browser = Browser::default();
    browser.receive(&started.set_cookies);
    let sealed = browser.0.values().next().unwrap().clone();
    printed += &format!("{started:?}");
    for (line, state, provider) in [
        (browser.line(), STATE, "example"),
        (browser.line(), STATE, "other"),
        (browser.line(), "another-state-that-is-secret", "example"),
        (format!("{}=x", logins.name_of(STATE)), STATE, "example"),
        (String::new(), STATE, "example"),
    ] {
        let finished = logins.finish([line], provider, state);
        printed += &format!("{finished:?} {:?}", finished.login);
        if let Err(error) = finished.login {
            printed += &format!("{error} {error:?} {:?}", error.kind());
        }
    }
    for secret in [VERIFIER, "the-nonce", STATE, "another-state", &sealed] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn junk_goes_before_a_login_that_has_begun() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    let state = browser.start(&logins, login());
    let mut line = browser.line();
    for number in 0..3 {
        line.push_str(&format!("; __Secure-oauth-0000000{number}={}", "A".repeat(2400)));
    }
    let started = logins.start([line], login()).unwrap();
    browser.receive(&started.set_cookies);
    assert!(browser.finish(&logins, &state).is_ok());
}

#[test]
fn a_login_that_begins_again_has_another_state() {
    let logins = logins_by(&clock());
    let mut browser = Browser::default();
    let state = browser.start(&logins, login());
    let back = browser.finish(&logins, &state).unwrap();
    assert_ne!(browser.start(&logins, back), state);
}
