//! The report as a drawing, for a terminal of 80 columns.

use std::time::SystemTime;

use super::LONGEST_COOKIE;
use super::layout::{pretty, wrapped};
use super::open::Scheme;
use super::report::{Contents, Finding, Report, Sizes};
use super::verdict::Verdict;
use crate::output::{Paint, Style};
use crate::time::{relative, rounded, utc};

const WIDTH: usize = 78;
/// Columns of the names of the fields.
const LABEL: usize = 12;
/// Longer names are shortened.
const LONGEST_NAME: usize = 40;

/// The report, with a line ending.
pub(super) fn draw(report: &Report, style: &Style) -> String {
    let mut page = Page { text: String::new(), style };
    if report.findings.is_empty() {
        page.nothing(report);
    }
    for (place, finding) in report.findings.iter().enumerate() {
        if place > 0 {
            page.line("");
        }
        page.finding(finding, report);
    }
    page.text
}

struct Page<'s> {
    text: String,
    style: &'s Style,
}

impl Page<'_> {
    fn nothing(&mut self, report: &Report) {
        let asked = names(&report.asked);
        let found = if report.others.is_empty() {
            "No cookie is there.".to_owned()
        } else if asked.is_empty() {
            format!("None of these cookies looks like a session: {}.", names(&report.others))
        } else {
            format!("There is no cookie {asked}. There are: {}.", names(&report.others))
        };
        self.paragraph("", &found, Paint::Red);
        let advice = "Paste the Cookie or Set-Cookie line, name=value, or the value alone.";
        self.paragraph("", advice, Paint::Plain);
    }

    fn finding(&mut self, finding: &Finding, report: &Report) {
        let good = finding.verdict.is_good();
        let (mark, paint) = match (good, self.style.is_ascii()) {
            (true, false) => ("✓ ", Paint::Green),
            (false, false) => ("✗ ", Paint::Red),
            (true, true) => ("OK: ", Paint::Green),
            (false, true) => ("NO: ", Paint::Red),
        };
        let name = finding.name.as_deref().map_or("The cookie".to_owned(), shortened);
        self.paragraph(mark, &format!("{name} {}.", finding.verdict.summary()), paint);
        if let Some(reason) = finding.verdict.reason() {
            self.paragraph("  ", &reason, Paint::Plain);
        }
        if let Some(contents) = &finding.contents {
            self.line("");
            self.boxes(contents);
            self.size(finding);
            self.line("");
            self.fields(contents, report.now);
            self.life(contents, report.now);
        } else if finding.characters > 0 {
            self.line("");
            self.size(finding);
        }
        self.attributes(finding);
        if !finding.removed.is_empty() {
            let text = format!("{} (as copying adds them)", finding.removed.join(", "));
            self.field("Left out", &text, Paint::Dim);
        }
        let is_last = report.findings.last().is_some_and(|last| std::ptr::eq(last, finding));
        if is_last && !report.others.is_empty() {
            let others = format!("{} (not looked at)", names(&report.others));
            self.field("Also there", &others, Paint::Dim);
        }
        if matches!(
            finding.verdict,
            Verdict::NoMatchingKey { .. } | Verdict::NodeKeyMissing | Verdict::CutOff { .. }
        ) {
            self.tried(finding);
        }
        for warning in &finding.warnings {
            self.field("Note", &sentence(warning), Paint::Yellow);
        }
        let advice = finding.verdict.advice();
        if !advice.is_empty() {
            self.line("");
            let heading = self.style.paint(Paint::Bold, "What to do");
            self.line(&heading);
            let bullet = if self.style.is_ascii() { "  - " } else { "  • " };
            for text in advice {
                self.paragraph(bullet, &text, Paint::Plain);
            }
        }
        if let Some(contents) = &finding.contents
            && report.show_data
        {
            self.data(contents);
        }
    }

    fn tried(&mut self, finding: &Finding) {
        for (place, (id, source)) in finding.tried_keys.iter().enumerate() {
            let label = if place == 0 { "Keys tried" } else { "" };
            self.field(label, &format!("{id}  {source}"), Paint::Plain);
        }
        if !finding.tried_names.is_empty() {
            self.field("Names tried", &finding.tried_names.join(", "), Paint::Plain);
        }
    }

    /// The parts of the token.
    fn boxes(&mut self, contents: &Contents) {
        let Sizes { nonce, tag, header, json } = contents.sizes;
        let [horizontal, vertical, corners @ ..] = if self.style.is_ascii() {
            ["-", "|", "+", "+", "+", "+", "+", "+"]
        } else {
            ["─", "│", "┌", "┬", "┐", "└", "┴", "┘"]
        };
        let mut cells = vec![("nonce", nonce, 9), ("tag", tag, 9)];
        cells.extend(header.map(|header| ("header", header, 10)));
        let used: usize = cells.iter().map(|(_, _, width)| width + 1).sum();
        cells.push(("JSON", json, WIDTH - 4 - used));
        let row = |left: &str,
                   between: &str,
                   right: &str,
                   cell: &dyn Fn(&(&str, usize, usize)) -> String| {
            let cells: Vec<String> = cells.iter().map(cell).collect();
            format!("  {left}{}{right}", cells.join(between))
        };
        let rule = |_: &str| move |(_, _, width): &(&str, usize, usize)| horizontal.repeat(*width);
        let top = row(corners[0], corners[1], corners[2], &rule(""));
        let names = row(vertical, vertical, vertical, &|(name, _, width)| {
            format!(" {name:<rest$}", rest = width - 1)
        });
        let sizes = row(vertical, vertical, vertical, &|(_, size, width)| {
            format!(" {:<rest$}", format!("{size} B"), rest = width - 1)
        });
        let bottom = row(corners[3], corners[4], corners[5], &rule(""));
        for line in [top, names, sizes, bottom] {
            self.line(&line);
        }
        let clear = " ".repeat(2 + 1 + 9 + 1);
        let sealed = match &contents.sealed_for {
            Some(name) => {
                format!("sealed for the cookie `{}` with {}", shortened(name), contents.key_id)
            }
            None => format!("sealed with {}", contents.key_id),
        };
        let text = self.style.paint(Paint::Dim, sealed);
        self.line(&format!("{clear}{text}"));
    }

    fn size(&mut self, finding: &Finding) {
        let Finding { size, characters, .. } = *finding;
        let percent = (size * 100).div_ceil(LONGEST_COOKIE);
        let (full, empty) = if self.style.is_ascii() { ("#", ".") } else { ("█", "░") };
        let cells = 20;
        let filled = (size * cells).div_ceil(LONGEST_COOKIE).min(cells);
        let bar = full.repeat(filled) + &empty.repeat(cells - filled);
        let name = if size > characters { ", with the name" } else { "" };
        let text = format!("{bar}  {size} of {LONGEST_COOKIE} bytes ({percent} %){name}");
        self.field("Size", &text, if size > LONGEST_COOKIE { Paint::Red } else { Paint::Plain });
    }

    fn fields(&mut self, contents: &Contents, now: SystemTime) {
        let scheme = match contents.scheme {
            Scheme::Native => "sealed-session, version 1",
            Scheme::Node { signed: false } => "Node's @fastify/secure-session, not signed",
            Scheme::Node { signed: true } => "Node's @fastify/secure-session, signed",
        };
        self.field("Scheme", scheme, Paint::Plain);
        self.field("Key", &format!("{}  {}", contents.key_id, contents.key_source), Paint::Plain);
        if let Some(id) = contents.session_id {
            self.field("Session", &id.to_string(), Paint::Plain);
        }
        let time = |time: SystemTime| format!("{}  {}", utc(time), relative(time, now));
        if let Some(created_at) = contents.created_at {
            self.field("Created", &time(created_at), Paint::Plain);
        }
        if let Some(refreshed_at) = contents.refreshed_at {
            self.field("Refreshed", &time(refreshed_at), Paint::Plain);
        }
        if let Some(expires_at) = contents.expires_at {
            let paint = if expires_at > now { Paint::Green } else { Paint::Red };
            let by = if contents.ended_by_absolute { "  (absolute timeout)" } else { "" };
            self.field("Expires", &format!("{}{by}", time(expires_at)), paint);
        }
        let from = match (contents.scheme, contents.idle_is_own) {
            (_, true) => "this session's own (“remember me”)",
            (Scheme::Native, false) => "the server's setting when it was sealed",
            (Scheme::Node { .. }, false) => "assumed; see --idle-timeout",
        };
        self.field("Idle", &format!("{}, {from}", rounded(contents.idle_timeout)), Paint::Plain);
        match contents.absolute_timeout {
            Some(absolute) => {
                let text = format!("{}, assumed; see --absolute-timeout", rounded(absolute));
                self.field("Absolute", &text, Paint::Plain);
            }
            None => self.field("Absolute", "none in this format", Paint::Plain),
        }
    }

    /// The session's life as a line, from its beginning to its end or to now.
    fn life(&mut self, contents: &Contents, now: SystemTime) {
        let (Some(refreshed_at), Some(expires_at)) = (contents.refreshed_at, contents.expires_at)
        else {
            return;
        };
        let start = contents.created_at.unwrap_or(refreshed_at).min(now);
        let end = expires_at.max(now);
        let cells = WIDTH - 2 - LABEL;
        let seconds = |to: SystemTime| to.duration_since(start).unwrap_or_default().as_secs();
        let length = seconds(end).max(1);
        if length / 4 > seconds(expires_at) {
            // All of its life would be one character.
            return;
        }
        let place = |time: SystemTime| {
            (u128::from(seconds(time)) * (cells as u128 - 1) / u128::from(length)) as usize
        };
        let [rule, began, refreshed, ends, is_now] = if self.style.is_ascii() {
            ['-', 'o', '+', '|', 'v']
        } else {
            ['─', '●', '○', '┤', '▼']
        };
        let mut line = vec![rule; cells];
        line[place(expires_at)] = ends;
        line[place(refreshed_at)] = refreshed;
        line[place(contents.created_at.unwrap_or(refreshed_at))] = began;
        line[place(now)] = is_now;
        let line: String = line.into_iter().collect();
        self.line("");
        self.field("Life", &line, Paint::Plain);
        let legend =
            format!("{began} began   {refreshed} refreshed   {is_now} now   {ends} expires");
        self.field("", &legend, Paint::Dim);
    }

    fn attributes(&mut self, finding: &Finding) {
        let Some(attributes) = &finding.attributes else { return };
        let all: Vec<String> = attributes
            .iter()
            .map(|attribute| match &attribute.value {
                Some(value) => format!("{}={value}", attribute.name),
                None => attribute.name.clone(),
            })
            .collect();
        let text = if all.is_empty() { "none".to_owned() } else { all.join("; ") };
        self.field("Attributes", &printable(&text), Paint::Plain);
        for reason in &finding.refused_by_browser {
            self.field("Refused", &format!("A browser does not store it: {reason}."), Paint::Red);
        }
    }

    fn data(&mut self, contents: &Contents) {
        self.line("");
        let heading = self.style.paint(Paint::Bold, "Data");
        self.line(&heading);
        let Some(json) = &contents.data else {
            self.line("  It is not JSON.");
            return;
        };
        let pretty = pretty(json.get());
        for line in pretty.lines() {
            self.line(&format!("  {}", printable(line)));
        }
    }

    fn field(&mut self, label: &str, text: &str, paint: Paint) {
        let style = self.style;
        for (place, line) in wrapped(text, WIDTH - 2 - LABEL).iter().enumerate() {
            let label = if place == 0 { label } else { "" };
            let label = style.paint(Paint::Dim, format!("{label:<LABEL$}"));
            let line = style.paint(paint, line);
            self.line(format!("  {label}{line}").trim_end());
        }
    }

    /// Text whose first line begins with `lead` and whose others are as far in.
    fn paragraph(&mut self, lead: &str, text: &str, paint: Paint) {
        let indent = lead.chars().count();
        for (place, line) in wrapped(text, WIDTH - indent).iter().enumerate() {
            let lead = if place == 0 { lead.to_owned() } else { " ".repeat(indent) };
            let line = self.style.paint(paint, format!("{lead}{line}"));
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

fn names(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{}`", shortened(name))).collect();
    names.join(", ")
}

fn shortened(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let start: String = name.chars().take(LONGEST_NAME).collect();
    format!("{start}…")
}

/// A warning as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// Without control characters, with which a pasted text could steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
