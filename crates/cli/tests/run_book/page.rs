//! What the page tells one to do, in its order.

use std::time::Duration;

const DAY: u64 = 24 * 60 * 60;

pub(crate) enum Step {
    /// An empty directory at this time.
    Begin(String),
    /// The program starts on these keys.
    Start(String),
    /// Time passes.
    Clock { by: Duration, cron: bool },
    /// The tool's clock is ahead by so much from here on.
    WrongClock(Duration),
    /// A command, and what it prints.
    Command { line: usize, command: String, printed: String },
}

/// A line of cron that runs daily.
pub(crate) struct Cron {
    /// Seconds after midnight.
    pub(crate) at: u64,
    pub(crate) command: String,
}

/// The first line of cron in the page.
pub(crate) fn cron(page: &str) -> Cron {
    let line = page.lines().find(|line| line.contains(" * * * ")).expect("a line of cron");
    let (time, command) = line.split_once(" * * * ").expect("a line of cron");
    let (minute, hour) = time.split_once(' ').expect("minute and hour");
    let number = |text: &str| text.parse::<u64>().expect("a number");
    Cron { at: (number(hour) * 60 + number(minute)) * 60, command: command.trim().to_owned() }
}

pub(crate) fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines().map(str::trim).zip(1..).peekable();
    while let Some((text, _)) = lines.next() {
        if let Some(comment) = text.strip_prefix("<!-- ").and_then(|text| text.strip_suffix(" -->"))
        {
            steps.push(comment_step(comment));
        }
        if text != "```console" {
            continue;
        }
        while let Some((text, line)) = lines.next_if(|(text, _)| *text != "```") {
            let command =
                text.strip_prefix("$ ").unwrap_or_else(|| panic!("line {line}: no command"));
            let mut printed = String::new();
            while let Some((text, _)) =
                lines.next_if(|(text, _)| *text != "```" && !text.starts_with("$ "))
            {
                printed.push_str(text);
                printed.push('\n');
            }
            steps.push(Step::Command { line, command: command.to_owned(), printed });
        }
    }
    steps
}

fn comment_step(comment: &str) -> Step {
    match comment.split_once(": ").unwrap_or((comment, "")) {
        ("begin", time) => Step::Begin(time.to_owned()),
        ("start", "") => Step::Start("keys".to_owned()),
        ("start", keys) => Step::Start(keys.to_owned()),
        ("clock", by) => {
            let (by, cron) = by.strip_suffix(", cron").map_or((by, false), |by| (by, true));
            Step::Clock { by: duration(by), cron }
        }
        ("wrong clock", ahead) => Step::WrongClock(duration(ahead)),
        _ => panic!("{comment:?} is not known"),
    }
}

/// `+5d18h50m`.
fn duration(text: &str) -> Duration {
    let mut total = 0;
    let mut count = 0;
    for byte in text.strip_prefix('+').expect("time only passes").bytes() {
        match byte {
            b'0'..=b'9' => {
                count = count * 10 + u64::from(byte - b'0');
                continue;
            }
            b'd' => total += count * DAY,
            b'h' => total += count * 60 * 60,
            b'm' => total += count * 60,
            _ => panic!("{text:?} is no duration"),
        }
        count = 0;
    }
    Duration::from_secs(total)
}
