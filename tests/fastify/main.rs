//! The cookies of Node's `@fastify/secure-session`.
#![cfg(feature = "fastify")]

#[path = "../support/mod.rs"]
mod support;

mod cookies;
mod json;
mod keys;
mod lax;
