//! One connection: HTTP/1.1 by hand, so that the client costs little beside the server it measures.

use std::io;
use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) struct Connection {
    port: u16,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The value of the session's cookie, where the response sets it.
    pub(crate) cookie: Option<String>,
    pub(crate) body: String,
}

impl Connection {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, stream: None, buffer: Vec::with_capacity(1024) }
    }

    /// A request without a body. `line` is a method and a path.
    pub(crate) async fn ask(&mut self, line: &str, cookie: Option<&str>) -> io::Result<Answer> {
        let cookie = cookie.map_or(String::new(), |cookie| format!("Cookie: login={cookie}\r\n"));
        let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\n{cookie}\r\n");
        self.exchange(request.as_bytes()).await
    }

    /// Sends the bytes of one request. After an error the next call connects anew.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let answer = loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(answer) = parse(&self.buffer)? {
                break answer;
            }
        };
        self.stream = Some(stream);
        Ok(answer)
    }
}

/// `None` if there is more to come.
fn parse(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| bad())?;
    let body = &bytes[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).ok_or_else(bad)?;
    let (mut length, mut cookie) = (0, None);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().map_err(|_| bad())?;
        } else if name.eq_ignore_ascii_case("set-cookie") {
            let value = value.strip_prefix("login=").ok_or_else(bad)?;
            let value = value.split(';').next().unwrap_or_default().to_owned();
            if cookie.replace(value).is_some() {
                return Err(io::Error::other("two cookies in one response"));
            }
        }
    }
    if body.len() < length {
        return Ok(None);
    }
    let body = String::from_utf8(body[..length].to_vec()).map_err(|_| bad())?;
    Ok(Some(Answer { status: status.parse().map_err(|_| bad())?, cookie, body }))
}
