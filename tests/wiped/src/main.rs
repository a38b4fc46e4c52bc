//! Freed memory is looked at for keys and plaintext.
//!
//! ```text
//! cargo run --profile checked -p wiped [-- --where]
//! ```
//!
//! Each line is something that is done with a secret; an allocator looks at every block that is given
//! back meanwhile, also those that a buffer leaves behind as it grows. Any find fails. At the end all
//! of the process's writable memory is searched, the stack with what is left of old calls on it; that
//! part is a report, as no crate that computes with keys in registers can promise it. `--where` prints
//! a backtrace of each find.

mod heap;

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::hint::black_box;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};

use http::header::COOKIE;
use http::{Request, Response};
use sealed_session::{
    Codec, Dynamic, FastifyKey, Key, Keyring, Salt, Session, SessionKind, SessionLayer, TestClock,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tower_layer::Layer as _;
use tower_service::Service;

#[global_allocator]
static ALLOCATOR: heap::Looking = heap::Looking;

/// The secrets, inverted: what stands in the program's own read-only memory is no find.
const KEY: [u8; 32] = inverted(b"kEy:0123-Vanilla-Quokka-Zeppelin");
const PASSPHRASE: [u8; 48] = inverted(b"passphrase: nine Xylophones, and 1 Jabberwock ??");
const PLAINTEXT: [u8; 32] = inverted(b"plain:Scheherazade-1001-Nights-Q");
const SIGNING: [u8; 32] = inverted(b"sign:Ozymandias-king-of-kings-XZ");

const fn inverted<const N: usize>(text: &[u8; N]) -> [u8; N] {
    let mut bytes = *text;
    let mut at = 0;
    while at < N {
        bytes[at] = !bytes[at];
        at += 1;
    }
    bytes
}

/// The secret itself, on the stack of whoever wants it.
#[inline(never)]
fn plain<const N: usize>(inverted: &[u8; N]) -> [u8; N] {
    std::array::from_fn(|at| !black_box(inverted)[at])
}

/// Overwrites a copy that this program itself made.
fn forget(bytes: &mut [u8]) {
    bytes.fill(0);
    black_box(bytes);
}

fn key() -> Key {
    let mut bytes = plain(&KEY);
    let key = Key::from_slice(&bytes).unwrap();
    forget(&mut bytes);
    key
}

/// Serialises as the plaintext, which it makes as it goes, and keeps nothing of it when read.
#[derive(Clone)]
struct Quiet;

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for _ in 0..REPEAT.get() {
            for byte in &PLAINTEXT {
                fmt::Write::write_char(f, char::from(!byte))?;
            }
        }
        Ok(())
    }
}

thread_local! {
    /// How often the plaintext stands in a session.
    static REPEAT: Cell<usize> = const { Cell::new(1) };
}

impl Serialize for Quiet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quiet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl SessionKind for Quiet {
    type Data = Self;
    const NAME: &'static str = "quiet";
}

fn codec<K: SessionKind>(ring: Keyring) -> Codec<K> {
    Codec::builder(ring).clock(TestClock::at(1_700_000_000)).build().unwrap()
}

/// One request whose handler is `handler`.
fn request<K: SessionKind>(codec: &Codec<K>, token: &str, handler: impl FnOnce(&Session<K>)) {
    struct Handler<F, K>(Option<F>, std::marker::PhantomData<fn(K)>);
    impl<F: FnOnce(&Session<K>), K: SessionKind> Service<Request<()>> for Handler<F, K> {
        type Response = Response<()>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<()>, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, request: Request<()>) -> Self::Future {
            (self.0.take().unwrap())(request.extensions().get().unwrap());
            ready(Ok(Response::new(())))
        }
    }
    let mut request = Request::new(());
    let cookie = format!("{}={token}", codec.cookie_name()).parse().unwrap();
    request.headers_mut().insert(COOKIE, cookie);
    let handler = Handler(Some(handler), std::marker::PhantomData);
    let mut service = SessionLayer::new(codec.clone()).layer(handler);
    let answer = pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(answer.is_ready());
}

