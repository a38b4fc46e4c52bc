//! How a command ends: a `Status`, or a `Failure` that says why it could not run.

use std::error::Error;
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// The answer of a command that could run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Exit status 0.
    Yes,
    /// Exit status 1.
    No,
    /// Exit status 2: what was looked at is useless. As with a command that could not run, somebody must
    /// look at once.
    Critical,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Yes => 0,
            Status::No => 1,
            Status::Critical => 2,
        })
    }
}

/// Why a command could not run. It ends with exit status 2, unless it says another.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    cause: Option<Box<dyn Error>>,
    status: u8,
}

impl Failure {
    /// A message in the form of an error's: lower case, no full stop.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: None, status: 2 }
    }

    /// The same, with what caused it.
    pub(crate) fn caused_by(message: impl Into<String>, cause: impl Into<Box<dyn Error>>) -> Self {
        Self { cause: Some(cause.into()), ..Self::new(message) }
    }

    /// With another exit status than 2.
    pub(crate) fn with_status(self, status: u8) -> Self {
        Self { status, ..self }
    }

    /// Writes the message and its causes to standard error, in one line.
    pub(crate) fn report(&self) -> ExitCode {
        warn(self);
        self.status.into()
    }
}

/// Writes a message to standard error. Nothing can be said of it if that is full or closed, and the exit
/// status must stay the one that the command has.
pub(crate) fn warn(message: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "sealed-session: {message}");
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut cause = self.cause.as_deref();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl From<sealed_session::KeyError> for Failure {
    /// The error's text names the file; its cause says what is wrong with it.
    fn from(error: sealed_session::KeyError) -> Self {
        let message = error.to_string();
        let mut failure = Self::new(message);
        let mut cause = error.source();
        while let Some(error) = cause {
            failure.message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        failure
    }
}
