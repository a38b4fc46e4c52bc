//! What handlers written for tower-sessions see, through real routers, with both versions.

#[path = "../support/mod.rs"]
mod support;

mod axum_login;
mod expiry;
mod failures;
mod records;
mod several;
mod upstream;
