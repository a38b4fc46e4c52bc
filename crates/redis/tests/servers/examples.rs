//! The examples as programs. `tests/run` builds them, and says where they are.

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::support::{Server, figure, free_port, new_directory, until};

/// A program, which is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn example(name: &str) -> Command {
    // This program is in `deps`, beside `examples`.
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().and_then(|deps| deps.parent()).unwrap();
    let path = folder.join("examples").join(name);
    assert!(path.exists(), "{} is built by tests/run", path.display());
    Command::new(path)
}

/// The status and the body of what `curl` is answered.
fn curl(address: &str, arguments: &[&str]) -> (u16, String) {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-m", "10", "-w", "\n%{http_code}", "-A", "curl of the test"]);
    let Output { stdout, stderr, .. } = curl.args(arguments).arg(address).output().unwrap();
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    let text = String::from_utf8(stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

#[test]
fn the_calls_of_session_stores() {
    let server = Server::start(&[]);
    for _ in 0..2 {
        let output = example("store_calls").env("REDIS_URL", server.url()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(text.lines().count(), 2, "{text}");
    }
}

#[test]
fn the_blog_refuses_the_cookie_of_who_logged_out() {
    let server = Server::start(&[]);
    let directory = new_directory();
    let key = directory.join("key");
    std::fs::write(&key, [7; 32]).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    // Two processes are one service.
    let (ports, mut running) = ([free_port(), free_port()], Vec::new());
    for port in ports {
        let mut blog = example("blog");
        blog.env("REDIS_URL", server.url()).env("PORT", port.to_string()).env("BLOG_KEY", &key);
        running.push(Running(blog.stdout(Stdio::null()).spawn().unwrap()));
        until(Duration::from_secs(20), "the blog", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }
    let at = |process: usize, path: &str| format!("http://127.0.0.1:{}{path}", ports[process]);
    let jar = |name: &str| directory.join(name).display().to_string();
    let log_in =
        |name: &str, form: &str| curl(&at(0, "/log-in"), &["-c", &jar(name), "-d", form]).0;
    // Only a log-in writes into a jar, so it keeps the old cookie after a log-out.
    let me = |process: usize, name: &str| curl(&at(process, "/me"), &["-b", &jar(name)]);
    let post =
        |path: &str, name: &str, form: &str| curl(&at(0, path), &["-b", &jar(name), "-d", form]).0;

    assert_eq!(log_in("nobody", "name=ada&password=guessed"), 403);
    assert_eq!(me(0, "nobody").0, 401);
    for device in ["laptop", "phone"] {
        assert_eq!(log_in(device, "name=ada&password=engine"), 200);
    }
    assert_eq!(log_in("grace", "name=grace&password=compiler"), 200);
    let (status, text) = me(1, "laptop");
    assert_eq!((status, text.matches("- curl of the test").count()), (200, 2), "{text}");
    assert_eq!(text.matches("(this one)").count(), 1, "{text}");
    assert_eq!(post("/posts", "laptop", "text=Hello"), 201);
    assert_eq!(curl(&at(0, "/"), &[]), (200, "ada: Hello\n".to_owned()));

    assert_eq!(post("/log-out", "laptop", ""), 200);
    assert_eq!(me(0, "laptop").0, 401, "the old cookie");
    let refused = || me(1, "laptop").0 == 401;
    let time = until(Duration::from_secs(10), "the other process", refused);
    figure("blog: log-out, until the other process has refused the cookie", format!("{time:.2?}"));
    let (status, text) = me(0, "phone");
    assert_eq!((status, text.matches("- curl of the test").count()), (200, 1), "{text}");

    assert_eq!(log_in("tablet", "name=ada&password=engine"), 200);
    assert_eq!(post("/log-out-everywhere", "phone", ""), 200);
    for device in ["phone", "tablet"] {
        assert_eq!(me(0, device).0, 401, "{device}");
        until(Duration::from_secs(10), "the other process", || me(1, device).0 == 401);
    }
    assert_eq!(me(1, "grace").0, 200, "another author");
    drop(running);
    let _ = std::fs::remove_dir_all(directory);
}
