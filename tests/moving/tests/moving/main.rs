//! The pages on moving, with the real libraries on the other side, and what "Which should I use?" says of
//! each.

mod actix;
mod actix_session;
mod browser;
mod pages;
mod private_jar;
mod seshcookie;
mod suite;
mod tower_sessions;
mod tower_sessions_kept;
mod which;
