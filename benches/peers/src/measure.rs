//! Interleaved rounds: in each, every lane runs one short batch, in a rotating order. Times drift
//! on a shared machine; the ratio of two lanes in one round hardly does.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::alloc;
use crate::sample::SESSIONS;

/// What a batch took.
pub struct Cost {
    pub time: Duration,
    pub allocations: u64,
}

/// One contender doing one thing.
pub struct Lane {
    name: String,
    /// Runs so many operations, after each session once for the caches.
    batch: Box<dyn FnMut(usize) -> Cost>,
}

impl Lane {
    /// `op` for each of the inputs in turn.
    pub fn new<I: 'static, T>(
        name: impl Into<String>,
        inputs: Vec<I>,
        mut op: impl FnMut(&I) -> T + 'static,
    ) -> Self {
        assert_eq!(inputs.len(), SESSIONS);
        let batch = move |count| {
            inputs.iter().for_each(|input| drop(black_box(op(black_box(input)))));
            timed(|| {
                for input in inputs.iter().cycle().take(count) {
                    black_box(op(black_box(input)));
                }
            })
        };
        Self { name: name.into(), batch: Box::new(batch) }
    }

    /// `op` for inputs that are used up; making them is not measured.
    pub fn consuming<I, T>(
        name: impl Into<String>,
        mut make: impl FnMut(usize) -> I + 'static,
        mut op: impl FnMut(I) -> T + 'static,
    ) -> Self {
        let batch = move |count| {
            for i in 0..SESSIONS {
                black_box(op(make(i)));
            }
            let inputs: Vec<_> = (0..count).map(|i| make(i % SESSIONS)).collect();
            timed(|| {
                for input in inputs {
                    black_box(op(black_box(input)));
                }
            })
        };
        Self { name: name.into(), batch: Box::new(batch) }
    }
}

impl Lane {
    /// `run` does so many operations.
    pub fn batch(name: impl Into<String>, mut run: impl FnMut(usize) + 'static) -> Self {
        Self { name: name.into(), batch: Box::new(move |count| timed(|| run(count))) }
    }
}

fn timed(run: impl FnOnce()) -> Cost {
    let before = alloc::count();
    let start = Instant::now();
    run();
    Cost { time: start.elapsed(), allocations: alloc::count() - before }
}

/// Nanoseconds per operation, by lane and round.
pub struct Table {
    rounds: HashMap<String, Vec<f64>>,
    allocations: HashMap<String, f64>,
}

impl Table {
    pub fn measure(mut lanes: Vec<Lane>, rounds: usize, batch: usize) -> Self {
        let mut table = Self { rounds: HashMap::new(), allocations: HashMap::new() };
        // A first round for caches, lazy statics and growing maps.
        for lane in &mut lanes {
            (lane.batch)(batch);
        }
        let len = lanes.len();
        for round in 0..rounds {
            for place in 0..len {
                let lane = &mut lanes[(place + round) % len];
                let cost = (lane.batch)(batch);
                let nanos = cost.time.as_nanos() as f64 / batch as f64;
                table.rounds.entry(lane.name.clone()).or_default().push(nanos);
                let allocations = cost.allocations as f64 / batch as f64;
                // The fewest: a table that grows now and then is not a request's doing.
                let least = table.allocations.entry(lane.name.clone()).or_insert(f64::MAX);
                *least = least.min(allocations);
            }
        }
        table
    }

    fn of(&self, lane: &str) -> &[f64] {
        self.rounds.get(lane).unwrap_or_else(|| panic!("no lane {lane}"))
    }

    pub fn nanos(&self, lane: &str) -> f64 {
        median(self.of(lane).iter().copied())
    }

    pub fn allocations(&self, lane: &str) -> f64 {
        self.allocations[lane]
    }

    /// By how much `lane` takes longer than `base`.
    pub fn over(&self, lane: &str, base: &str) -> f64 {
        median(self.of(lane).iter().zip(self.of(base)).map(|(lane, base)| lane - base))
    }

    pub fn ratio(&self, lane: &str, other: &str) -> f64 {
        median(self.of(lane).iter().zip(self.of(other)).map(|(lane, other)| lane / other))
    }

    /// The ratio of what each takes over `base`.
    pub fn ratio_over(&self, lane: &str, other: &str, base: &str) -> f64 {
        let (lane, other, base) = (self.of(lane), self.of(other), self.of(base));
        median((0..base.len()).map(|i| (lane[i] - base[i]) / (other[i] - base[i])))
    }
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}
