//! Cookie names and attributes that a browser would refuse are refused when the codec is built, or
//! where a handler sets them.

use std::time::Duration;

use sealed_session::{Codec, ConfigError, ConfigErrorKind, CookieOptions, Dynamic, SameSite};

use crate::support::ring;

fn build(options: CookieOptions) -> Result<Codec<Dynamic>, ConfigError> {
    Codec::builder(ring(&[1])).cookie(options).build()
}

#[track_caller]
fn name_of(options: CookieOptions) -> String {
    build(options).unwrap().cookie_name().to_owned()
}

#[track_caller]
fn refused(options: CookieOptions) -> ConfigErrorKind {
    let shown = format!("{options:?}");
    let error = build(options).err();
    error.expect(&shown).kind().clone()
}

/// A setting that a prefix or another attribute forbids.
type Change = fn(CookieOptions) -> CookieOptions;

const PLAIN: Change = CookieOptions::danger_allow_plain_http;
const SCRIPTS: Change = CookieOptions::danger_allow_script_access;
const PATH: Change = |options| options.path("/app");
const DOMAIN: Change = |options| options.domain("example.org");

#[test]
fn the_name_is_that_of_the_kind_by_default() {
    assert_eq!(name_of(CookieOptions::new()), "session");
    assert_eq!(name_of(CookieOptions::default()), "session");
    assert_eq!(name_of(CookieOptions::new().name("sid")), "sid");
    assert_eq!(name_of(CookieOptions::host_prefixed()), "__Host-session");
    assert_eq!(name_of(CookieOptions::secure_prefixed()), "__Secure-session");
    assert_eq!(name_of(CookieOptions::host_prefixed().name("sid")), "__Host-sid");
}

#[test]
fn a_name_is_a_token() {
    for name in ["a", "A-z_0.9", "!#$%&'*+-.^_`|~", &"n".repeat(255)] {
        assert_eq!(name_of(CookieOptions::new().name(name.to_owned())), name);
    }
    for name in [
        "",
        " ",
        "a b",
        "a=b",
        "a;b",
        "a,b",
        "a\"",
        "a\n",
        "a\r\nSet-Cookie: b",
        "a\0",
        "ä",
        "a(",
        "a{",
        "a/",
        "a:",
        "a@",
        "a[",
        "a\\",
        &"n".repeat(256),
    ] {
        let kind = refused(CookieOptions::new().name(name.to_owned()));
        assert!(
            matches!(&kind, ConfigErrorKind::CookieName { name: found, .. } if found == name),
            "{name:?}: {kind:?}"
        );
    }
    let kind = refused(CookieOptions::host_prefixed().name("n".repeat(249)));
    assert!(matches!(kind, ConfigErrorKind::CookieName { .. }), "the prefix counts");
}

#[test]
fn a_prefix_has_its_requirements_in_any_letter_case() {
    let demands: [(&str, &[(Change, &str)]); 4] = [
        ("__Secure-", &[(PLAIN, "is Secure")]),
        ("__Host-", &[(PLAIN, "is Secure"), (PATH, "has Path=/"), (DOMAIN, "has no Domain")]),
        ("__Http-", &[(PLAIN, "is Secure"), (SCRIPTS, "is HttpOnly")]),
        (
            "__Host-Http-",
            &[
                (PLAIN, "is Secure"),
                (PATH, "has Path=/"),
                (DOMAIN, "has no Domain"),
                (SCRIPTS, "is HttpOnly"),
            ],
        ),
    ];
    for (prefix, demands) in demands {
        for prefix in [prefix.to_owned(), prefix.to_lowercase(), prefix.to_uppercase()] {
            let name = format!("{prefix}sid");
            let options = || CookieOptions::new().name(name.clone());
            assert_eq!(name_of(options()), name);
            for (change, wanted) in demands {
                let kind = refused(change(options()));
                assert!(
                    matches!(&kind, ConfigErrorKind::CookiePrefix { name: found, demands, .. }
                        if *found == name && demands == wanted),
                    "{name}: {kind:?}"
                );
            }
        }
    }
}

