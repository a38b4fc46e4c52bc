//! Finds one cookie in a `Cookie` header without parsing the others.

/// The values of all cookies named `name`, in the header's order.
///
/// A pair without `=` is not a cookie of that name. Quotes are part of the value (RFC 6265bis,
/// section 4.2.2: in the `Cookie` header they have no special meaning).
pub(crate) fn values<'h>(header: &'h [u8], name: &'h [u8]) -> impl Iterator<Item = &'h [u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        loop {
            let pairs = rest?;
            let pair = match memchr::memchr(b';', pairs) {
                Some(end) => {
                    rest = Some(&pairs[end + 1..]);
                    &pairs[..end]
                }
                None => {
                    rest = None;
                    pairs
                }
            };
            if let Some(value) =
                pair.trim_ascii_start().strip_prefix(name).and_then(|pair| pair.strip_prefix(b"="))
            {
                return Some(value.trim_ascii());
            }
        }
    })
}

/// The name of every pair and the length of its value, in the header's order.
pub(crate) fn pairs(header: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    named_values(header).map(|(name, value)| (name, value.len()))
}

/// The name and value of every pair, in the header's order. A pair without `=` has no name: it is all
/// value.
pub(crate) fn named_values(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    header.split(|byte| *byte == b';').map(|pair| {
        let pair = pair.trim_ascii();
        match pair.iter().position(|byte| *byte == b'=') {
            Some(name) => (&pair[..name], &pair[name + 1..]),
            None => (&pair[..0], pair),
        }
    })
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn finds(header: &str, expected: &[&str]) {
        let found: Vec<_> = super::values(header.as_bytes(), b"sid").collect();
        let expected: Vec<_> = expected.iter().map(|value| value.as_bytes()).collect();
        assert_eq!(found, expected, "{header:?}");
    }

    #[test]
    fn finds_the_cookie_among_others() {
        finds("sid=a", &["a"]);
        finds("x=1; sid=a; y=2", &["a"]);
        finds("x=1;sid=a;y=2", &["a"]);
        finds("sid=a; sid=b; sid=", &["a", "b", ""]);
        finds("  sid=a  ", &["a"]);
        finds("sid=a=b", &["a=b"]);
        finds("sid=\"a\"", &["\"a\""]);
    }

    #[test]
    fn finds_no_cookie_of_another_name() {
        for header in
            ["", ";", ";;=;", "sid", "sid;", "Sid=a", "xsid=a", "sidx=a", "sid =a", "x=sid=a"]
        {
            finds(header, &[]);
        }
    }
}
