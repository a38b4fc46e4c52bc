//! A small JSON reader of its own (RFC 8259), so that no target asks the parser under test what is
//! JSON. It looks at spelling alone: numbers of any size and halves of surrogate pairs pass.

/// A member of an object: its name and its value as they are spelt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<'j> {
    pub name: &'j str,
    pub value: &'j str,
}

/// Whether the text is one JSON value.
#[must_use]
pub fn is_valid(text: &str) -> bool {
    let mut reader = Reader { text, at: 0 };
    reader.space();
    reader.value().is_some() && reader.ends()
}

/// The members of the one object that the text is.
#[must_use]
pub fn members(text: &str) -> Option<Vec<Member<'_>>> {
    let mut reader = Reader { text, at: 0 };
    reader.space();
    let members = reader.object()?;
    reader.ends().then_some(members)
}

/// Whether two members have one name, however it is spelt.
#[must_use]
pub fn has_duplicates(members: &[Member<'_>]) -> bool {
    let mut names: Vec<_> = members.iter().map(|member| name(member.name)).collect();
    names.sort();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// The name behind a spelling with quotes. One that is not Unicode is known by its spelling.
#[must_use]
pub fn name(quoted: &str) -> String {
    let mut units = Vec::new();
    let mut rest = quoted[1..quoted.len() - 1].chars();
    while let Some(c) = rest.next() {
        let c = match c {
            '\\' => match rest.next() {
                Some('u') => {
                    let digits: String = rest.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).expect("four hex digits"));
                    continue;
                }
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(plain) => plain,
                None => unreachable!("the reader has seen what follows"),
            },
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16(&units).unwrap_or_else(|_| quoted.to_owned())
}

struct Reader<'j> {
    text: &'j str,
    at: usize,
}

impl<'j> Reader<'j> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek() == Some(wanted)).then(|| self.at += 1)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn ends(&mut self) -> bool {
        self.space();
        self.peek().is_none()
    }

    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' => self.object().map(|_| ()),
            b'[' => self.array(),
            b'"' => self.string(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn object(&mut self) -> Option<Vec<Member<'j>>> {
        let mut members = Vec::new();
        self.take(b'{')?;
        self.space();
        if self.take(b'}').is_some() {
            return Some(members);
        }
        loop {
            self.space();
            let text = self.text;
            let start = self.at;
            self.string()?;
            let name = &text[start..self.at];
            self.space();
            self.take(b':')?;
            self.space();
            let start = self.at;
            self.value()?;
            members.push(Member { name, value: &text[start..self.at] });
            self.space();
            if self.take(b',').is_none() {
                self.take(b'}')?;
                return Some(members);
            }
        }
    }

    fn array(&mut self) -> Option<()> {
        self.take(b'[')?;
        self.space();
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            self.space();
            self.value()?;
            self.space();
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => {
                    let escaped = self.peek()?;
                    self.at += 1;
                    match escaped {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            for _ in 0..4 {
                                self.peek()?.is_ascii_hexdigit().then_some(())?;
                                self.at += 1;
                            }
                        }
                        _ => return None,
                    }
                }
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        word.bytes().try_for_each(|byte| self.take(byte))
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if self.take(b'e').or_else(|| self.take(b'E')).is_some() {
            let _ = self.take(b'+').or_else(|| self.take(b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}
