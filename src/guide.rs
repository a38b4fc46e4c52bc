//! The guide: one page a subject.
//!
//! | page | what it answers |
//! |---|---|
//! | [`rotation`] | How are keys replaced, on one server and on several, without logging anybody out? |
//! | [`expiry`] | When does a session end, what keeps it alive, and how is it ended early? |
//! | [`several_sessions`] | How do a login, an administrator's login and preferences live side by side? |
//! | [`websockets`] | What can be read and written where the response has already begun? |
//! | [`testing`] | How does a test move the clock, log in, or find out why a session is empty? |
//! | [`deployment`] | What do proxies, caches, clocks and several servers ask for? |
//! | [`moving_from_node`] | How are sessions shared with Node's `@fastify/secure-session`, or taken over from it? |
//! | [`threat_model`] | What is protected from whom, and what is not? |
//!
//! The token's format, byte by byte, is in `docs/FORMAT.md` of the repository.

/// A page. Without `tower`, `axum` and what else it names, half of what it speaks of is not there to
/// be linked to.
macro_rules! page {
    ($name:ident $(, $feature:literal)*) => {
        #[cfg_attr(
            all(feature = "axum" $(, feature = $feature)*),
            doc = include_str!(concat!("../docs/guide/", stringify!($name), ".md"))
        )]
        #[cfg_attr(
            not(all(feature = "axum" $(, feature = $feature)*)),
            doc = concat!("A page of the guide; read it as `docs/guide/", stringify!($name), ".md`.")
        )]
        pub mod $name {}
    };
}

page!(rotation);
page!(expiry);
page!(several_sessions);
page!(websockets);
page!(testing);
page!(deployment, "passphrase");
page!(moving_from_node, "fastify", "passphrase");
page!(threat_model);

/// The programs in the texts outside the documentation are compiled, too.
#[cfg(all(doctest, feature = "axum", feature = "fastify"))]
mod texts {
    #[doc = include_str!("../README.md")]
    struct Readme;

    #[doc = include_str!("../docs/FORMAT.md")]
    struct Format;
}
