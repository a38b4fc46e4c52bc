//! The application's codec with a clock in the test's hand.
#![allow(dead_code, reason = "not every test program needs all of it")]

use std::time::Duration;

use sealed_session::{Codec, Key, Keyring, TestClock};
use tested::Login;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn codec() -> (Codec<Login>, TestClock) {
    let clock = TestClock::at(1_700_000_000);
    let keyring = Keyring::new(Key::generate().expect("randomness"));
    let builder = Codec::builder(keyring).remember_timeout(30 * DAY).clock(clock.clone());
    (builder.build().expect("settings that fit together"), clock)
}
