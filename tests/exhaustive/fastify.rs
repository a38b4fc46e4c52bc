//! Every small change to tokens of the peer's format, tried, in three spellings: ours, Node's and
//! signed. What opens is another spelling of the same bytes that Node reads as well (the letter case
//! of an escape, padding in full or not at all), and nothing else.
//!
//! `cargo test` tries a sample. All of it, in about three minutes on two cores:
//!
//! ```text
//! SEALED_SESSION_EXHAUSTIVE=1 cargo test --release --test exhaustive fastify:: -- --nocapture
//! ```

use base64ct::{Base64, Base64Unpadded, Encoding as _};
use sealed_session::{Codec, CookieOptions, FastifyKey, Keyring};

use crate::support::attack::{Count, all, json_of};
use crate::support::{Raw, Rng, attack, key, percent_encode};

/// JSON of so many bytes is what fits, signed and as Node spells it, under the name `session`.
const LONGEST_JSON: usize = 2900;
const LONGEST_TOKEN: usize = 4096 - "session".len();
const STANDARD: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=;%";

fn plain(key_byte: u8, name: &'static str) -> Codec<Raw> {
    attack::codec(Keyring::fastify(key(key_byte)), CookieOptions::new().name(name))
}

fn signed(key_byte: u8, name: &'static str) -> Codec<Raw> {
    let ring = Keyring::fastify(FastifyKey::signed(key(key_byte)));
    attack::codec(ring, CookieOptions::new().name(name))
}

/// A token and the codec that opens it.
struct Case<'c> {
    codec: &'c Codec<Raw>,
    token: String,
    means: Meaning,
}

impl<'c> Case<'c> {
    fn new(codec: &'c Codec<Raw>, token: String) -> Self {
        let means = meaning(token.as_bytes()).expect("the crate and Node write tokens");
        assert!(codec.decode(&token).is_ok(), "the token itself opens");
        Self { codec, token, means }
    }

    /// The altered token opens only if it means the same.
    #[track_caller]
    fn judge(&self, altered: &[u8], count: &attack::Tally<'_>) -> bool {
        count.judged(self.codec, altered, || meaning(altered).as_ref() == Some(&self.means))
    }

    /// It opens if and only if it means the same.
    #[track_caller]
    fn judge_both_ways(&self, altered: &[u8], count: &attack::Tally<'_>) {
        let opened = self.judge(altered, count);
        let same = altered.len() <= LONGEST_TOKEN && meaning(altered).as_ref() == Some(&self.means);
        assert_eq!(opened, same, "{:?}", String::from_utf8_lossy(altered));
    }
}

/// The cases of these sizes, in all three spellings.
fn cases<'c>(codecs: &'c [Codec<Raw>; 2], sizes: Vec<usize>) -> Vec<Case<'c>> {
    let [plain, signed] = codecs;
    sizes
        .into_iter()
        .flat_map(|size| {
            let json = json_of(if size < 8 { 2 } else { size });
            let ours = plain.encode(&json).unwrap();
            // Node's spelling of a large one is too long for a cookie.
            [(plain, as_node_spells(&ours)), (signed, signed.encode(&json).unwrap()), (plain, ours)]
                .into_iter()
                .filter(|(_, token)| token.len() <= LONGEST_TOKEN)
                .map(|(codec, token)| Case::new(codec, token))
        })
        .collect()
}

fn codecs() -> [Codec<Raw>; 2] {
    [plain(7, "session"), signed(8, "session")]
}

/// Sizes of JSON over the whole range, or a few small ones for the sample.
fn spread(count: usize) -> Vec<usize> {
    if all() {
        (0..count).map(|n| 8 + n * (LONGEST_JSON - 8) / (count - 1)).collect()
    } else {
        vec![8, 9, 100]
    }
}

/// Padded, and every character escaped that `encodeURIComponent` escapes.
fn as_node_spells(token: &str) -> String {
    let (message, nonce) = token.split_once("%3B").unwrap();
    let message = Base64::encode_string(&Base64Unpadded::decode_vec(message).unwrap());
    let token = format!("{message};{nonce}");
    percent_encode(&token)
}

/// What a token's text stands for, if it is spelt as one.
#[derive(PartialEq, Eq)]
struct Meaning {
    message: Vec<u8>,
    nonce: Vec<u8>,
    /// The signed text, as padding changes it, and the signature.
    signature: Option<(String, Vec<u8>)>,
}

