//! Runs the commands of the guide's page “Rotation in production” as they are written: each line that begins
//! with `$` in a block of `console`, with `sh`, in a directory of its own and in the order of the page. What
//! is printed must be what the page has.
//!
//! A comment in the page says what happens between two commands: `begin` is an empty directory and the time,
//! `start` the program on `keys` (or on what it names), `clock` that time passes, with `cron` that the page's
//! line of cron runs on each day, and `wrong clock` that the one of the tool is wrong.
//!
//! Only this is substituted:
//! - `localhost:3000` is the address of `examples/rotation`, which runs in this process on a `TestClock`, and
//!   looks at the directory 30 seconds after a command and when a time has passed;
//! - `/srv/app` is the directory of the test;
//! - every time is later by the same number of days, because a file cannot be older than it is;
//! - the ids of keys and the fingerprints are others, but the same where the page has the same.

#![cfg(unix)]

#[path = "../../../../examples/rotation/app.rs"]
mod app;
#[path = "../../../../examples/rotation/counters.rs"]
mod counters;
mod machine;
mod page;
mod words;

use crate::machine::Machine;
use crate::page::Step;

const PAGE: &str = include_str!("../../../../docs/guide/rotation_in_production.md");

#[test]
#[cfg_attr(not(debug_assertions), ignore = "the tool's clock can be moved only in a debug build")]
fn the_commands_of_the_run_book_print_what_it_says() {
    let cron = page::cron(PAGE);
    let mut machine: Option<Machine> = None;
    let mut commands = 0;
    for step in page::steps(PAGE) {
        if let Step::Begin(time) = step {
            machine = Some(Machine::begin(&time));
            continue;
        }
        let machine = machine.as_mut().expect("the page says when it begins");
        match step {
            Step::Begin(_) => unreachable!(),
            Step::Start(keys) => machine.start(&keys),
            Step::Clock { by, cron: false } => machine.wait(by, None),
            Step::Clock { by, cron: true } => machine.wait(by, Some(&cron)),
            Step::WrongClock(ahead) => machine.tool_is_ahead(ahead),
            Step::Command { line, command, printed } => {
                machine.follow(line, &command, &printed);
                commands += 1;
            }
        }
    }
    assert!(commands > 50, "only {commands} commands were found");
}

/// Who is woken by a message must find it in the page.
#[test]
fn every_warning_and_every_refusal_is_in_the_run_book() {
    let sources = [
        include_str!("../../src/keys/plan/refusal.rs"),
        include_str!("../../src/keys/status/findings.rs"),
        include_str!("../../src/keys/status/gone.rs"),
        include_str!("../../src/keys/status/mod.rs"),
        include_str!("../../src/keys/modes.rs"),
    ];
    let is_name = |text: &&str| {
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        text.contains('-') && text.bytes().all(lower)
    };
    let mut names = 0;
    for source in sources {
        let code = source.split("#[cfg(test)]").next().unwrap_or(source);
        for name in code.split('"').skip(1).step_by(2).filter(is_name) {
            assert!(PAGE.contains(&format!("`{name}`")), "{name} is not in the page");
            names += 1;
        }
    }
    assert!(names > 20, "only {names} names were found");
}
