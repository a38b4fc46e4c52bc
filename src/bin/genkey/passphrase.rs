//! Reads a passphrase without leaving copies of it behind.

use std::error::Error;
#[cfg(any(unix, windows))]
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _, Read};
#[cfg(unix)]
use std::os::fd::AsFd as _;
#[cfg(windows)]
use std::os::windows::io::AsHandle as _;

use zeroize::Zeroizing;

/// Longer passphrases are refused, so that one buffer always suffices.
const LONGEST: usize = 4096;

/// Reads from the terminal without echo, or from standard input, whose final line ending is dropped.
pub(crate) fn read() -> Result<Zeroizing<Vec<u8>>, Box<dyn Error>> {
    let passphrase = match io::stdin().is_terminal() {
        true => ask_twice()?,
        false => read_piped()?,
    };
    if passphrase.len() > LONGEST {
        let found = format!("the passphrase is longer than {LONGEST} bytes");
        return Err(found.into());
    }
    Ok(passphrase)
}

fn ask_twice() -> Result<Zeroizing<Vec<u8>>, Box<dyn Error>> {
    let passphrase = ask("Passphrase: ")?;
    if *passphrase != *ask("Repeat the passphrase: ")? {
        return Err("the two passphrases differ".into());
    }
    Ok(passphrase)
}

fn ask(prompt: &str) -> Result<Zeroizing<Vec<u8>>, Box<dyn Error>> {
    let passphrase = rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|error| format!("cannot read the passphrase from the terminal: {error}"))?;
    // `rpassword` replaces bytes that are not UTF-8 with this character, so several passphrases
    // would give the same key.
    if passphrase.contains(char::REPLACEMENT_CHARACTER) {
        return Err("the input is not UTF-8: pipe the passphrase into genkey instead".into());
    }
    Ok(Zeroizing::new(passphrase.as_bytes().to_vec()))
}

/// Reads any bytes, as the library accepts them, into one buffer that does not grow. Growing would
/// leave copies behind.
fn read_piped() -> Result<Zeroizing<Vec<u8>>, Box<dyn Error>> {
    let line_ending = "\r\n".len();
    let mut buffer = Zeroizing::new(vec![0; LONGEST + line_ending + 1]);
    let len = unbuffered_stdin()
        .and_then(|mut input| fill(&mut input, &mut buffer))
        .map_err(|error| format!("cannot read the passphrase from standard input: {error}"))?;
    buffer.truncate(len);
    let line = buffer.strip_suffix(b"\n");
    let line = line.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    if let Some(len) = line.map(<[u8]>::len) {
        buffer.truncate(len);
    }
    Ok(buffer)
}

/// Reads until the end or until the buffer is full, and returns the number of bytes.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match input.read(&mut buffer[len..]) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// Standard input without the buffer of [`io::stdin`], which would keep a copy of the passphrase.
fn unbuffered_stdin() -> io::Result<impl Read> {
    #[cfg(unix)]
    return io::stdin().as_fd().try_clone_to_owned().map(File::from);
    #[cfg(windows)]
    return io::stdin().as_handle().try_clone_to_owned().map(File::from);
    #[cfg(not(any(unix, windows)))]
    return Ok(io::stdin());
}