#[test]
fn a_prefix_allows_what_it_does_not_forbid() {
    for (prefix, changes) in [
        ("__Secure-", &[PATH, DOMAIN, SCRIPTS][..]),
        ("__Host-", &[SCRIPTS]),
        ("__Http-", &[PATH, DOMAIN]),
        ("__Hos-", &[PLAIN, PATH, DOMAIN, SCRIPTS]),
        ("_Host-", &[PLAIN, PATH, DOMAIN, SCRIPTS]),
        ("x__Host-", &[PLAIN, PATH, DOMAIN, SCRIPTS]),
        ("", &[PLAIN, PATH, DOMAIN, SCRIPTS]),
    ] {
        for change in changes {
            let name = format!("{prefix}sid");
            assert_eq!(name_of(change(CookieOptions::new().name(name.clone()))), name);
        }
    }
}

#[test]
fn the_prefixed_constructors_have_the_requirements_of_their_prefix() {
    for options in [
        PLAIN(CookieOptions::host_prefixed()),
        PATH(CookieOptions::host_prefixed()),
        DOMAIN(CookieOptions::host_prefixed()),
        PLAIN(CookieOptions::secure_prefixed()),
        SCRIPTS(CookieOptions::host_prefixed().name("Http-sid")),
    ] {
        let kind = refused(options);
        assert!(matches!(kind, ConfigErrorKind::CookiePrefix { .. }), "{kind:?}");
    }
}

#[test]
fn a_path_begins_with_a_slash_and_cannot_end_the_attribute() {
    let longest = format!("/{}", "p".repeat(1023));
    for path in ["/", "/app", "/app/", "/a%20b", "/a,b", &longest] {
        build(CookieOptions::new().path(path.to_owned())).unwrap();
    }
    let too_long = format!("{longest}p");
    for path in [
        "",
        "app",
        "./",
        "/a;b",
        "/; Domain=evil.example",
        "/a\n",
        "/a\r\nX: y",
        "/a\0",
        "/ä",
        "/\u{7f}",
        &too_long,
    ] {
        let kind = refused(CookieOptions::new().path(path.to_owned()));
        assert!(
            matches!(&kind, ConfigErrorKind::Path { path: found, .. } if found == path),
            "{path:?}: {kind:?}"
        );
    }
}

#[test]
fn a_domain_is_a_host_name() {
    let label = "l".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", &label[..61]);
    for domain in ["example.org", "a-b.example.org", "localhost", "xn--bcher-kva.example", &longest]
    {
        build(CookieOptions::new().domain(domain.to_owned())).unwrap();
    }
    let too_long = format!("{longest}l");
    for domain in [
        "",
        ".",
        ".example.org",
        "example.org.",
        "a..b",
        "example.org; Path=/",
        "example org",
        "exämple.org",
        "example.org:80",
        "https://example.org",
        "example.org\r\n",
        "*.example.org",
        "-a.example.org",
        "a-.example.org",
        &format!("{}.example.org", "l".repeat(64)),
        &too_long,
    ] {
        let kind = refused(CookieOptions::new().domain(domain.to_owned()));
        assert!(
            matches!(&kind, ConfigErrorKind::Domain { domain: found, .. } if found == domain),
            "{domain:?}: {kind:?}"
        );
    }
}

#[test]
fn same_site_none_and_partitioned_need_secure() {
    let cases: [(Change, &str); 2] = [
        (|options| options.same_site(SameSite::None), "SameSite=None"),
        (|options| options.partitioned(true), "Partitioned"),
    ];
    for (change, wanted) in cases {
        build(change(CookieOptions::new())).unwrap();
        // In either order of the calls.
        for options in [PLAIN(change(CookieOptions::new())), change(PLAIN(CookieOptions::new()))] {
            let kind = refused(options);
            assert!(
                matches!(kind, ConfigErrorKind::NeedsSecure { attribute, .. } if attribute == wanted),
                "{kind:?}"
            );
        }
    }
    for same_site in [SameSite::Lax, SameSite::Strict] {
        build(PLAIN(CookieOptions::new()).same_site(same_site)).unwrap();
    }
}

#[test]
fn max_age_is_whole_seconds_up_to_400_days() {
    let most = Duration::from_secs(400 * 86_400);
    for age in [Duration::from_secs(1), most] {
        build(CookieOptions::new().max_age(age)).unwrap();
    }
    for age in [
        Duration::ZERO,
        Duration::from_millis(500),
        Duration::from_millis(1500),
        most + Duration::from_nanos(1),
        most + Duration::from_secs(1),
        Duration::MAX,
    ] {
        let kind = refused(CookieOptions::new().max_age(age));
        assert!(
            matches!(kind, ConfigErrorKind::MaxAge { found, .. } if found == age),
            "{age:?}: {kind:?}"
        );
    }
}

