//! Refuses tokens of one kind, for an instruction counter: `refusal-cost CASE SIZE TOKENS`.
//!
//! `./run` is what is meant to be started.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use sealed_session::{Codec, Dynamic, Entries, Key, Keyring, SessionKind, TestClock};

/// An allocator whose cost is always the same: what the system's costs depends on what the process
/// did before. It hands out whole cache lines, so that a copy costs the same, too, and takes nothing
/// back.
struct Steady {
    arena: UnsafeCell<[u8; ARENA]>,
    used: AtomicUsize,
}

const ARENA: usize = 1 << 29;
const LINE: usize = 64;

#[global_allocator]
static STEADY: Steady = Steady { arena: UnsafeCell::new([0; ARENA]), used: AtomicUsize::new(LINE) };

// SAFETY: each part of the arena is given to one owner only.
unsafe impl Sync for Steady {}

// SAFETY: each part of the arena is handed out once, at the alignment of a cache line; there is none
// of a greater one.
unsafe impl GlobalAlloc for Steady {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size().div_ceil(LINE) * LINE;
        let base = self.arena.get().cast::<u8>();
        let start = self.used.fetch_add(size, Ordering::Relaxed);
        if layout.align() > LINE || start + size + LINE > ARENA {
            return std::ptr::null_mut();
        }
        let skew = (LINE - base as usize % LINE) % LINE;
        // SAFETY: within the arena, as was just seen.
        unsafe { base.add(start + skew) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// The same data under another name.
enum Other {}
impl SessionKind for Other {
    type Data = Entries;
    const NAME: &'static str = "another";
}

const NOW: u64 = 1_700_000_000;
const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What is counted.
#[unsafe(no_mangle)]
#[inline(never)]
fn refuse(work: &mut dyn FnMut()) {
    work();
}

fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32]).expect("not all zero")
}

fn codec<K: SessionKind>(ring: Keyring) -> Codec<K> {
    Codec::builder(ring).clock(TestClock::at(NOW)).build().expect("valid settings")
}

/// Entries whose JSON is so many bytes long.
fn entries(size: usize) -> Entries {
    let mut entries = Entries::new();
    if size > 2 {
        entries.insert("a", "x".repeat(size - 8)).expect("a text");
    }
    entries
}

/// Flips one bit of the token's bytes; it stays a token's spelling.
fn flip(token: &mut [u8], bit: usize) {
    let (place, bit) = (bit / 6, 5 - bit % 6);
    let value = URL_SAFE.iter().position(|byte| *byte == token[place]).expect("base64");
    token[place] = URL_SAFE[value ^ (1 << bit)];
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(case), Some(size), Some(count)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        panic!("usage: refusal-cost CASE SIZE TOKENS");
    };
    let size: usize = size.parse().expect("a size");
    let count: usize = count.parse().expect("a count");

    let ring = match case.starts_with("two-keys") {
        true => Keyring::new(key(1)).with_previous(key(2)).expect("two keys"),
        false => Keyring::new(key(1)),
    };
    let ours = codec::<Dynamic>(ring);
    let data = entries(size);
    let bits = 8 * (24 + 16 + 32 + size);
    let case = case.trim_start_matches("two-keys-");
    let (other_key, other_name) =
        (codec::<Dynamic>(Keyring::new(key(9))), codec::<Other>(Keyring::new(key(1))));
    let forge = |number: usize| -> Vec<u8> {
        let mut token = match case {
            "other-key" => other_key.encode(&data),
            "other-name" => other_name.encode(&data),
            _ => ours.encode(&data),
        }
        .expect("it fits")
        .into_bytes();
        match case {
            "valid" | "other-key" | "other-name" => {}
            "first-bit" => flip(&mut token, 0),
            "nonce-bit" => flip(&mut token, 8 * 24 - 1),
            "tag-first-bit" => flip(&mut token, 8 * 24),
            "tag-last-bit" => flip(&mut token, 8 * 40 - 1),
            "middle-bit" => flip(&mut token, (8 * 40 + bits) / 2),
            "last-bit" => flip(&mut token, bits - 1),
            "all-bits" => (0..bits).for_each(|bit| flip(&mut token, bit)),
            // The nonces of other tokens are as random as can be had.
            "random" => {
                let mut seed = number as u64 + 1;
                for bit in 0..bits {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    if seed >> 63 == 1 {
                        flip(&mut token, bit);
                    }
                }
            }
            "too-long" => token = vec![b'A'; 64 * 1024],
            "thousand-cookies" => {
                flip(&mut token, 0);
                let pair = [b"session=", &token[..], b"; "].concat();
                token = pair.repeat(1000);
            }
            "hostile-64kb" => token = vec![b';'; 64 * 1024],
            other => panic!("no such case: {other}"),
        }
        token
    };
    let tokens: Vec<_> = (0..count).map(forge).collect();
    // What is done once in a process is not part of it.
    assert!(ours.decode(&tokens[0]).is_ok() == (case == "valid"));
    assert!(ours.decode_cookie_header(b"session=").is_err());
    let header = matches!(case, "thousand-cookies" | "hostile-64kb");
    for token in &tokens {
        let mut opens = false;
        refuse(&mut || {
            let opened = match header {
                true => ours.decode_cookie_header(black_box(token)),
                false => ours.decode(black_box(token)),
            };
            opens = black_box(&opened).is_ok();
            // Kept out of the count, as it is not part of a refusal.
            std::mem::forget(opened);
        });
        assert_eq!(opens, case == "valid");
    }
}
