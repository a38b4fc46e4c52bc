//! Whatever people paste is opened.

use sealed_session::FastifyKey;

use crate::support::*;

#[test]
fn opens_whatever_people_paste() {
    let site = Site::new("paste");
    let whole = token();
    let (start, end) = whole.split_at(60);
    let escaped: String = format!("session={whole}").replace('=', "%3D");
    for input in [
        format!("session={whole}"),
        format!("Cookie: theme=dark; session={whole}; lang=en"),
        format!("cookie:session={whole}\r\n"),
        format!("theme=dark; session={whole}"),
        whole.clone(),
        format!("  {whole}\n\n"),
        format!("\"{whole}\""),
        format!("'session={whole}'"),
        format!("session=\"{whole}\""),
        format!("“{whole}”"),
        format!("Set-Cookie: session={whole}; HttpOnly; SameSite=Lax; Secure; Path=/"),
        format!("session={whole}; Path=/; HttpOnly"),
        format!("session={start}\n{end}"),
        format!("Cookie: session={start}\n    {end}"),
        format!("{start} {end}"),
        format!("curl 'https://example.org/' -H 'Cookie: session={whole}' -H 'Accept: */*'"),
        format!("curl 'https://example.org/' \\\n  -b 'theme=dark; session={whole}'"),
        format!(
            "GET / HTTP/1.1\r\nHost: example.org\r\nCookie: session={whole}\r\nAccept: */*\r\n\r\n"
        ),
        format!("session\t{whole}\texample.org\t/\tSession\t126\t✓"),
        format!("session=junk; session={whole}"),
        escaped,
    ] {
        let (status, answer) = site.answer(&input, &[]);
        assert_eq!(status, 0, "{input}\n{answer}");
        says(&answer, &["opens and is valid; it expires in 23 hours", &key(7).id().to_string()]);
    }
    let nodes = node(key(9), START);
    for cookie in [&nodes, &nodes.replace("%3B", ";"), &nodes.replace('%', "%25")] {
        for input in [
            format!("session={cookie}"),
            format!("{cookie}\n"),
            format!("Cookie: a=1; session={cookie}"),
        ] {
            let (status, answer) = site.answer(&input, &[]);
            assert_eq!(status, 0, "{input}\n{answer}");
            says(&answer, &["Node's @fastify/secure-session, not signed"]);
        }
    }
    let signed = node(FastifyKey::signed(key(9)), START);
    let (status, answer) = site.answer(&format!("session={signed}"), &[]);
    assert_eq!(status, 0, "{answer}");
    says(&answer, &["Node's @fastify/secure-session, signed"]);
}

#[test]
fn takes_the_cookie_as_an_argument_too() {
    let site = Site::new("argument");
    let at = (START + HOUR).to_string();
    let whole = token();
    let output = site.inspect(&["--keys", "several", "--at", &at, &format!("session={whole}")], "");
    assert_eq!(output.status.code(), Some(0));
    says(&String::from_utf8(output.stdout).unwrap(), &["several, key 1"]);
    // Options may come after it.
    let cookie = format!("session={whole}");
    let output = site.inspect(&[&cookie, "--at", &at, "--keys", "several"], "");
    assert_eq!(output.status.code(), Some(0));
    // As a shell hands on what was not quoted, and a value that begins with a hyphen.
    let output = site.inspect(&["Cookie:", &cookie, "--at", &at, "--keys", "several"], "");
    assert_eq!(output.status.code(), Some(0));
    let output = site.inspect(&["--keys", "other", &format!("-{}", &whole[1..])], "");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_long_log_takes_no_longer_than_a_few_cookies() {
    let site = Site::new("log");
    // Each of them begins a header that reaches to the end.
    let begun = std::time::Instant::now();
    site.answer(&" cookie: a".repeat(30_000), &[]);
    let foreign = sealed_with(8, "session", START);
    let lines = format!("2026-11-21T12:00:00 INFO cookie: session={foreign}\n").repeat(2_000);
    let (status, answer) = site.answer(&lines, &[]);
    assert_eq!(status, 1);
    assert_eq!(answer.matches("does not open with any").count(), 10, "{answer}");
    assert_eq!(answer.matches("not looked at").count(), 1);
    assert!(begun.elapsed().as_secs() < 120, "{:?}", begun.elapsed());
}

#[test]
fn the_text_around_a_cookie_is_no_cookie_of_nodes() {
    let site = Site::new("around");
    let token = token();
    for line in [format!("https://example.org/?a&b={token}"), "<html><body>no</body></html>".into()]
    {
        let (status, answer) = site.answer(&line, &[]);
        assert_eq!(status, 1);
        assert!(!answer.contains("Node"), "{answer}");
    }
}
