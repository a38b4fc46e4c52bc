//! In which slot of a cluster a key is.

/// The last slot.
#[cfg(feature = "registry")]
pub(crate) const LAST: u16 = COUNT - 1;
const COUNT: u16 = 16_384;

/// The slot of a key: the CRC16 (XMODEM) of what is between its first braces.
pub(crate) fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let hashed = tag.map(|(tag, _)| tag).filter(|tag| !tag.is_empty()).unwrap_or(key);
    let crc = hashed.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
        })
    });
    crc % COUNT
}

#[cfg(test)]
mod tests {
    use super::slot;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        // `CLUSTER KEYSLOT` of Redis 7.0 says the same.
        for (key, expected) in [
            ("123456789", 0x31c3),
            ("foo", 12_182),
            ("{foo}:days", 12_182),
            ("a{foo}{bar}", 12_182),
            ("{}foo", 9_500),
            ("", 0),
        ] {
            assert_eq!(slot(key), expected, "{key}");
        }
    }
}
