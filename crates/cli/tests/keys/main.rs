//! The commands `sealed-session keys …`, run as a user runs them.
//!
//! Where a test needs another time, it sets the clock of the program, which only a debug build allows.

#![cfg(unix)]

mod check;
mod revoke;
mod rotate;
mod status;
mod support;
mod typed;
mod years;
