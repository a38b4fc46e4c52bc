//! Very many cases: every small change to tokens, of which `cargo test` tries a sample, and random floats.

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "fastify")]
mod fastify;
mod floats;
mod native;
