//! Randomness: the one file that asks the operating system for it.
//!
//! Keys come from the operating system directly; nonces from a ChaCha20 generator per thread that
//! the operating system seeds, reseeds, and seeds anew after a `fork`. When it gives nothing, nothing
//! is returned: there is no fall-back.

use std::cell::RefCell;

use chacha20::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use zeroize::Zeroizing;

use super::secretbox::NONCE_LEN;

/// The operating system gave no randomness.
#[derive(Debug)]
pub(crate) struct NoRandomness;

/// After so many nonces (24 KiB of output) a thread's generator is seeded anew.
const NONCES_PER_SEED: u32 = 1024;

struct Generator {
    rng: ChaCha20Rng,
    left: u32,
    guard: forkguard::Guard,
}

thread_local! {
    static GENERATOR: RefCell<Option<Generator>> = const { RefCell::new(None) };
}

/// Fills `bytes` from the operating system.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    #[cfg(test)]
    if tests::FAIL.get() {
        return Err(NoRandomness);
    }
    getrandom::fill(bytes).map_err(|_| NoRandomness)
}

/// A fresh nonce.
pub(crate) fn nonce() -> Result<[u8; NONCE_LEN], NoRandomness> {
    let mut nonce = [0; NONCE_LEN];
    let drawn = GENERATOR.try_with(|slot| {
        let mut slot = slot.borrow_mut();
        // Two processes with one generator's state would repeat each other's nonces. A stale state is
        // dropped before the new seed is asked for: if there is none, nothing is left to draw from.
        slot.take_if(|generator| generator.left == 0 || generator.guard.detected_fork());
        let generator = match &mut *slot {
            Some(generator) => generator,
            none => none.insert(Generator::seeded()?),
        };
        generator.left -= 1;
        generator.rng.fill_bytes(&mut nonce);
        Ok(())
    });
    match drawn {
        Ok(result) => result?,
        // The thread is ending and its generator is gone.
        Err(_) => fill(&mut nonce)?,
    }
    Ok(nonce)
}

impl Generator {
    fn seeded() -> Result<Self, NoRandomness> {
        // Before the seed is drawn, so that a fork between the two is noticed.
        let guard = forkguard::Guard::try_new().map_err(|_| NoRandomness)?;
        let mut seed = Zeroizing::new([0; 32]);
        fill(&mut *seed)?;
        Ok(Self { rng: ChaCha20Rng::from_seed(*seed), left: NONCES_PER_SEED, guard })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;
    use std::collections::HashSet;

    use super::*;

    thread_local! {
        /// Makes the operating system's randomness fail on this thread.
        pub(crate) static FAIL: Cell<bool> = const { Cell::new(false) };
    }

    #[test]
    fn nonces_do_not_repeat_across_seeds_and_threads() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| (0..5_000).map(|_| nonce().unwrap()).collect::<Vec<_>>())
            })
            .collect();
        let all: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 20_000);
    }

    #[test]
    fn a_seed_is_good_for_so_many_nonces_and_not_one_more() {
        std::thread::spawn(|| {
            nonce().unwrap();
            FAIL.set(true);
            for _ in 1..NONCES_PER_SEED {
                nonce().unwrap();
            }
            assert!(nonce().is_err());
        })
        .join()
        .unwrap();
    }

    #[test]
    fn fails_closed_when_a_seed_is_due_and_there_is_none() {
        std::thread::spawn(|| {
            for _ in 0..NONCES_PER_SEED {
                nonce().unwrap();
            }
            FAIL.set(true);
            assert!(nonce().is_err());
            assert!(nonce().is_err(), "no state is left from before");
            FAIL.set(false);
            assert!(nonce().is_ok());
        })
        .join()
        .unwrap();
    }
}
