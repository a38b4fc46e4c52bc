//! The program `genkey`, run as a user runs it.

#![cfg(feature = "cli")]

mod support;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use sealed_session::{Key, Salt};

use support::TempDir;

const PASSPHRASE: &str = "averylogphrasebiggerthanthirtytwochars";
/// Of that passphrase and the salt `mq9hDxBVDbspDR6n`, by Node's `@fastify/secure-session` 8.4.
const KEY: &str = "fa4edddde76d7a8f4a7d89b3a93effcc51d9e7bf176b6441c5d82a3b86c2f82b\n";

/// Runs it in `dir` with this on standard input.
fn run_in(dir: &Path, args: &[&str], input: impl AsRef<[u8]>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_genkey"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may well not read it.
    let _ = child.stdin.take().unwrap().write_all(input.as_ref());
    child.wait_with_output().unwrap()
}

fn run(args: &[&str], input: impl AsRef<[u8]>) -> Output {
    run_in(&std::env::temp_dir(), args, input)
}

/// Its standard output after a success.
#[track_caller]
fn stdout(output: Output) -> Vec<u8> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// It failed with this exit code, wrote no key, and said these words.
#[track_caller]
fn fails(output: &Output, code: i32, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(output.stdout.is_empty());
    for words in words {
        assert!(stderr.contains(words), "{words:?} is not in {stderr:?}");
    }
}

#[test]
fn writes_32_raw_bytes_and_nothing_else() {
    let output = run(&[], "");
    assert!(output.stderr.is_empty());
    let key = stdout(output);
    assert_eq!(key.len(), 32);
    assert!(Key::parse(key).is_ok());
}

#[test]
fn writes_hex_with_one_newline() {
    let text = String::from_utf8(stdout(run(&["--format", "hex"], ""))).unwrap();
    let digits = text.strip_suffix('\n').unwrap();
    assert_eq!(digits.len(), 64);
    assert_eq!(*Key::from_hex(digits).unwrap().to_hex(), digits);
}

#[test]
fn writes_base64_with_one_newline() {
    let text = String::from_utf8(stdout(run(&["--format", "base64"], ""))).unwrap();
    let characters = text.strip_suffix('\n').unwrap();
    assert_eq!(characters.len(), 44);
    assert_eq!(*Key::from_base64(characters).unwrap().to_base64(), characters);
}

#[test]
fn writes_raw_when_asked_for_raw() {
    assert_eq!(stdout(run(&["--format", "raw"], "")).len(), 32);
}

#[test]
fn two_runs_write_two_keys() {
    assert_ne!(stdout(run(&[], "")), stdout(run(&[], "")));
}

#[test]
fn an_unknown_format_is_a_usage_error() {
    fails(&run(&["--format", "pem"], ""), 2, &["pem", "raw", "hex", "base64"]);
}

#[test]
fn help_shows_powershell() {
    let help = String::from_utf8(stdout(run(&["--help"], ""))).unwrap();
    for words in ["PowerShell", "> secret-key", "--output", "--format", "--passphrase", "--salt"] {
        assert!(help.contains(words), "{words:?} is not in {help}");
    }
}

#[test]
fn writes_a_file_that_holds_a_key_and_prints_nothing() {
    let dir = TempDir::new();
    for (name, format) in [("raw", "raw"), ("hex", "hex"), ("base64", "base64")] {
        let output = run_in(dir.path(), &["--output", name, "--format", format], "");
        assert!(stdout(output).is_empty());
        assert!(Key::from_file(dir.path().join(name)).is_ok());
    }
    assert_eq!(std::fs::read(dir.path().join("raw")).unwrap().len(), 32);
}

