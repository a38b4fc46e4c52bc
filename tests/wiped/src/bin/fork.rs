//! A fork copies the nonce generator: neither side may draw what the other draws.
//!
//! ```text
//! cargo run --profile checked -p wiped --bin fork [FORKS] [NONCES]
//! ```
//!
//! The process forks so many times (default 100), each child seals so many sessions (default 1,000)
//! and hands over their nonces, and so does the parent in between. Not one may come twice.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::FromRawFd as _;
use std::process::ExitCode;

use sealed_session::{Codec, Dynamic, Entries, Key, Keyring};

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse().expect("a number"));
    let (forks, count) = (numbers.next().unwrap_or(100), numbers.next().unwrap_or(1000));
    let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate().unwrap())).unwrap();
    // 24 bytes are 32 characters.
    let nonce = || codec.encode(Entries::new()).unwrap()[..32].to_owned();

    let mut seen = HashSet::new();
    let mut drawn: usize = 0;
    for _ in 0..forks {
        // The generator has a seed, and is in the midst of it.
        drawn += 1;
        seen.insert(nonce());
        let mut pipe = [0; 2];
        // SAFETY: there is room for two descriptors, and one thread, so that the child may go on as
        // the parent would.
        let child = unsafe {
            assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
            libc::fork()
        };
        // SAFETY: the descriptors are this process's, and nobody else's.
        let (mut read, mut write) =
            unsafe { (File::from_raw_fd(pipe[0]), File::from_raw_fd(pipe[1])) };
        if child == 0 {
            let nonces: String = (0..count).map(|_| nonce()).collect();
            write.write_all(nonces.as_bytes()).unwrap();
            std::process::exit(0);
        }
        assert!(child > 0, "no fork");
        drop(write);
        for _ in 0..count {
            drawn += 1;
            seen.insert(nonce());
        }
        let mut nonces = String::new();
        read.read_to_string(&mut nonces).unwrap();
        assert_eq!(nonces.len(), 32 * count, "the child's nonces");
        drawn += count;
        seen.extend((0..count).map(|at| nonces[32 * at..][..32].to_owned()));
        // SAFETY: it is a child of this process.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    }
    println!("{forks} forks, {drawn} nonces on both sides, {} of them different", seen.len());
    if seen.len() == drawn { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
