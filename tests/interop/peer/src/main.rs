//! The Rust side of the interop test: `peer serve CONFIG` speaks the protocol of
//! `../node/server.mjs`, `peer tokens` that of `../node/tokens.mjs`.

mod config;
mod ops;
mod serve;
mod tokens;

use std::error::Error;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", config] => serve::run(&serde_json::from_str(config)?),
        ["tokens"] => tokens::run(),
        _ => Err("usage: peer serve CONFIG | peer tokens".into()),
    }
}
