//! The best pipeline that can be built on libsodium for our token, byte for byte: what somebody who
//! wants it faster than we are would write by hand.
//!
//! Its secretbox in place, the fastest base64, serde_json straight from the buffer, nothing wiped.

use std::ffi::c_void;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig, Simd};
use base64_simd::URL_SAFE_NO_PAD;
use libsodium_sys as ffi;
use rand::Rng as _;

use crate::sample::Sample;

const NONCE: usize = 24;
const TAG: usize = 16;
const ID: usize = 16;
pub const HEADER: usize = 32;
const FRONT: usize = NONCE + TAG + HEADER;
/// The flag of an idle timeout of the session's own.
const OWN: u8 = 1;
/// Seconds.
const IDLE: u32 = 24 * 60 * 60;
const MAX_IDLE: u64 = (1 << 31) - 1;
/// Milliseconds.
const ABSOLUTE: u64 = 30 * 24 * 60 * 60 * 1000;
const SKEW: u64 = 60 * 1000;
const MAX_LEN: usize = 4096 - "session".len();

/// A key bound to a cookie's name.
pub struct Sodium {
    key: [u8; 32],
    choice: Choice,
}

/// Which of the parts are faster on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    pub base64_simd: bool,
    pub randombytes: bool,
    pub validate_first: bool,
}

impl Sodium {
    pub fn new(key: &[u8; 32], name: &str, choice: Choice) -> Self {
        initialise();
        let mut subkey = [0; 32];
        // SAFETY: lengths are those of the buffers; salt and personal are of 16 bytes.
        let result = unsafe {
            ffi::crypto_generichash_blake2b_salt_personal(
                subkey.as_mut_ptr(),
                subkey.len(),
                name.as_ptr(),
                name.len() as u64,
                key.as_ptr(),
                key.len(),
                [0; 16].as_ptr(),
                b"sealed-session-1".as_ptr(),
            )
        };
        assert_eq!(result, 0);
        Self { key: subkey, choice }
    }

    pub fn decode(&self, token: &[u8]) -> Option<Sample> {
        if token.len() > MAX_LEN {
            return None;
        }
        let mut buffer = self.decode_base64(token)?;
        if buffer.len() < FRONT || !self.open(&mut buffer) {
            return None;
        }
        if !is_valid(&buffer[NONCE + TAG..FRONT]) {
            return None;
        }
        let json = &buffer[FRONT..];
        if self.choice.validate_first {
            serde_json::from_str(std::str::from_utf8(json).ok()?).ok()
        } else {
            serde_json::from_slice(json).ok()
        }
    }

    pub fn encode(&self, data: &Sample) -> Option<String> {
        let mut buffer = Vec::with_capacity(FRONT + 512);
        buffer.resize(FRONT, 0);
        serde_json::to_writer(&mut buffer, data).ok()?;
        if (buffer.len() * 4).div_ceil(3) > MAX_LEN {
            return None;
        }
        // Nonce and id in one draw.
        let mut random = [0; NONCE + ID];
        self.random(&mut random);
        buffer[..NONCE].copy_from_slice(&random[..NONCE]);
        let header = &mut buffer[NONCE + TAG..FRONT];
        header[0] = 1;
        // No flags, and refreshed when it was created: both 0, as they are already.
        header[2..18].copy_from_slice(&random[NONCE..]);
        header[18..24].copy_from_slice(&now().to_be_bytes()[2..]);
        header[28..].copy_from_slice(&IDLE.to_be_bytes());
        self.seal(&mut buffer);
        Some(self.encode_base64(&buffer))
    }

    pub fn encode_base64(&self, bytes: &[u8]) -> String {
        if self.choice.base64_simd {
            URL_SAFE_NO_PAD.encode_to_string(bytes)
        } else {
            engine().encode(bytes)
        }
    }

    pub fn decode_base64(&self, token: &[u8]) -> Option<Vec<u8>> {
        if self.choice.base64_simd {
            URL_SAFE_NO_PAD.decode_to_vec(token).ok()
        } else {
            let mut bytes = vec![0; token.len() / 4 * 3 + 3];
            let len = engine().decode_slice(token, &mut bytes).ok()?;
            bytes.truncate(len);
            Some(bytes)
        }
    }

