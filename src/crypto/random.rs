//! Randomness: the only file that asks the operating system for it.
//!
//! Keys come directly from the operating system. Nonces come from a ChaCha20 generator per thread. The
//! operating system seeds it, and reseeds it after a second, after 1024 nonces and after a `fork`. If
//! the operating system gives no randomness, the result is an error: there is no fallback.

use std::cell::RefCell;

use chacha20::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use zeroize::Zeroizing;

use super::secretbox::{NONCE_LEN, Nonce};

/// The operating system gave no randomness.
#[derive(Debug)]
pub(crate) struct NoRandomness;

/// Reseed a thread's generator after this many nonces (24 KiB of output).
const NONCES_PER_SEED: u32 = 1024;

struct Generator {
    rng: ChaCha20Rng,
    left: u32,
    /// When it was seeded, in whole seconds since the Unix epoch.
    second: u64,
    guard: forkguard::Guard,
}

thread_local! {
    static GENERATOR: RefCell<Option<Generator>> = const { RefCell::new(None) };
}

/// Fills `bytes` from the operating system.
#[expect(clippy::disallowed_methods, reason = "the one place that asks for randomness")]
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    #[cfg(test)]
    if tests::FAIL.get() {
        return Err(NoRandomness);
    }
    getrandom::fill(bytes).map_err(|_| NoRandomness)
}

/// A new nonce, at this time in milliseconds since the Unix epoch.
///
/// The time is the codec's. It is already known when a response is sealed, even if the system has no
/// clock. Reading even the fastest clock here would make a nonce half as expensive again. It is
/// wall-clock time, which is better here than a monotonic clock. When a machine was suspended or
/// copied, the monotonic clock continues from where it stopped, but many hypervisors set the wall
/// clock when the machine or its copy starts again.
pub(crate) fn nonce(now: u64) -> Result<Nonce, NoRandomness> {
    bytes::<NONCE_LEN>(now).map(Nonce)
}

/// Random bytes that do not have to be secret, at this time.
pub(crate) fn bytes<const N: usize>(now: u64) -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    let drawn = GENERATOR.try_with(|slot| {
        let mut slot = slot.borrow_mut();
        // A stale state is dropped before a new seed is requested. If there is no seed, no state is
        // left to draw from.
        slot.take_if(|generator| generator.is_stale(now));
        let generator = match &mut *slot {
            Some(generator) => generator,
            none => none.insert(Generator::seeded(now)?),
        };
        generator.draw(&mut bytes, now);
        Ok(())
    });
    match drawn {
        Ok(result) => result?,
        // The thread is ending and its generator is gone.
        Err(_) => fill(&mut bytes)?,
    }
    Ok(bytes)
}

impl Generator {
    fn seeded(now: u64) -> Result<Self, NoRandomness> {
        // Created before the seed is drawn, so that a fork between the two is detected.
        let guard = forkguard::Guard::try_new().map_err(|_| NoRandomness)?;
        let mut seed = Zeroizing::new([0; 32]);
        fill(&mut *seed)?;
        Ok(Self::from_seed(&seed, now, guard))
    }

    fn from_seed(seed: &[u8; 32], now: u64, guard: forkguard::Guard) -> Self {
        let rng = ChaCha20Rng::from_seed(*seed);
        Self { rng, left: NONCES_PER_SEED, second: now / 1000, guard }
    }

    /// Two processes, or two copies of a machine, with the same state would repeat each other's
    /// nonces. A fork is detected. The copy of a machine is not, so the state is not used beyond the
    /// second in which it was seeded, whether the clock moves forward or back.
    fn is_stale(&mut self, now: u64) -> bool {
        self.left == 0 || self.second != now / 1000 || self.guard.detected_fork()
    }

    /// The time goes into the bytes, so that copies of a machine whose clocks differ part at once.
    /// This does not make them any less random.
    fn draw(&mut self, bytes: &mut [u8], now: u64) {
        self.left -= 1;
        self.rng.fill_bytes(bytes);
        for (byte, time) in bytes.iter_mut().zip(now.to_le_bytes()) {
            *byte ^= time;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;
    use std::collections::HashSet;

    use super::*;

    /// The beginning of a second.
    const NOW: u64 = 1_700_000_000_000;

    thread_local! {
        /// Makes the operating system's randomness fail on this thread.
        pub(crate) static FAIL: Cell<bool> = const { Cell::new(false) };
    }

    #[test]
    fn nonces_do_not_repeat_across_seeds_and_threads() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    (0..5_000).map(|_| bytes::<NONCE_LEN>(NOW).unwrap()).collect::<Vec<_>>()
                })
            })
            .collect();
        let all: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 20_000);
    }

    #[test]
    fn a_seed_is_used_for_exactly_1024_nonces() {
        std::thread::spawn(|| {
            nonce(NOW).unwrap();
            FAIL.set(true);
            for _ in 1..NONCES_PER_SEED {
                nonce(NOW).unwrap();
            }
            assert!(nonce(NOW).is_err());
        })
        .join()
        .unwrap();
    }

    #[test]
    fn fails_if_a_new_seed_is_due_and_there_is_no_randomness() {
        std::thread::spawn(|| {
            for _ in 0..NONCES_PER_SEED {
                nonce(NOW).unwrap();
            }
            FAIL.set(true);
            assert!(nonce(NOW).is_err());
            assert!(nonce(NOW).is_err(), "no state is left from before");
            FAIL.set(false);
            assert!(nonce(NOW).is_ok());
        })
        .join()
        .unwrap();
    }

    /// Runs the test on a separate thread, whose generator was seeded at this time and cannot be
    /// reseeded.
    fn with_a_seed_of(now: u64, test: impl FnOnce() + Send + 'static) {
        let thread = std::thread::spawn(move || {
            nonce(now).unwrap();
            FAIL.set(true);
            test();
        });
        thread.join().unwrap();
    }

    #[test]
    fn a_seed_is_dropped_when_the_clock_shows_another_second() {
        for another in [NOW + 1000, NOW - 1, NOW - 1000, NOW + 3_600_000, 0, u64::MAX] {
            with_a_seed_of(NOW, move || {
                assert!(nonce(NOW).is_ok());
                assert!(nonce(another).is_err(), "{another}");
                assert!(nonce(NOW).is_err(), "no state is left from before");
            });
        }
    }

    #[test]
    fn a_seed_is_kept_for_the_rest_of_its_second() {
        with_a_seed_of(NOW, || {
            for later in 0..1000 {
                nonce(NOW + later).unwrap();
            }
        });
    }

    #[test]
    fn copies_of_a_generator_draw_different_nonces_if_their_clocks_differ() {
        let copy = || Generator::from_seed(&[7; 32], NOW, forkguard::Guard::try_new().unwrap());
        let nonces = |now: u64| {
            let mut generator = copy();
            let mut nonces = [[0; NONCE_LEN]; 16];
            nonces.iter_mut().for_each(|nonce| generator.draw(nonce, now));
            nonces
        };
        assert_eq!(nonces(NOW), nonces(NOW), "at the same time they are equal");
        let all: HashSet<_> = (NOW..NOW + 1000).flat_map(nonces).collect();
        assert_eq!(all.len(), 16_000);
    }
}
