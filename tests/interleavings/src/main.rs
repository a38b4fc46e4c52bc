//! Many tasks on one session handle: what must hold in whatever order they run.
//!
//! ```text
//! tests/interleavings/run [SCHEDULES] [SEED]
//! ```
//!
//! Each scenario runs under so many schedules (default 100,000) that a seed makes again, and its
//! smallest form under every schedule that there is. A deadlock, a panic or a broken promise ends it
//! with the schedule that led there.

mod ending;
mod request;
mod scenarios;

use std::process::ExitCode;
use std::time::Instant;

use shuttle::scheduler::{DfsScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

use crate::scenarios::{EXHAUSTIVE, SCENARIOS};

/// The search of all schedules of a small scenario is cut off at so many times the sample.
const MOST: usize = 10;

fn main() -> ExitCode {
    if cfg!(not(shuttle)) {
        eprintln!(
            "error: without shuttle's locks nothing is explored: start tests/interleavings/run"
        );
        return ExitCode::FAILURE;
    }
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (Ok(schedules), Ok(seed)) =
        (numbers.next().unwrap_or(Ok(100_000)), numbers.next().unwrap_or(Ok(1)))
    else {
        eprintln!("usage: interleavings [SCHEDULES] [SEED]");
        return ExitCode::FAILURE;
    };
    let schedules = schedules as usize;
    let most = MOST * schedules;
    for (name, scenario) in SCENARIOS.iter().chain(ending::SCENARIOS) {
        explore(name, RandomScheduler::new_from_seed(seed, schedules), *scenario);
    }
    for (name, scenario) in EXHAUSTIVE.iter().chain(ending::EXHAUSTIVE) {
        let ran = explore(name, DfsScheduler::new(Some(most), false), *scenario);
        println!("    {}", if ran < most { "these are all there are" } else { "cut off" });
    }
    ExitCode::SUCCESS
}

fn explore(name: &str, scheduler: impl Scheduler + 'static, scenario: fn()) -> usize {
    let begun = Instant::now();
    let ran = Runner::new(scheduler, Config::new()).run(scenario);
    println!("{ran:>9} schedules, {:>5.1} s: {name}", begun.elapsed().as_secs_f64());
    ran
}
