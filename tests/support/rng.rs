//! Random numbers that are the same in every run.

/// `SplitMix64` (Steele, Lea and Flood 2014).
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed << 32)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Up to so many bytes, short ones likelier.
    pub(crate) fn bytes(&mut self, longest: usize) -> Vec<u8> {
        let len = self.length(longest);
        (0..len.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(len).collect()
    }

    /// Up to so many characters of an alphabet, short texts likelier.
    pub(crate) fn text(&mut self, longest: usize, alphabet: &[u8]) -> Vec<u8> {
        let bytes = self.bytes(longest);
        bytes.iter().map(|byte| alphabet[usize::from(*byte) % alphabet.len()]).collect()
    }

    fn length(&mut self, longest: usize) -> usize {
        let bound = 1 + self.below(longest);
        self.below(1 + bound)
    }
}
