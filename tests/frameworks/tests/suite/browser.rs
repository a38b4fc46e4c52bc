//! A browser of one site, which speaks HTTP/1.1 by hand, and what it gets.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::framework::seconds;
use crate::server::Server;

/// Keeps cookies by their name.
#[derive(Default)]
pub(crate) struct Browser {
    jar: Vec<(String, String)>,
}

impl Browser {
    pub(crate) fn get(&mut self, server: &Server, path: &str) -> Page {
        self.send(server, "GET", path, &[])
    }

    /// Sends the cookies of the jar with these headers, and keeps those of the response.
    pub(crate) fn send(
        &mut self,
        server: &Server,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Page {
        let mut headers = headers.to_vec();
        let cookies: Vec<_> =
            self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        if !cookies.is_empty() {
            headers.push(("Cookie", &cookies));
        }
        let page = exchange(server, method, path, &headers);
        for cookie in page.set_cookies() {
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.jar.retain(|(other, _)| other != name);
            if !attributes.contains("Max-Age=0") {
                self.set_cookie(name, value);
            }
        }
        page
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.jar.retain(|(other, _)| other != name);
        self.jar.push((name.to_owned(), value.to_owned()));
    }
}

/// One request with these headers alone.
pub(crate) fn exchange(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Page {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(seconds(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    Page::parse(&answer)
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Page {
    fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").expect("the server closed early");
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        });
        let headers = headers.collect();
        Self { status: status.parse().unwrap(), headers, body: body.to_owned() }
    }

    /// The values of the headers of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let headers = self.headers.iter().filter(|(other, _)| other == name);
        headers.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.all("set-cookie")
    }

    /// The one cookie that the response sets.
    #[track_caller]
    pub(crate) fn set_cookie(&self) -> &str {
        match self.set_cookies()[..] {
            [one] => one,
            ref other => panic!("{} cookies instead of one: {self:?}", other.len()),
        }
    }

    #[track_caller]
    pub(crate) fn sets_nothing(&self) {
        assert!(self.set_cookies().is_empty(), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn removes(&self, name: &str) {
        let cookie = self.set_cookie();
        assert!(cookie.starts_with(&format!("{name}=;")), "{cookie}");
        assert!(cookie.contains("; Max-Age=0"), "{cookie}");
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16, body: &str) {
        assert_eq!((self.status, self.body.as_str()), (status, body));
    }
}
