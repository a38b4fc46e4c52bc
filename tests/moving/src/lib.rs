//! The programs of the guide's pages on moving, each as its page has it: before the move, and after.
//!
//! `tests/moving` runs them, and compares them with the pages.

#![allow(
    dead_code,
    missing_docs,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    reason = "each file is a program with its own `main`"
)]

/// From axum-extra's `PrivateCookieJar`.
pub mod private_jar {
    pub mod after;
    pub mod before;
}

/// From seshcookie.
pub mod seshcookie {
    pub mod after;
    pub mod before;
}

/// From tower-sessions.
pub mod tower_sessions {
    pub mod after;
    pub mod before;
    pub mod keep;
}

/// From actix-session's cookie store.
pub mod actix {
    pub mod after;
    pub mod before;
}
