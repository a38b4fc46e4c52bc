//! What was measured, as Markdown and as JSON.

use serde_json::{Value, json};

use crate::contenders::{BARE, NO_OP};
use crate::loopback::Row as LoopbackRow;
use crate::tokens::Row as TokenRow;
use crate::web::Row as WebRow;

/// The name of what was built.
pub const FEATURES: &str = if cfg!(feature = "simd") {
    "simd"
} else if cfg!(poly1305_force_soft) {
    "default, poly1305_force_soft"
} else {
    "default"
};

fn nanos(value: f64) -> String {
    format!("{value:.0}")
}

/// A ratio, or a dash where it is of two differences that are both next to nothing.
fn ratio(value: f64) -> String {
    if value.is_finite() { format!("{value:.2}") } else { "–".to_owned() }
}

pub fn web(len: usize, rows: &[WebRow]) -> String {
    let mut text = format!(
        "\n### Through axum, {len} bytes of JSON (features: {FEATURES})\n\n\
         ns and allocations over the bare router, and as a ratio to the fastest other library that \
         seals; `untouched` over a layer that does nothing\n\n\
         | | untouched: ns | allocs | read: ns | ratio | allocs | write: ns | ratio | allocs | \
         Set-Cookie bytes |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    for row in rows {
        let [untouched, read, write] = ["untouched", "read", "write"].map(|r| row.routes[r]);
        if row.name == BARE || row.name == NO_OP {
            text += &format!(
                "| {} (whole request) | {} | {:.0} | {} | | {:.0} | {} | | {:.0} | |\n",
                row.name,
                nanos(untouched.nanos),
                untouched.allocations,
                nanos(read.nanos),
                read.allocations,
                nanos(write.nanos),
                write.allocations,
            );
            continue;
        }
        text += &format!(
            "| {} | {} | {:.0} | {} | {} | {:.0} | {} | {} | {:.0} | {} |\n",
            row.name,
            nanos(untouched.over_no_op),
            untouched.allocations_over_no_op,
            nanos(read.over_bare),
            ratio(read.ratio),
            read.allocations_over_bare,
            nanos(write.over_bare),
            ratio(write.ratio),
            write.allocations_over_bare,
            row.set_cookie_bytes,
        );
    }
    text
}

pub fn loopback(len: usize, rows: &[LoopbackRow]) -> String {
    let mut text = format!(
        "\n### A server over loopback, {len} bytes of JSON (features: {FEATURES})\n\n\
         Requests a second, and as a share of the bare router's\n\n\
         | | read | share | write | share |\n|---|--:|--:|--:|--:|\n"
    );
    for LoopbackRow { name, read, write } in rows {
        text += &format!(
            "| {name} | {:.0} | {:.2} | {:.0} | {:.2} |\n",
            read.per_second, read.share, write.per_second, write.share,
        );
    }
    text
}

pub fn tokens(title: &str, rows: &[TokenRow]) -> String {
    let mut text = format!(
        "\n### {title} (features: {FEATURES})\n\n| | ns | allocs | ratio | to |\n\
         |---|--:|--:|--:|---|\n"
    );
    for row in rows {
        let allocations =
            if row.allocations.is_nan() { "–".into() } else { format!("{:.0}", row.allocations) };
        let (ratio, to) = row.ratio.map_or((String::new(), ""), |r| (ratio(r), row.to));
        text +=
            &format!("| {} | {} | {allocations} | {ratio} | {to} |\n", row.what, nanos(row.nanos));
    }
    text
}

pub fn tokens_json(rows: &[TokenRow]) -> Value {
    rows.iter()
        .map(|row| {
            json!({
                "what": row.what,
                "nanos": row.nanos,
                "allocations": row.allocations,
                "ratio": row.ratio,
                "to": row.to,
            })
        })
        .collect()
}
