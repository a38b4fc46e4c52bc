//! The feature `testing`: cookies that a test makes up, what it reads in responses, the jar, and sessions
//! without a layer. It ends a test with a panic that says why.

#[path = "../support/mod.rs"]
mod support;

mod change;
mod cookie;
#[cfg(feature = "tower")]
mod jar;
#[cfg(feature = "session")]
mod session;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The text with which this panics.
#[track_caller]
fn panic_of<T>(test: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(test)) else { panic!("it does not fail") };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&'static str>().expect("a text")).to_owned(),
    }
}
