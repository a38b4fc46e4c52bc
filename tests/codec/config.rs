//! Settings that do not fit together are an error at start-up, with words that help.

use std::time::Duration;

use sealed_session::{
    Codec, CodecBuilder, ConfigErrorKind, CookieOptions, Dynamic, SameSite, SessionKind,
};

use crate::support::ring;

fn builder() -> CodecBuilder<Dynamic> {
    Codec::builder(ring(&[7]))
}

/// The kind of the error, whose message must contain `words`.
#[track_caller]
fn fails(builder: CodecBuilder<Dynamic>, words: &[&str]) -> ConfigErrorKind {
    let error = builder.build().expect_err("such a codec was built");
    let message = error.to_string();
    for words in words {
        assert!(message.contains(words), "{words:?} is not in {message:?}");
    }
    error.kind().clone()
}

#[track_caller]
fn cookie_fails(options: CookieOptions, words: &[&str]) -> ConfigErrorKind {
    fails(builder().cookie(options), words)
}

#[track_caller]
fn builds(options: CookieOptions) {
    builder().cookie(options).build().unwrap();
}

#[test]
fn the_defaults_fit() {
    for options in [
        CookieOptions::new(),
        CookieOptions::host_prefixed(),
        CookieOptions::secure_prefixed(),
        CookieOptions::default(),
    ] {
        builds(options);
    }
}

#[test]
fn a_name_that_is_not_a_token_is_refused() {
    for bad in
        ["", "a b", "a=b", "a;b", "a,b", "a\"", "(a)", "a/b", "é", "a\n", "a\0", "a\t", "a[0]"]
    {
        let kind = cookie_fails(
            CookieOptions::new().name(bad),
            &["is not a valid cookie name", "1 to 255"],
        );
        assert!(matches!(kind, ConfigErrorKind::CookieName { name, .. } if name == bad));
    }
}

#[test]
fn a_name_has_at_most_255_bytes() {
    builds(CookieOptions::new().name("n".repeat(255)));
    cookie_fails(CookieOptions::new().name("n".repeat(256)), &["1 to 255"]);
    builds(CookieOptions::host_prefixed().name("n".repeat(248)));
    cookie_fails(CookieOptions::host_prefixed().name("n".repeat(249)), &["1 to 255"]);
}

#[test]
fn the_kinds_own_name_is_checked() {
    struct Bad;
    impl SessionKind for Bad {
        type Data = u8;
        const NAME: &'static str = "not a name";
    }
    let error = Codec::<Bad>::new(ring(&[7])).unwrap_err();
    assert!(error.to_string().starts_with("\"not a name\" is not a valid cookie name"), "{error}");
}

#[test]
fn a_prefix_is_enforced_in_any_letter_case() {
    let new = CookieOptions::new;
    for (prefixes, options, wanted) in [
        (
            &["__Host-", "__host-", "__HOST-", "__hOsT-", "__Secure-", "__secure-", "__SECURE-"][..],
            new().danger_allow_plain_http(),
            "is Secure",
        ),
        (&["__Host-", "__host-", "__HOST-"], new().path("/app"), "has Path=/"),
        (&["__Host-", "__host-", "__HOST-"], new().domain("example.com"), "has no Domain"),
        (
            &["__Http-", "__http-", "__Host-Http-", "__host-http-"],
            new().danger_allow_script_access(),
            "is HttpOnly",
        ),
    ] {
        for prefix in prefixes {
            let full = format!("{prefix}sid");
            let kind = cookie_fails(options.clone().name(full.clone()), &[&full, wanted]);
            assert!(matches!(
                kind,
                ConfigErrorKind::CookiePrefix { name, demands, .. }
                    if name == full && demands == wanted
            ));
        }
    }
}

#[test]
fn a_secure_prefix_allows_a_path_and_a_domain() {
    builds(CookieOptions::secure_prefixed().path("/app").domain("example.com"));
}

#[test]
fn a_path_begins_with_a_slash_and_is_printable() {
    let long = format!("/{}", "p".repeat(1024));
    for bad in ["", "app", "/a;b", "/a\n", "/\0", "/é", &long] {
        let kind = cookie_fails(
            CookieOptions::new().path(bad.to_owned()),
            &["is not a valid cookie path"],
        );
        assert!(matches!(kind, ConfigErrorKind::Path { path, .. } if path == bad));
    }
    builds(CookieOptions::new().path(long[..1024].to_owned()));
}

#[test]
fn a_domain_is_a_host_name() {
    let long = "a.".repeat(126) + "aa";
    for bad in [
        "",
        ".",
        ".example.com",
        "example.com.",
        "a..b",
        "a b",
        "a;b",
        "a/b",
        "a:80",
        "é.de",
        &long,
    ] {
        let kind = cookie_fails(
            CookieOptions::new().domain(bad.to_owned()),
            &["is not a valid host name"],
        );
        assert!(matches!(kind, ConfigErrorKind::Domain { domain, .. } if domain == bad));
    }
    for good in ["example.com", "localhost", "a-b.example", "127.0.0.1", &long[..253]] {
        builds(CookieOptions::new().domain(good.to_owned()));
    }
}