#[test]
fn does_not_overwrite_a_file() {
    let dir = TempDir::new();
    let path = dir.path().join("key");
    std::fs::write(&path, "precious").unwrap();
    let output = run_in(dir.path(), &["--output", "key"], "");
    fails(&output, 1, &["key", "already exists", "--force"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[test]
fn refuses_an_existing_path_before_asking_for_a_passphrase() {
    let dir = TempDir::new();
    std::fs::write(dir.path().join("key"), "precious").unwrap();
    let output = run_in(dir.path(), &["--passphrase", "--output", "key"], PASSPHRASE);
    fails(&output, 1, &["cannot write key: it already exists"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("salt") && !stderr.contains("deriving"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn does_not_write_through_a_broken_link() {
    let dir = TempDir::new();
    std::os::unix::fs::symlink("nowhere", dir.path().join("key")).unwrap();
    let output = run_in(dir.path(), &["--output", "key"], "");
    fails(&output, 1, &["cannot write key: it is a broken link"]);
    assert!(!dir.path().join("nowhere").exists());
}

#[cfg(unix)]
#[test]
fn keeps_a_broken_link_even_with_force() {
    let dir = TempDir::new();
    let link = dir.path().join("key");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let output = run_in(dir.path(), &["--output", "key", "--force"], "");
    fails(&output, 1, &["cannot write key: it is a broken link", "remove the link"]);
    assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("nowhere"));
    assert!(!dir.path().join("nowhere").exists());
}

#[cfg(unix)]
#[test]
fn overwrites_the_target_of_a_link_and_keeps_the_link() {
    let dir = TempDir::new();
    let (link, file) = (dir.path().join("link"), dir.path().join("file"));
    std::fs::write(&file, "precious").unwrap();
    std::os::unix::fs::symlink("file", &link).unwrap();
    stdout(run_in(dir.path(), &["--output", "link", "--force"], ""));
    assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("file"));
    assert!(Key::from_file(&file).is_ok());
}

#[cfg(unix)]
#[test]
fn does_not_replace_a_pipe_even_with_force() {
    use std::os::unix::fs::FileTypeExt as _;
    let dir = TempDir::new();
    let path = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let output = run_in(dir.path(), &["--output", "pipe", "--force"], "");
    fails(&output, 1, &["cannot write pipe: it is not a regular file"]);
    assert!(std::fs::metadata(&path).unwrap().file_type().is_fifo());
}

#[test]
fn overwrites_a_file_with_force() {
    let dir = TempDir::new();
    let path = dir.path().join("key");
    stdout(run_in(dir.path(), &["--output", "key"], ""));
    let before = std::fs::read(&path).unwrap();
    stdout(run_in(dir.path(), &["--output", "key", "--force"], ""));
    let after = std::fs::read(&path).unwrap();
    assert_ne!(before, after);
    assert_eq!(after.len(), 32);
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left beside it: {names:?}");
}

#[test]
fn force_creates_a_missing_file() {
    let dir = TempDir::new();
    stdout(run_in(dir.path(), &["--output", "key", "--force"], ""));
    assert!(Key::from_file(dir.path().join("key")).is_ok());
}

#[test]
fn names_the_file_that_it_cannot_write() {
    let dir = TempDir::new();
    for force in [&["--output", "no/such/key"][..], &["--output", "no/such/key", "--force"]] {
        fails(&run_in(dir.path(), force, ""), 1, &["cannot write no/such/key"]);
    }
}

#[cfg(unix)]
#[track_caller]
fn mode_is_0600(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_the_file() {
    let dir = TempDir::new();
    // Whatever the umask would allow.
    let command = format!("umask 000 && {} --output key", env!("CARGO_BIN_EXE_genkey"));
    let status = Command::new("sh").args(["-c", &command]).current_dir(dir.path()).status();
    assert!(status.unwrap().success());
    mode_is_0600(&dir.path().join("key"));
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_a_file_that_was_open_to_everybody() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new();
    let path = dir.path().join("key");
    std::fs::write(&path, "open").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    stdout(run_in(dir.path(), &["--output", "key", "--force"], ""));
    mode_is_0600(&path);
}

/// The file's mode, owner and group after it was overwritten, and what was said.
#[cfg(unix)]
fn overwrite(mode: u32, group: Option<u32>) -> ((u32, u32, u32), String) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    let dir = TempDir::new();
    let path = dir.path().join("key");
    std::fs::write(&path, "precious").unwrap();
    chown(&path, group, group).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    let output = run_in(dir.path(), &["--output", "key", "--force"], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    stdout(output);
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!(metadata.len(), 32);
    ((metadata.mode() & 0o7777, metadata.uid(), metadata.gid()), said)
}

#[cfg(unix)]
#[test]
fn keeps_a_mode_that_is_stricter_than_0600() {
    for mode in [0o400, 0o200, 0o600] {
        let ((kept, ..), said) = overwrite(mode, None);
        assert_eq!((kept, said.as_str()), (mode, ""), "{kept:o}");
    }
}

#[cfg(unix)]
#[test]
fn keeps_a_mode_that_is_shared_with_a_group_and_says_so() {
    for mode in [0o640, 0o660, 0o440] {
        let ((kept, ..), said) = overwrite(mode, None);
        assert_eq!(kept, mode, "{kept:o}");
        assert!(said.contains(&format!("keeps mode {mode:04o}: its group")), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn does_not_keep_a_mode_that_is_open_to_everybody_and_says_so() {
    for mode in [0o644, 0o666, 0o604, 0o602] {
        let ((kept, ..), said) = overwrite(mode, None);
        assert_eq!(kept, 0o600, "{kept:o}");
        let words = format!("was open to everybody (mode {mode:04o}) and now has mode 0600");
        assert!(said.contains(&words), "{said}");
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// Only root can give a file away, so another user's run shows nothing here.
#[cfg(unix)]
#[test]
fn keeps_the_owner_and_the_group() {
    if is_root() {
        let (access, said) = overwrite(0o640, Some(12_345));
        assert_eq!(access, (0o640, 12_345, 12_345), "{said}");
        assert!(said.contains("its group (12345)"), "{said}");
    }
}

/// The mode and the group after somebody else than root has overwritten a file of root's with this mode,
/// and what was said.
#[cfg(target_os = "linux")]
fn overwritten_by_nobody(mode: u32) -> ((u32, u32), String) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

    let dir = TempDir::new();
    let (path, program) = (dir.path().join("key"), dir.path().join("genkey"));
    std::fs::write(&path, "precious").unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_genkey"), &program).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let user = NOBODY.to_string();
    let output = Command::new("setpriv")
        .args(["--reuid", &user, "--regid", &user, "--clear-groups"])
        .arg(&program)
        .args(["--output", "key", "--force"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let metadata = std::fs::metadata(&path).unwrap();
    ((metadata.mode() & 0o777, metadata.gid()), said)
}

#[cfg(target_os = "linux")]
const NOBODY: u32 = 65_534;

/// Root can keep them all, so it runs as somebody else.
#[cfg(target_os = "linux")]
#[test]
fn removes_the_access_of_the_group_if_the_old_group_cannot_be_kept() {
    if !is_root() {
        return;
    }
    let (access, said) = overwritten_by_nobody(0o640);
    assert_eq!(access, (0o600, NOBODY), "{said}");
    for words in ["could not keep its group (0) and now has mode 0600", "could not keep its owner"]
    {
        assert!(said.contains(words), "{words:?} is not in {said:?}");
    }
    // A group that had no access loses none.
    let (access, said) = overwritten_by_nobody(0o400);
    assert_eq!(access, (0o400, NOBODY), "{said}");
    assert!(!said.contains("group"), "{said}");
}

/// Runs it with this redirection of its standard output.
#[cfg(unix)]
fn redirected(args: &str, redirection: &str) -> Output {
    let command = format!("exec {} {args} {redirection}", env!("CARGO_BIN_EXE_genkey"));
    Command::new("sh").args(["-c", &command]).stdin(Stdio::null()).output().unwrap()
}

#[cfg(unix)]
#[test]
fn does_not_lose_a_key_on_a_closed_standard_output() {
    for redirection in [">&-", "> /dev/null"] {
        for args in ["", "--format hex", "--passphrase"] {
            let words = ["standard output is closed or /dev/null", "--output secret-key"];
            fails(&redirected(args, redirection), 1, &words);
        }
    }
}

#[cfg(unix)]
#[test]
fn writes_a_file_even_if_standard_output_is_closed() {
    let dir = TempDir::new();
    let path = dir.path().join("key");
    let args = format!("--output {} --force", path.display());
    for redirection in [">&-", "> /dev/null"] {
        stdout(redirected(&args, redirection));
        assert!(Key::from_file(&path).is_ok());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn reports_an_error_when_standard_output_is_full() {
    for format in ["raw", "hex"] {
        let output = redirected(&format!("--format {format}"), "> /dev/full");
        fails(&output, 1, &["cannot write the key to standard output: No space left on device"]);
    }
}

/// What it shows on a terminal where this is typed, and its exit code.
#[cfg(target_os = "linux")]
fn on_a_terminal(args: &str, typed: impl AsRef<[u8]>) -> (String, Option<i32>) {
    let command = format!("{} {args}", env!("CARGO_BIN_EXE_genkey"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
    let mut child = script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` of util-linux is needed");
    child.stdin.take().unwrap().write_all(typed.as_ref()).unwrap();
    let output = child.wait_with_output().unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

#[cfg(target_os = "linux")]
#[test]
fn does_not_write_a_raw_key_to_a_terminal() {
    let (shown, code) = on_a_terminal("", "");
    assert_eq!(code, Some(1), "{shown}");
    for words in
        ["refusing to write a raw key to a terminal", "> secret-key", "--output", "--format hex"]
    {
        assert!(shown.contains(words), "{words:?} is not in {shown:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn writes_text_to_a_terminal() {
    let (shown, code) = on_a_terminal("--format hex", "");
    assert_eq!(code, Some(0), "{shown}");
    assert!(Key::from_hex(shown.trim()).is_ok(), "{shown:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_passphrase_on_a_terminal_is_typed_twice() {
    let args = "--passphrase --salt mq9hDxBVDbspDR6n --format hex";
    let (shown, code) = on_a_terminal(args, format!("{PASSPHRASE}\n{PASSPHRASE}\n"));
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("Passphrase: ") && shown.contains("Repeat the passphrase: "), "{shown}");
    assert!(shown.contains(KEY.trim()), "{shown}");
    let (shown, code) = on_a_terminal(args, format!("{PASSPHRASE}\n{PASSPHRASE}x\n"));
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("the two passphrases differ"), "{shown}");
}

#[test]
fn derives_a_key_from_a_piped_passphrase() {
    let args = ["--passphrase", "--salt", "mq9hDxBVDbspDR6n", "--format", "hex"];
    let output = run(&args, format!("{PASSPHRASE}\n"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("second"), "{stderr}");
    assert_eq!(String::from_utf8(stdout(output)).unwrap(), KEY);
}

#[test]
fn derives_the_same_key_as_the_library_from_a_passphrase_that_is_not_utf_8() {
    let passphrase = b"\xff\xfe a passphrase in another encoding \xe9";
    let salt = Salt::from_bytes(*b"mq9hDxBVDbspDR6n");
    let expected = Key::from_passphrase(passphrase, &salt).unwrap();
    for ending in [&b""[..], b"\n", b"\r\n"] {
        let args = ["--passphrase", "--salt", "mq9hDxBVDbspDR6n"];
        let output = run(&args, [passphrase, ending].concat());
        assert_eq!(Key::parse(stdout(output)).unwrap(), expected);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn says_what_to_do_when_a_typed_passphrase_is_not_utf_8() {
    let (shown, code) = on_a_terminal("--passphrase --format hex", b"\xff\xfe\xff\n");
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("not UTF-8: pipe the passphrase"), "{shown}");
}

#[cfg(unix)]
#[test]
fn a_standard_input_that_cannot_be_read_is_an_error() {
    let dir = TempDir::new();
    let output = Command::new(env!("CARGO_BIN_EXE_genkey"))
        .arg("--passphrase")
        .stdin(std::fs::File::open(dir.path()).unwrap())
        .output()
        .unwrap();
    fails(&output, 1, &["cannot read the passphrase from standard input"]);
}

#[test]
fn accepts_a_passphrase_of_at_most_4096_bytes() {
    let args = ["--passphrase", "--salt", "mq9hDxBVDbspDR6n", "--format", "hex"];
    let longest = "x".repeat(4096);
    let salt = Salt::from_bytes(*b"mq9hDxBVDbspDR6n");
    let expected = Key::from_passphrase(&longest, &salt).unwrap().to_hex();
    let text = String::from_utf8(stdout(run(&args, format!("{longest}\r\n")))).unwrap();
    assert_eq!(text.trim_end(), &*expected);
    for longer in [4097, 4098, 4099, 100_000] {
        let output = run(&args, "x".repeat(longer));
        fails(&output, 1, &["the passphrase is longer than 4096 bytes"]);
    }
}

#[test]
fn accepts_a_salt_in_hex_and_a_passphrase_without_a_newline() {
    let salt = hex::encode("mq9hDxBVDbspDR6n");
    let args = ["--passphrase", "--salt", &salt, "--format", "hex"];
    assert_eq!(String::from_utf8(stdout(run(&args, PASSPHRASE))).unwrap(), KEY);
}

#[test]
fn shows_the_salt_that_it_generated() {
    let output = run(&["--passphrase", "--format", "hex"], PASSPHRASE);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let salt = stderr.split("--salt ").nth(1).unwrap()[..32].to_owned();
    let first = stdout(output);
    let again = run(&["--passphrase", "--format", "hex", "--salt", &salt], PASSPHRASE);
    assert_eq!(stdout(again), first);
}

#[test]
fn a_short_passphrase_is_an_error() {
    let short = "x".repeat(31);
    let output = run(&["--passphrase", "--salt", "mq9hDxBVDbspDR6n"], format!("{short}\n"));
    fails(&output, 1, &["31 bytes", "at least 32"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains(&short));
}

#[test]
fn a_salt_of_the_wrong_length_is_a_usage_error() {
    for salt in ["", "short", "mq9hDxBVDbspDR6", "mq9hDxBVDbspDR6nn", &"g".repeat(32)] {
        let output = run(&["--passphrase", "--salt", salt], PASSPHRASE);
        fails(&output, 2, &["32 hex digits", "text of 16 bytes"]);
    }
}

#[test]
fn counts_the_salt_in_bytes() {
    let args = ["--passphrase", "--format", "hex", "--salt"];
    let salt = "é".repeat(8);
    let expected = Key::from_passphrase(PASSPHRASE, &Salt::from_slice(salt.as_bytes()).unwrap());
    let output = run(&[&args[..], &[&salt]].concat(), PASSPHRASE);
    let text = String::from_utf8(stdout(output)).unwrap();
    assert_eq!(text.trim_end(), &*expected.unwrap().to_hex());
    let sixteen_characters = "é".repeat(16);
    let output = run(&[&args[..], &[&sixteen_characters]].concat(), PASSPHRASE);
    fails(&output, 2, &["expected 32 hex digits or text of 16 bytes, found 32 bytes"]);
}

#[test]
fn help_fits_a_terminal_of_80_columns() {
    for help in ["-h", "--help"] {
        let help = String::from_utf8(stdout(run(&[help], ""))).unwrap();
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn a_salt_without_a_passphrase_is_a_usage_error() {
    fails(&run(&["--salt", "mq9hDxBVDbspDR6n"], ""), 2, &["--passphrase"]);
}
