//! The same session through axum, by each contender.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contenders::{self, BARE, Kind, NO_OP, Route};
use crate::measure::Table;

/// Bytes of JSON of two small sessions and of a large one.
pub const SIZES: [usize; 3] = [96, 256, 2048];

/// One contender at one size.
#[derive(Clone, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    /// The cookie holds the data, sealed.
    pub sealed: bool,
    pub set_cookie_bytes: usize,
    pub routes: BTreeMap<String, Figures>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Figures {
    pub nanos: f64,
    pub over_bare: f64,
    pub over_no_op: f64,
    pub allocations: f64,
    pub allocations_over_bare: f64,
    pub allocations_over_no_op: f64,
    /// What this one takes over the bare router, in that of the fastest other library that seals;
    /// the median of the rounds' ratios.
    pub ratio: f64,
}

pub fn measure(len: usize, rounds: usize) -> Vec<Row> {
    let contenders = contenders::all(len);
    let lanes = contenders.iter().flat_map(|c| Route::ALL.map(|route| c.lane(route))).collect();
    let table = Table::measure(lanes, rounds, 256);
    let lane = |name: &str, route: Route| format!("{name}: {}", route.name());

    let figures = |name: &str, route: Route| {
        let (this, bare, no_op) = (lane(name, route), lane(BARE, route), lane(NO_OP, route));
        let best = contenders
            .iter()
            .filter(|c| c.kind == Kind::Sealed && !c.name.starts_with("sealed-session"))
            .map(|c| lane(c.name, route))
            .min_by(|a, b| table.over(a, &bare).total_cmp(&table.over(b, &bare)))
            .expect("there are peers");
        let allocations = table.allocations(&this);
        Figures {
            nanos: table.nanos(&this),
            over_bare: table.over(&this, &bare),
            over_no_op: table.over(&this, &no_op),
            allocations,
            allocations_over_bare: allocations - table.allocations(&bare),
            allocations_over_no_op: allocations - table.allocations(&no_op),
            ratio: table.ratio_over(&this, &best, &bare),
        }
    };
    contenders
        .iter()
        .map(|c| Row {
            name: c.name.to_owned(),
            sealed: c.kind == Kind::Sealed,
            set_cookie_bytes: c.set_cookie_len,
            routes: Route::ALL
                .into_iter()
                .map(|route| (route.name().to_owned(), figures(c.name, route)))
                .collect(),
        })
        .collect()
}
