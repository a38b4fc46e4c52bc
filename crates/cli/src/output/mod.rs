//! How a command answers: text for people or JSON for programs, on standard output.

mod style;
mod table;

use std::io::{ErrorKind, IsTerminal as _, Write as _};

use serde::Serialize;

pub(crate) use self::style::{Paint, Style};
pub(crate) use self::table::{Cell, Table};
use crate::failure::Failure;

/// Standard output.
pub(crate) struct Output {
    json: bool,
    style: Style,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let style = Style::of(std::io::stdout().is_terminal(), |name| std::env::var(name).ok());
        Self { json, style }
    }

    /// Whether to answer in JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// How to write text for people.
    pub(crate) fn style(&self) -> &Style {
        &self.style
    }

    /// Writes a JSON document.
    pub(crate) fn json(&self, answer: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_vec_pretty(answer)
            .map_err(|error| Failure::caused_by("cannot write the answer as JSON", error))?;
        text.push(b'\n');
        self.write(&text)
    }

    /// Writes text.
    pub(crate) fn write(&self, text: impl AsRef<[u8]>) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
            // The reader, such as `head`, has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::caused_by("cannot write to standard output", error)),
            Ok(()) => Ok(()),
        }
    }
}