    fn random(&self, bytes: &mut [u8]) {
        if self.choice.randombytes {
            // SAFETY: the pointer and the length are of one buffer.
            unsafe { ffi::randombytes_buf(bytes.as_mut_ptr().cast::<c_void>(), bytes.len()) };
        } else {
            rand::rng().fill_bytes(bytes);
        }
    }

    /// Opens what stands behind nonce and tag, in place.
    pub fn open(&self, buffer: &mut [u8]) -> bool {
        let (front, message) = buffer.split_at_mut(NONCE + TAG);
        let at = message.as_mut_ptr();
        // SAFETY: message and ciphertext may be the same buffer; the lengths are secretbox's own.
        let result = unsafe {
            ffi::crypto_secretbox_open_detached(
                at,
                at,
                front[NONCE..].as_ptr(),
                message.len() as u64,
                front.as_ptr(),
                self.key.as_ptr(),
            )
        };
        result == 0
    }

    pub fn subkey(&self) -> &[u8; 32] {
        &self.key
    }

    fn seal(&self, buffer: &mut [u8]) {
        let (front, message) = buffer.split_at_mut(NONCE + TAG);
        let (nonce, tag) = front.split_at_mut(NONCE);
        let at = message.as_mut_ptr();
        // SAFETY: message and ciphertext may be the same buffer; the lengths are secretbox's own.
        let result = unsafe {
            ffi::crypto_secretbox_detached(
                at,
                tag.as_mut_ptr(),
                at,
                message.len() as u64,
                nonce.as_ptr(),
                self.key.as_ptr(),
            )
        };
        assert_eq!(result, 0);
    }
}

/// Measures the parts that there is a choice of.
pub fn choose(token: &[u8], data: &Sample) -> (Choice, Vec<(&'static str, f64)>) {
    initialise();
    let make = |base64_simd, randombytes, validate_first| {
        Sodium::new(&[7; 32], "session", Choice { base64_simd, randombytes, validate_first })
    };
    let one = make(true, true, true);
    let other = make(false, false, false);
    let json = data.json();
    let mut random = [0; NONCE + ID];
    let figures = vec![
        ("base64-simd, decode", best(|| one.decode_base64(token))),
        ("base64 (Simd engine), decode", best(|| other.decode_base64(token))),
        ("randombytes_buf", best(|| one.random(&mut random))),
        ("rand::rng()", best(|| other.random(&mut random))),
        (
            "from_utf8, from_str",
            best(|| serde_json::from_str::<Sample>(std::str::from_utf8(&json).ok()?).ok()),
        ),
        ("from_slice", best(|| serde_json::from_slice::<Sample>(&json).ok())),
    ];
    let choice = Choice {
        base64_simd: figures[0].1 <= figures[1].1,
        randombytes: figures[2].1 <= figures[3].1,
        validate_first: figures[4].1 <= figures[5].1,
    };
    (choice, figures)
}

/// A token's bytes, still sealed.
pub fn bytes(token: &str) -> Vec<u8> {
    engine().decode(token).expect("a token")
}

/// The best of many short runs, in nanoseconds.
fn best<T>(mut op: impl FnMut() -> T) -> f64 {
    let run = |op: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..500).for_each(|_| op());
        start.elapsed().as_nanos() as f64 / 500.0
    };
    let mut op = || drop(std::hint::black_box(op()));
    (0..40).map(|_| run(&mut op)).fold(f64::MAX, f64::min)
}

/// Without this libsodium stays with its portable code.
fn initialise() {
    // SAFETY: it may be called at any time and again.
    assert!(unsafe { ffi::sodium_init() } >= 0);
}

fn engine() -> &'static Simd {
    static ENGINE: OnceLock<Simd> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Simd::url_safe(
            GeneralPurposeConfig::new()
                .with_encode_padding(false)
                .with_decode_padding_mode(DecodePaddingMode::RequireNone),
        )
    })
}

fn is_valid(header: &[u8]) -> bool {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
    let (flags, idle) = (header[1], number(&header[28..]));
    let created = number(&header[18..24]);
    let refreshed = created + 1000 * number(&header[24..28]);
    let counts = if flags == OWN { idle } else { idle.min(IDLE.into()) };
    let now = now();
    header[0] == 1
        && flags & !OWN == 0
        && idle != 0
        && idle <= MAX_IDLE
        && refreshed <= now + SKEW
        && now < (refreshed + 1000 * counts).min(created + ABSOLUTE)
}

/// In milliseconds.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| 1000 * since.as_secs() + u64::from(since.subsec_millis()))
}