/// Reads a token by another base64 decoder than the crate's.
fn meaning(token: &[u8]) -> Option<Meaning> {
    let text = std::str::from_utf8(token).ok()?;
    let mut plain = String::new();
    let mut parts = text.split('%');
    plain += parts.next()?;
    for part in parts {
        plain.push(match part.get(..2)?.to_ascii_uppercase().as_str() {
            "2B" => '+',
            "2F" => '/',
            "3B" => ';',
            "3D" => '=',
            _ => return None,
        });
        plain += &part[2..];
    }
    let base64 = |text: &str| {
        if text.ends_with('=') {
            Base64::decode_vec(text)
        } else {
            Base64Unpadded::decode_vec(text)
        }
        .ok()
    };
    let (value, signature) = match plain.split_once('.') {
        Some((value, signature)) => {
            (value, Some((value.to_owned(), Base64Unpadded::decode_vec(signature).ok()?)))
        }
        None => (plain.as_str(), None),
    };
    let (message, nonce) = value.split_once(';')?;
    Some(Meaning { message: base64(message)?, nonce: base64(nonce)?, signature })
}

#[test]
fn a_flipped_bit_opens_only_if_it_changes_the_letter_case_of_an_escape() {
    let codecs = codecs();
    let cases = cases(&codecs, spread(334));
    let letters: usize = cases
        .iter()
        .flat_map(|case| case.token.split('%').skip(1))
        .map(|escape| escape[..2].bytes().filter(u8::is_ascii_alphabetic).count())
        .sum();
    let opened = Count::of("flipped bits, fastify").run(&cases, |case, count| {
        let mut flipped = case.token.clone().into_bytes();
        for bit in 0..8 * flipped.len() {
            flipped[bit / 8] ^= 1 << (bit % 8);
            case.judge(&flipped, count);
            flipped[bit / 8] ^= 1 << (bit % 8);
        }
    });
    assert_eq!(opened, letters as u64);
}

#[test]
fn no_flipped_bit_of_the_bytes_opens() {
    let codecs = codecs();
    let cases = cases(&codecs, spread(334));
    Count::of("flipped bits of the bytes, fastify").run(&cases, |case, count| {
        let Meaning { message, nonce, signature } = &case.means;
        let tail = |signature: &[u8]| match signature {
            [] => String::new(),
            signature => format!(".{}", Base64Unpadded::encode_string(signature)),
        };
        let signature = signature.as_ref().map_or(&[][..], |(_, signature)| signature);
        let mut bytes = [message, nonce, signature].concat();
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let (message, rest) = bytes.split_at(message.len());
            let (nonce, signature) = rest.split_at(24);
            let [message, nonce] = [message, nonce].map(Base64Unpadded::encode_string);
            count.refused(case.codec, format!("{message}%3B{nonce}{}", tail(signature)).as_bytes());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    });
}

#[test]
fn no_part_of_a_token_opens() {
    let codecs = codecs();
    let cases = cases(&codecs, spread(334));
    let opened = Count::of("truncations, fastify").run(&cases, |case, count| {
        for len in 0..case.token.len() {
            case.judge(&case.token.as_bytes()[..len], count);
            case.judge(&case.token.as_bytes()[case.token.len() - len..], count);
        }
    });
    assert_eq!(opened, 0);
}

#[test]
fn a_token_with_a_changed_byte_opens_only_if_it_is_another_form_of_the_same_token() {
    let codecs = codecs();
    let sizes = if all() { 30 } else { 1 };
    let large: &[usize] = if all() { &[500, 1500, 2100] } else { &[] };
    let cases = cases(&codecs, (8..8 + sizes).chain(large.iter().copied()).collect());
    let opened =
        Count::of("bytes inserted, deleted and replaced, fastify").run(&cases, |case, count| {
            let token = case.token.as_bytes();
            for at in 0..=token.len() {
                let (front, back) = token.split_at(at);
                let mut longer = [front, &[0], back].concat();
                for byte in 0..=255 {
                    longer[at] = byte;
                    case.judge_both_ways(&longer, count);
                }
                if let Some((own, rest)) = back.split_first() {
                    case.judge_both_ways(&[front, rest].concat(), count);
                    let mut replaced = token.to_vec();
                    for byte in (0..=255).filter(|byte| byte != own) {
                        replaced[at] = byte;
                        case.judge_both_ways(&replaced, count);
                    }
                }
            }
        });
    assert!(opened > 0, "padding may be left out or put in");
}

