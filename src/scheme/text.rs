//! base64, strict: unpadded, and the unused bits of the last character are zero.
//!
//! Tokens are public, so the fast decoder may look at them; keys have their own (`crypto::key`).

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Engine = base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Engine = base64::engine::GeneralPurpose;

static URL_SAFE: LazyLock<Engine> = LazyLock::new(|| {
    let strict = GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false);
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    return Engine::url_safe(strict);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return Engine::new(&base64::alphabet::URL_SAFE, strict);
});

/// The characters that so many bytes take.
pub(super) const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// Appends `bytes` in base64url to `out`.
pub(super) fn encode_url(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + encoded_len(bytes.len()), 0);
    URL_SAFE
        .encode_slice(bytes, &mut out[start..])
        .expect("the room is reckoned exactly");
}

/// The bytes of a base64url text, or `None` if it is not spelt as [`encode_url`] would.
pub(super) fn decode_url(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() / 4 * 3 + 3];
    let len = URL_SAFE.decode_slice(text, &mut bytes).ok()?;
    bytes.truncate(len);
    Some(bytes)
}