type Deed = (&'static str, fn());

const DEEDS: &[Deed] = &[
    ("a key from raw bytes, cloned and dropped", || {
        let key = key();
        drop(black_box(key.clone()));
    }),
    ("a key from hex and from base64, good and bad", || {
        let key = key();
        let (mut hex, mut base64) = (key.to_hex(), key.to_base64());
        for text in [&mut hex, &mut base64] {
            black_box(Key::parse(text.as_bytes()).unwrap());
            // The last character is no digit of either.
            text.pop();
            text.push('*');
            assert!(Key::parse(text.as_bytes()).is_err());
        }
    }),
    ("a key from a file, raw, hex and base64, good and bad", || {
        let path = std::env::temp_dir().join(format!("wiped-{}", std::process::id()));
        let key = key();
        let (hex, base64) = (key.to_hex(), key.to_base64());
        let raw = key.expose_secret();
        for content in
            [&raw[..], hex.as_bytes(), base64.as_bytes(), &raw[1..], &hex.as_bytes()[1..]]
        {
            std::fs::write(&path, content).unwrap();
            black_box(Key::from_file(&path).is_ok());
        }
        std::fs::remove_file(&path).unwrap();
    }),
    ("a key from the environment", || {
        // SAFETY: there is one thread.
        unsafe { std::env::set_var("WIPED_KEY", &**key().to_hex()) };
        drop(black_box(Key::from_env("WIPED_KEY").unwrap()));
        // SAFETY: as above.
        unsafe { std::env::remove_var("WIPED_KEY") };
    }),
    ("a keyring, replaced while a codec uses it", || {
        let codec = codec::<Quiet>(Keyring::new(key()));
        let token = codec.encode(&Quiet).unwrap();
        let next = Keyring::new(Key::generate().unwrap()).with_previous(key()).unwrap();
        codec.replace_keyring(next);
        assert_eq!(codec.decode(&token).unwrap().info.key_index, 1);
        codec.replace_keyring(Keyring::new(Key::generate().unwrap()));
        assert!(codec.decode(&token).is_err());
    }),
    ("fastify keys and their signatures", || {
        let mut secret = plain(&SIGNING);
        let signed = FastifyKey::signed_with_secret(key(), secret);
        forget(&mut secret);
        let codec = codec::<Dynamic>(Keyring::fastify(signed.clone()));
        let token = codec.encode(sealed_session::Entries::new()).unwrap();
        assert!(codec.decode(&token).is_ok());
        assert!(codec.decode(&token[1..]).is_err());
    }),
    ("sealing and opening small sessions", || seal_and_open(1)),
    ("sealing and opening sessions whose buffers grow", || seal_and_open(80)),
    ("a session too large for a cookie", || {
        REPEAT.set(200);
        assert!(codec::<Quiet>(Keyring::new(key())).encode(&Quiet).is_err());
    }),
    ("a request that reads and writes typed data", || {
        for repeat in [1, 80] {
            REPEAT.set(repeat);
            let codec = codec::<Quiet>(Keyring::new(key()));
            let token = codec.encode(&Quiet).unwrap();
            request(&codec, &token, |session| {
                assert!(session.data().is_some());
                session.set(Quiet).unwrap();
                let _ = session.update(|_| ()).unwrap();
                session.touch().unwrap();
            });
        }
    }),
    ("a request that reads, writes, takes and keeps entries", || {
        for repeat in [1, 30] {
            REPEAT.set(repeat);
            let codec = codec::<Dynamic>(Keyring::new(key()));
            let mut entries = sealed_session::Entries::new();
            entries.insert("a", &Quiet).unwrap();
            let token = codec.encode(&entries).unwrap();
            drop(entries);
            request(&codec, &token, |session| {
                assert!(session.get::<Quiet>("a").unwrap().is_some());
                session.insert("b", Quiet).unwrap();
                session.update(|entries| entries.insert("c", 1)).unwrap().done().unwrap().unwrap();
                let repeat = REPEAT.replace(200);
                session.insert("d", Quiet).unwrap_err();
                REPEAT.set(repeat);
                assert!(session.remove("b").unwrap());
                session.regenerate_keeping(&["a"]).unwrap();
                assert!(session.take::<Quiet>("a").unwrap().is_some());
            });
            request(&codec, &token, |session| session.delete());
        }
    }),
    ("a key from a passphrase", || {
        let mut passphrase = plain(&PASSPHRASE);
        drop(black_box(Key::from_passphrase(passphrase, &Salt::from_bytes([7; 16])).unwrap()));
        forget(&mut passphrase);
    }),
];

/// What is known to leave something behind, and why.
const KNOWN: &[(&str, &str, fn())] = &[
    ("a payload that is of another shape", "serde_json's error quotes it, and is dropped", || {
        struct Number;
        impl SessionKind for Number {
            type Data = u64;
            const NAME: &'static str = "quiet";
        }
        REPEAT.set(1);
        let token = codec::<Quiet>(Keyring::new(key())).encode(&Quiet).unwrap();
        assert!(codec::<Number>(Keyring::new(key())).decode(token).is_err());
    }),
    ("an entry of another type", "serde_json's error quotes it, and is dropped", || {
        REPEAT.set(1);
        let codec = codec::<Dynamic>(Keyring::new(key()));
        let mut entries = sealed_session::Entries::new();
        entries.insert("a", &Quiet).unwrap();
        let token = codec.encode(&entries).unwrap();
        request(&codec, &token, |session| assert!(session.get::<u32>("a").is_err()));
    }),
];

fn seal_and_open(repeat: usize) {
    REPEAT.set(repeat);
    for ring in [Keyring::new(key()), Keyring::fastify(key())] {
        let codec = codec::<Wrapped>(ring);
        let token = codec.encode(&Wrapped { a: Quiet }).unwrap();
        assert!(codec.decode(&token).is_ok());
        assert!(codec.decode(&token[4..]).is_err());
    }
}

/// The peer's sessions are objects.
#[derive(Serialize, Deserialize)]
struct Wrapped {
    #[allow(dead_code, reason = "for what is written")]
    a: Quiet,
}

impl SessionKind for Wrapped {
    type Data = Self;
    const NAME: &'static str = "wrapped";
}

/// Prints pieces of each secret and of what is derived from it, inverted, with their names. In a
/// process of its own: no copy that is made here is to be found in the other's memory.
fn print_needles() {
    let add = |name, inverted: &[u8]| {
        println!("{} {name}", u64::from_le_bytes(inverted[..heap::PIECE].try_into().unwrap()));
    };
    add("the key's beginning", &KEY);
    add("the key's middle", &KEY[12..]);
    add("the key's end", &KEY[24..]);
    add("the plaintext", &PLAINTEXT[6..]);
    add("the signing secret", &SIGNING[6..]);
    add("the passphrase", &PASSPHRASE[12..]);
    let key = key();
    let invert = |text: &str| text.bytes().map(|byte| !byte).collect::<Vec<_>>();
    add("the key in hex", &invert(&key.to_hex()[8..]));
    add("the key in base64", &invert(&key.to_base64()[8..]));
    // Derived from the key, and as secret.
    let derive = |name: &str| {
        use blake2::digest::{FixedOutput as _, Update as _};
        let mut mac =
            blake2::Blake2bMac::<blake2::digest::consts::U32>::new_with_salt_and_personal(
                key.expose_secret(),
                &[],
                b"sealed-session-1",
            )
            .unwrap();
        mac.update(name.as_bytes());
        mac.finalize_fixed().iter().map(|byte| !byte).collect::<Vec<_>>()
    };
    add("the sub-key of `quiet`", &derive("quiet"));
    add("the sub-key of `session`", &derive("session"));
    add("the sub-key of `wrapped`", &derive("wrapped"));
}

/// The needles' names, by number.
fn add_needles() -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let output = std::process::Command::new(program).arg("--needles").output().unwrap();
    let needle = |line: &str| {
        let (inverted, name) = line.split_once(' ').unwrap();
        heap::add(inverted.parse().unwrap());
        name.to_owned()
    };
    String::from_utf8(output.stdout).unwrap().lines().map(needle).collect()
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--needles") {
        print_needles();
        return ExitCode::SUCCESS;
    }
    let names = add_needles();
    if std::env::args().any(|argument| argument == "--where") {
        heap::on_find(|number| {
            eprintln!("needle {number}:\n{}", std::backtrace::Backtrace::force_capture());
        });
    }
    if std::env::args().any(|argument| argument == "--check") {
        check();
        return ExitCode::SUCCESS;
    }
    // In a process of its own, too: what it leaves is not to be found here.
    let program = std::env::current_exe().unwrap();
    let check = std::process::Command::new(program).arg("--check").status().unwrap();
    assert!(check.success(), "the allocator finds nothing");

    let mut bad = 0;
    for (deed, run) in DEEDS {
        let finds = finds(&names, *run);
        match finds.is_empty() {
            true => println!("wiped: {deed}"),
            false => {
                bad += 1;
                println!("FOUND: {deed}: {finds}");
            }
        }
    }
    let (blocks, bytes) = heap::looked_at();
    let deeds = DEEDS.len();
    println!("{deeds} deeds, {blocks} freed blocks of {bytes} bytes looked at: {bad} with finds");
    memory(&names);
    for (deed, why, run) in KNOWN {
        let finds = finds(&names, *run);
        println!("known: {deed}: {}: {why}", if finds.is_empty() { "nothing" } else { &finds });
    }
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The search must find what is not wiped.
fn check() {
    heap::watch(true);
    drop(black_box(plain(&KEY).to_vec()));
    drop(black_box(plain(&PLAINTEXT).to_vec()));
    heap::watch(false);
    for number in 0..4 {
        assert_eq!(heap::found(number), 1, "needle {number}");
    }
}

