//! The same session through other libraries, beside ours, in one run. Prints Markdown, writes JSON to
//! `target/`, and draws `docs/benchmarks.svg` and `docs/glance.svg`.
//!
//! `ROUNDS=20` is a quick look; the default is 200.

mod alloc;
mod contenders;
mod glance;
mod loopback;
mod measure;
mod node;
mod parts;
mod redis;
mod report;
mod sample;
mod sodium;
mod svg;
mod tokens;
mod web;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::report::FEATURES;

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

type Web = Vec<svg::Panel>;

fn main() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(200_usize);
    let only = std::env::args().nth(1);
    let wanted = |section: &str| only.as_deref().is_none_or(|only| only == section);
    let mut results = json!({ "features": FEATURES, "rounds": rounds });

    if wanted("tokens") {
        let (choice, figures) = tokens::choose();
        println!("libsodium's pipeline is put together from (256 bytes, ns):\n");
        figures.iter().for_each(|(part, nanos)| println!("- {part}: {nanos:.0}"));
        println!("\nso: {choice:?}");
        tokens::prove(choice);
        println!("each opens what the other sealed, byte for byte");
        let mut sizes = Vec::new();
        for (len, rows) in tokens::sizes(rounds, choice) {
            print!("{}", report::tokens(&format!("Token of {len} bytes of JSON"), &rows));
            sizes.push(json!({ "json": len, "rows": report::tokens_json(&rows) }));
        }
        results["tokens"] = sizes.into();
        for len in tokens::SIZES {
            let rows = tokens::ciphers(rounds, len, choice);
            print!("{}", report::tokens(&format!("The cipher alone, {len} bytes of JSON"), &rows));
            results[format!("ciphers, {len}")] = report::tokens_json(&rows);
        }
        for len in parts::SIZES {
            let rows = parts::measure(rounds, len, choice);
            print!("{}", report::tokens(&format!("The parts alone, {len} bytes of JSON"), &rows));
            results[format!("parts, {len}")] = report::tokens_json(&rows);
        }
        let rows = tokens::refusals(rounds, choice);
        print!("{}", report::tokens("Tokens that do not open, 256 bytes of JSON", &rows));
        results["refusals"] = report::tokens_json(&rows);
        for len in [256, 1024] {
            let rows = tokens::keys(rounds, len);
            let title = format!("The token's key is the last of so many, {len} bytes of JSON");
            print!("{}", report::tokens(&title, &rows));
            results[format!("keys, {len}")] = report::tokens_json(&rows);
        }
        if let Some(rows) = node::measure(rounds) {
            print!("{}", report::tokens("Node's own token, 256 bytes of JSON", &rows));
            results["node"] = report::tokens_json(&rows);
        }
    }
    if wanted("web") {
        let web: Web = web::SIZES.map(|len| (len, web::measure(len, rounds))).into();
        for (len, rows) in &web {
            print!("{}", report::web(*len, rows));
        }
        results["web"] = json!(web);
        picture(&web, rounds);
    }
    if wanted("loopback") {
        for len in [96, 2048] {
            print!("{}", report::loopback(len, &loopback::measure(len, rounds)));
        }
    }
    if only.is_none() {
        let text = serde_json::to_string_pretty(&results).expect("plain data");
        std::fs::write(result_file(FEATURES), text).expect("target/ is there");
    }
}

/// Draws the picture, with what a run with the other cipher has left.
fn picture(web: &Web, rounds: usize) {
    if cfg!(poly1305_force_soft) {
        return;
    }
    let other = if FEATURES == "simd" { "default" } else { "simd" };
    let found = std::fs::read(result_file(other))
        .ok()
        .and_then(|text| serde_json::from_slice::<Value>(&text).ok())
        .and_then(|mut value| serde_json::from_value::<Web>(value["web"].take()).ok());
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    if let (Some(found), "simd") = (&found, FEATURES) {
        match redis::look_up(glance::LEN, rounds) {
            Some(store) => {
                println!("\na look-up in Redis over loopback: {store:.0} ns");
                if let Some(picture) = glance::draw(web, found, store) {
                    std::fs::write(docs.join("glance.svg"), picture).expect("docs/ is there");
                }
            }
            None => println!("\nskipped: docs/glance.svg, because redis-server is missing"),
        }
    }
    let found = found.as_ref().map(|web| (other, web.as_slice()));
    // The picture has the smallest and the largest.
    let web: Web = web.iter().filter(|(len, _)| *len != 256).cloned().collect();
    std::fs::write(docs.join("benchmarks.svg"), svg::draw(FEATURES, &web, found))
        .expect("docs/ is there");
}

fn result_file(features: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/peers-{features}.json"))
}