#[test]
fn an_error_says_what_a_browser_would_refuse() {
    let error = build(PATH(CookieOptions::host_prefixed())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a browser refuses a cookie named \"__Host-session\" unless it has Path=/"
    );
}

#[test]
fn a_prefix_is_added_to_the_name_only_once() {
    for (options, name) in [
        (CookieOptions::host_prefixed().name("__Host-login"), "__Host-login"),
        (CookieOptions::secure_prefixed().name("__Secure-login"), "__Secure-login"),
        (CookieOptions::host_prefixed().name("login"), "__Host-login"),
        (CookieOptions::host_prefixed().name("__login"), "__Host-__login"),
    ] {
        assert_eq!(name_of(options), name);
    }
    for options in [
        CookieOptions::host_prefixed().name("__host-login"),
        CookieOptions::host_prefixed().name("__Secure-login"),
        CookieOptions::secure_prefixed().name("__Host-login"),
        CookieOptions::secure_prefixed().name("__Http-login"),
    ] {
        let kind = refused(options);
        assert!(matches!(kind, ConfigErrorKind::CookiePrefix { .. }), "{kind:?}");
    }
}

#[cfg(feature = "axum")]
mod for_one_response {
    use sealed_session::{Session, SessionErrorKind};

    use super::*;
    use crate::support::Browser;

    /// What a handler is told that sets these options, and what the cookie is called then.
    fn told(base: CookieOptions, options: CookieOptions) -> Result<(), SessionErrorKind> {
        let mut browser = Browser::new();
        let codec = browser.builder::<Dynamic>().cookie(base).build().unwrap();
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        browser.visit(&codec, move |session: Session| {
            let result = session.set_cookie_options(options);
            tell.send(result.map_err(|error| error.kind().clone())).unwrap();
            session.insert("a", 1)
        });
        assert!(browser.cookie(codec.cookie_name()).is_some());
        told.recv().unwrap()
    }

    #[test]
    fn renaming_the_cookie_is_refused() {
        for (base, options, to) in [
            (CookieOptions::new(), CookieOptions::new().name("sid"), "sid"),
            (CookieOptions::new(), CookieOptions::host_prefixed(), "__Host-session"),
            (CookieOptions::host_prefixed(), CookieOptions::new(), "session"),
            (CookieOptions::new(), CookieOptions::new().name("Session"), "Session"),
        ] {
            let kind = told(base, options).unwrap_err();
            assert!(
                matches!(&kind, SessionErrorKind::Config(ConfigErrorKind::Renamed { to: found, .. })
                    if found == to),
                "{kind:?}"
            );
        }
        let same = CookieOptions::new().name("__Host-session");
        assert_eq!(told(CookieOptions::host_prefixed(), same), Ok(()));
    }

    #[test]
    fn options_that_would_create_a_second_cookie_are_refused() {
        let base = || CookieOptions::new().path("/app").domain("example.org").partitioned(true);
        for (options, attribute) in [
            (base().path("/"), "Path"),
            (base().path("/app/"), "Path"),
            (base().domain("www.example.org"), "Domain"),
            (base().partitioned(false), "Partitioned"),
            (CookieOptions::new().path("/app").partitioned(true), "Domain"),
        ] {
            let kind = told(base(), options).unwrap_err();
            assert!(
                matches!(kind, SessionErrorKind::Config(ConfigErrorKind::Moved { attribute: found, .. })
                    if found == attribute),
                "{attribute}: {kind:?}"
            );
        }
        assert_eq!(told(base(), base().same_site(SameSite::None)), Ok(()));
    }

    #[test]
    fn options_that_a_browser_would_refuse_are_refused() {
        let options = PLAIN(CookieOptions::new()).partitioned(true);
        let kind = told(CookieOptions::new(), options).unwrap_err();
        assert!(
            matches!(kind, SessionErrorKind::Config(ConfigErrorKind::NeedsSecure { .. })),
            "{kind:?}"
        );
    }
}
