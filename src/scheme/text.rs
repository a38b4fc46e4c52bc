//! Strict base64: the unused bits of the last character must be zero, and no other characters are
//! allowed.
//!
//! Tokens are public, so a fast decoder may process them. Keys have their own (`crypto::key`).

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod engine {
    use super::GeneralPurposeConfig;

    pub(super) type Engine = base64::engine::Simd;

    pub(super) fn url_safe(config: GeneralPurposeConfig) -> Engine {
        Engine::url_safe(config)
    }

    #[cfg(feature = "fastify")]
    pub(super) fn standard(config: GeneralPurposeConfig) -> Engine {
        Engine::standard(config)
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod engine {
    use base64::alphabet;

    use super::GeneralPurposeConfig;

    pub(super) type Engine = base64::engine::GeneralPurpose;

    pub(super) fn url_safe(config: GeneralPurposeConfig) -> Engine {
        Engine::new(&alphabet::URL_SAFE, config)
    }

    #[cfg(feature = "fastify")]
    pub(super) fn standard(config: GeneralPurposeConfig) -> Engine {
        Engine::new(&alphabet::STANDARD, config)
    }
}

const STRICT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone)
    .with_decode_allow_trailing_bits(false);

static URL_SAFE: LazyLock<engine::Engine> = LazyLock::new(|| engine::url_safe(STRICT));

/// The number of base64 characters for this number of bytes.
pub(super) const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// Appends `bytes` in base64url, unpadded, to `out`.
pub(super) fn encode_url(bytes: &[u8], out: &mut Vec<u8>) {
    encode(&URL_SAFE, bytes, out);
}

/// The bytes of a base64url text, or `None` if it is not exactly what [`encode_url`] would write.
pub(super) fn decode_url(text: &[u8]) -> Option<Vec<u8>> {
    decode(&URL_SAFE, text)
}

#[cfg(feature = "fastify")]
pub(super) use self::standard::{decode_standard, decode_standard_array, encode_standard};

#[cfg(feature = "fastify")]
mod standard {
    use base64::Engine as _;

    use super::{DecodePaddingMode, LazyLock, STRICT, engine};

    static STANDARD: LazyLock<engine::Engine> = LazyLock::new(|| {
        engine::standard(STRICT.with_decode_padding_mode(DecodePaddingMode::Indifferent))
    });

    /// Appends `bytes` in standard base64, unpadded, to `out`.
    pub(in crate::scheme) fn encode_standard(bytes: &[u8], out: &mut Vec<u8>) {
        super::encode(&STANDARD, bytes, out);
    }

    /// The bytes of a standard base64 text, with full padding or none.
    pub(in crate::scheme) fn decode_standard(text: &[u8]) -> Option<Vec<u8>> {
        if is_half_padded(text) { None } else { super::decode(&STANDARD, text) }
    }

    /// Like [`decode_standard`], for a known number of bytes.
    pub(in crate::scheme) fn decode_standard_array<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
        if is_half_padded(text) {
            return None;
        }
        let mut bytes = [0; N];
        let len = STANDARD.decode_slice(text, &mut bytes).ok()?;
        (len == N).then_some(bytes)
    }

    fn is_half_padded(text: &[u8]) -> bool {
        text.last() == Some(&b'=') && !text.len().is_multiple_of(4)
    }
}

fn encode(engine: &engine::Engine, bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + encoded_len(bytes.len()), 0);
    engine.encode_slice(bytes, &mut out[start..]).expect("the length is computed exactly");
}

fn decode(engine: &engine::Engine, text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() / 4 * 3 + 3];
    let len = engine.decode_slice(text, &mut bytes).ok()?;
    bytes.truncate(len);
    Some(bytes)
}
