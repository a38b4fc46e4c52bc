//! The guide: one page per subject.
//!
//! | page | questions |
//! |---|---|
//! | [`log_in`] | What belongs to a log-in: “remember me”, “your session has expired”, `next=`, log out |
//! | [`roles`] | Who may call a handler, and how is everybody else sent to the log-in? |
//! | [`csrf`] | How are forms of other sites refused? |
//! | [`flash`] | How does the next page say what the last step did? |
//! | [`cart`] | What may survive a log-in, and how? |
//! | [`reauthentication`] | How is the password asked for once more, before a dangerous step? |
//! | [`rotation`] | How are keys replaced on one or several servers, without logging anybody out? |
//! | [`rotation_in_production`] | How do keys rotate by themselves, and what is to be done when something is wrong? |
//! | [`expiry`] | When does a session end, what keeps it alive, and how is it ended early? |
//! | [`ending_sessions`] | How does the server end a session, or all of a user, and list them? |
//! | [`several_sessions`] | How do a login, an administrator's login and preferences coexist? |
//! | [`oauth`] | How does a login at an OAuth provider keep its state, and why does its cookie not come back? |
//! | [`websockets`] | What can be read and written after the response has begun? |
//! | [`testing`] | How does a test log in, read what a response did with the session, move the clock, or find out why a session is empty? |
//! | [`browsers`] | What do browsers make of the cookie: `SameSite`, prefixes, sizes, frames, restarts? |
//! | [`deployment`] | What do proxies, caches, clocks and several servers require? |
//! | [`which_should_i_use`] | A sealed cookie, a store or a token; and which library? |
//! | [`moving_from_node`] | How are sessions shared with Node's plugin, or taken over from it? |
//! | [`moving_from_private_cookie_jar`] | How does a site move from axum-extra's jar, or from tower-cookies, without logging anybody out? |
//! | [`moving_from_actix_session`] | The same, from actix-session's cookie store |
//! | [`moving_from_seshcookie`] | The same, from seshcookie |
//! | [`moving_from_tower_sessions`] | The same, from tower-sessions and its store |
//! | [`write_an_adapter`] | How does another framework get sessions? |
//! | [`threat_model`] | What is protected from whom, and what is not? |
//!
//! The example `site` holds the first six together: `cargo run -p site`, in a clone of the repository.
//!
//! `docs/FORMAT.md` in the repository specifies the token's format byte by byte.

/// A page, and further words to find it by. It links to items of the features `tower` and `axum`, and of
/// those that it names. Without them the page is left out.
macro_rules! page {
    ($name:ident $(, $feature:literal)* $(; $($word:literal),+)?) => {
        #[cfg_attr(
            all(feature = "axum" $(, feature = $feature)*),
            doc = include_str!(concat!("../docs/guide/", stringify!($name), ".md"))
        )]
        #[cfg_attr(
            not(all(feature = "axum" $(, feature = $feature)*)),
            doc = concat!("A page of the guide; read it as `docs/guide/", stringify!($name), ".md`.")
        )]
        $($(#[doc(alias = $word)])+)?
        pub mod $name {}
    };
}

page!(log_in, "revocation"; "login", "log_out", "logout", "sign_in", "remember_me", "next", "open_redirect");
page!(roles; "authorization", "log_in_first", "login_required", "redirect");
page!(csrf; "xsrf", "cross_site_request_forgery");
page!(flash; "flash_messages", "message");
page!(cart; "shopping_cart", "session_fixation");
page!(reauthentication, "revocation"; "sudo", "confirm_password", "step_up");
page!(rotation; "rotate", "rotate_keys", "key_rotation");
page!(rotation_in_production, "key-directory"; "rotate", "metrics", "prometheus", "kubernetes", "systemd");
page!(expiry; "timeout", "idle_timeout", "ttl");
page!(ending_sessions, "registry"; "revoke", "revocation", "log_out_everywhere", "devices", "redis");
page!(several_sessions);
page!(oauth, "oauth"; "oauth2", "oidc", "openid_connect", "pkce");
page!(websockets; "websocket", "sse", "streaming");
page!(testing, "testing"; "tests", "unit_test", "axum_test", "reqwest", "oneshot", "mock");
page!(browsers; "same_site", "samesite", "host_prefix");
page!(deployment, "passphrase"; "proxy", "cache", "https");
page!(which_should_i_use, "registry"; "comparison", "alternatives", "jwt");
page!(moving_from_node, "fastify", "passphrase");
page!(moving_from_private_cookie_jar, "revocation"; "axum_extra", "tower_cookies", "migrate");
page!(moving_from_actix_session, "revocation"; "actix", "migrate");
page!(moving_from_seshcookie, "passphrase", "revocation"; "migrate");
page!(moving_from_tower_sessions, "revocation"; "axum_login", "migrate");
page!(write_an_adapter; "framework", "poem", "salvo", "hyper", "tonic", "leptos", "loco");
page!(threat_model);

/// Compiles the programs in texts outside the documentation.
#[cfg(all(doctest, feature = "axum", feature = "fastify"))]
mod texts {
    #[cfg(all(feature = "key-directory", feature = "revocation"))]
    #[doc = include_str!("../README.md")]
    struct Readme;

    #[doc = include_str!("../docs/FORMAT.md")]
    struct Format;
}