#[test]
fn same_site_none_and_partitioned_need_secure() {
    let plain = || CookieOptions::new().danger_allow_plain_http();
    for (options, attribute) in [
        (plain().same_site(SameSite::None), "SameSite=None"),
        (plain().partitioned(true), "Partitioned"),
    ] {
        let kind = cookie_fails(options, &[attribute, "but not Secure"]);
        assert_eq!(format!("{kind:?}"), format!("NeedsSecure {{ attribute: {attribute:?} }}"));
    }
    builds(CookieOptions::new().same_site(SameSite::None).partitioned(true));
    builds(plain().same_site(SameSite::Strict));
}

#[test]
fn max_age_is_whole_seconds_up_to_400_days() {
    let most = Duration::from_secs(400 * 24 * 60 * 60);
    for bad in [
        Duration::ZERO,
        Duration::from_millis(999),
        Duration::from_millis(1001),
        most + Duration::from_nanos(1),
        most + Duration::from_secs(1),
        Duration::MAX,
    ] {
        let kind =
            cookie_fails(CookieOptions::new().max_age(bad), &[&format!("{bad:?}"), "400 days"]);
        assert!(matches!(kind, ConfigErrorKind::MaxAge { found, .. } if found == bad));
    }
    builds(CookieOptions::new().max_age(Duration::from_secs(1)));
    builds(CookieOptions::new().max_age(most));
}

#[test]
fn timeouts_are_whole_seconds_up_to_68_years() {
    let most = Duration::from_secs((1 << 31) - 1);
    for bad in [
        Duration::ZERO,
        Duration::from_millis(999),
        Duration::from_millis(1001),
        most + Duration::from_nanos(1),
        most + Duration::from_secs(1),
        Duration::from_secs(1 << 32) + Duration::from_secs(1),
        Duration::MAX,
    ] {
        for (wanted, builder) in
            [("idle", builder().idle_timeout(bad)), ("absolute", builder().absolute_timeout(bad))]
        {
            let message = format!(
                "the {wanted} timeout must be whole seconds between 1 and 2147483647, found {bad:?}"
            );
            let kind = fails(builder, &[&message]);
            assert!(matches!(
                kind,
                ConfigErrorKind::Timeout { which, found, .. } if which == wanted && found == bad
            ));
        }
    }
    builder().idle_timeout(most).absolute_timeout(most).build().unwrap();
}

#[test]
fn an_idle_timeout_beyond_the_absolute_one_is_refused() {
    let day = Duration::from_secs(24 * 60 * 60);
    let longer = 30 * day + Duration::from_secs(1);
    let kind = fails(builder().idle_timeout(longer), &["2592001s", "2592000s", "set both"]);
    assert!(matches!(
        kind,
        ConfigErrorKind::IdleBeyondAbsolute { idle, absolute, .. }
            if idle == longer && absolute == 30 * day
    ));
    builder().idle_timeout(30 * day).build().unwrap();
    builder().idle_timeout(longer).absolute_timeout(longer).build().unwrap();
}

#[test]
fn messages_are_one_line_without_a_full_stop() {
    for message in [
        builder().cookie(CookieOptions::new().name("a\nb")).build().unwrap_err().to_string(),
        builder().cookie(CookieOptions::new().path("a\nb")).build().unwrap_err().to_string(),
        builder().cookie(CookieOptions::new().domain("a\nb")).build().unwrap_err().to_string(),
        builder().idle_timeout(Duration::ZERO).build().unwrap_err().to_string(),
        builder().absolute_timeout(Duration::from_secs(1)).build().unwrap_err().to_string(),
    ] {
        assert!(!message.contains('\n') && !message.ends_with('.'), "{message:?}");
    }
}

#[test]
fn a_remember_timeout_below_the_idle_timeout_is_refused() {
    let day = Duration::from_secs(24 * 60 * 60);
    let remembering = |timeout| builder().idle_timeout(day).remember_timeout(timeout);
    let kind = fails(remembering(day - Duration::from_secs(1)), &["86399s", "86400s", "set both"]);
    assert!(matches!(kind, ConfigErrorKind::RememberBelowIdle { .. }));
    remembering(day).build().unwrap();
}

#[test]
fn a_cookie_header_of_256_bytes_is_the_shortest_limit() {
    let limited = |length| builder().max_cookie_header(length);
    let kind = fails(limited(255), &["255"]);
    assert!(matches!(kind, ConfigErrorKind::MaxCookieHeader { found: 255, .. }));
    limited(256).build().unwrap();
}