#[test]
fn a_token_opens_under_its_own_key_and_scheme_alone() {
    #[derive(Clone, Copy, PartialEq)]
    enum Scheme {
        Native,
        Plain,
        Signed,
    }
    use Scheme::{Native, Plain, Signed};

    let mut parties = Vec::new();
    for scheme in [Native, Plain, Signed] {
        for name in ["session", "admin", "__Host-session"] {
            for key_byte in 1..=if all() { 16 } else { 6 } {
                let codec = match scheme {
                    Native => {
                        attack::codec(Keyring::new(key(key_byte)), CookieOptions::new().name(name))
                    }
                    Plain => plain(key_byte, name),
                    Signed => signed(key_byte, name),
                };
                parties.push((scheme, name, key_byte, codec));
            }
        }
    }
    let mut pairs = 0;
    for (scheme, name, key_byte, sealed_by) in &parties {
        for size in [2, 50, 1000] {
            let token = sealed_by.encode(json_of(size)).unwrap();
            for (other_scheme, other_name, other_key, opener) in &parties {
                let same = scheme == other_scheme && key_byte == other_key;
                // Only the native token is bound to its name.
                let wanted = same && (*scheme != Native || name == other_name);
                assert_eq!(opener.decode(&token).is_ok(), wanted);
                pairs += 1;
            }
        }
    }
    println!("keys, names and schemes swapped: {pairs} cases");
}

#[test]
fn a_token_does_not_open_with_every_other_key_and_scheme() {
    let count = Count::of("rings without the key");
    let keys: Vec<u8> = (1..=if all() { 30 } else { 5 }).collect();
    count.run(&keys, |own, count| {
        let tokens = [
            attack::codec(Keyring::new(key(*own)), CookieOptions::new()),
            plain(*own, "session"),
            signed(*own, "session"),
        ]
        .map(|codec| codec.encode(json_of(100)).unwrap());
        for (scheme, token) in tokens.iter().enumerate() {
            // The same key for the other kinds of token, and other keys for this kind.
            let mut ring = Keyring::new(key(100));
            if scheme != 0 {
                ring = ring.with_previous(key(*own)).unwrap();
            }
            ring = match scheme {
                0 => ring.with_previous_fastify(key(*own)).unwrap(),
                1 => ring.with_previous_fastify(FastifyKey::signed(key(*own))).unwrap(),
                _ => ring.with_previous_fastify(key(*own)).unwrap(),
            };
            for other in (1..=30).filter(|other| other != own) {
                ring = ring.with_previous(key(other)).unwrap();
                ring = ring.with_previous_fastify(key(other)).unwrap();
                ring = ring.with_previous_fastify(FastifyKey::signed(key(other + 30))).unwrap();
            }
            let opener = attack::codec(ring, CookieOptions::new());
            count.refused(&opener, token.as_bytes());
        }
    });
}

#[test]
fn no_random_string_opens() {
    let ring = Keyring::new(key(6))
        .with_previous_fastify(key(7))
        .and_then(|ring| ring.with_previous_fastify(FastifyKey::signed(key(8))))
        .unwrap();
    let codec = attack::codec(ring, CookieOptions::new());
    let codecs = codecs();
    let cases = cases(&codecs, vec![100]);
    let chunks: Vec<u64> = (0..if all() { 1000 } else { 5 }).collect();
    Count::of("random strings, fastify").run(&chunks, |chunk, count| {
        let mut rng = Rng::new(*chunk);
        for n in 0..1000 {
            let text = match n % 4 {
                0 => rng.bytes(4089),
                1 => rng.text(4089, STANDARD),
                2 => {
                    let message = Base64Unpadded::encode_string(&rng.bytes(2900));
                    let nonce =
                        Base64Unpadded::encode_string(&[rng.next().to_le_bytes(); 3].concat());
                    format!("{message}%3B{nonce}").into_bytes()
                }
                _ => {
                    let token = &cases[rng.below(cases.len())].token;
                    let mut text = token.as_bytes()[..rng.below(token.len() - 8)].to_vec();
                    text.extend(rng.text(200, STANDARD));
                    text
                }
            };
            count.refused(&codec, &text);
        }
    });
}