/// What is found in the blocks that are given back while `run` runs.
fn finds(names: &[String], run: fn()) -> String {
    heap::watch(true);
    run();
    heap::watch(false);
    let times = names.iter().enumerate().map(|(number, name)| (name, heap::found(number)));
    let finds = times.filter(|(_, times)| *times > 0);
    finds.map(|(name, times)| format!("{name} ({times} times)")).collect::<Vec<_>>().join(", ")
}

/// Reports what is left in all the memory that the process can write.
fn memory(names: &[String]) {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
    let mut memory = std::fs::File::open("/proc/self/mem").expect("Linux");
    let mut finds = std::collections::BTreeMap::<(String, usize), usize>::new();
    let mut total = 0;
    for map in maps.lines() {
        let mut words = map.split_ascii_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        if !rights.starts_with("rw") {
            continue;
        }
        let place = match words.nth(3).unwrap_or("") {
            "[heap]" => "the heap",
            "[stack]" => "the stack",
            "" => "a heap or a thread's stack",
            _ => "static data",
        };
        let (start, end) = range.split_once('-').unwrap();
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        let mut bytes = vec![0; (number(end) - number(start)) as usize];
        memory.seek(SeekFrom::Start(number(start))).unwrap();
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        total += bytes.len();
        // SAFETY: they are this vector's.
        unsafe {
            heap::search(bytes.as_ptr(), bytes.len(), |needle| {
                *finds.entry((place.to_owned(), needle)).or_default() += 1;
            });
        }
        // The next map may be where this copy was.
        bytes.fill(0);
        black_box(&bytes);
    }
    println!("then, in {total} bytes of the process's writable memory:");
    for ((place, needle), times) in &finds {
        println!("  {times} times {} in {place}", names[*needle]);
    }
    if finds.is_empty() {
        println!("  nothing");
    }
    println!("  (the hex is the environment's: what was in a variable stays there)");
}
