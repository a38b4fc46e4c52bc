//! Text in lines: paragraphs, and JSON.

/// The lines of a text. A longer word has a line for itself.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    // Spaces that align stay.
    for word in text.split_inclusive(' ') {
        let line = lines.last_mut().expect("there is always a line");
        let length = line.chars().count() + word.trim_end().chars().count();
        if length > width && !line.is_empty() {
            lines.push(word.to_owned());
        } else {
            line.push_str(word);
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// JSON with line breaks and indentation, and otherwise as it was sealed: the order of its members, its
/// numbers and its escapes.
pub(super) fn pretty(json: &str) -> String {
    let mut text = String::new();
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut rest = json.chars().peekable();
    while let Some(letter) = rest.next() {
        if in_string {
            text.push(letter);
            in_string = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '{' | '[' => {
                text.push(letter);
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                match rest.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => text.push(close),
                    None => {
                        depth += 1;
                        text.push_str(&new_line(depth));
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                text.push_str(&new_line(depth));
                text.push(letter);
            }
            ',' => {
                text.push(letter);
                text.push_str(&new_line(depth));
            }
            ':' => text.push_str(": "),
            letter if letter.is_ascii_whitespace() => {}
            letter => {
                in_string = letter == '"';
                text.push(letter);
            }
        }
    }
    text
}

fn new_line(depth: usize) -> String {
    format!("\n{}", "  ".repeat(depth))
}

#[cfg(test)]
mod tests {
    use super::{pretty, wrapped};

    #[test]
    fn data_keeps_its_order_its_numbers_and_its_escapes() {
        let json = r#"{"z":1.50,"a":[1,{"b\"{":"\\"}],"e":{},"f":[ ]}"#;
        let expected = "\
{
  \"z\": 1.50,
  \"a\": [
    1,
    {
      \"b\\\"{\": \"\\\\\"
    }
  ],
  \"e\": {},
  \"f\": []
}";
        assert_eq!(pretty(json), expected);
        assert_eq!(pretty("7"), "7");
    }

    #[test]
    fn lines_are_broken_at_spaces() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("muchlongerthanaline x", 8), ["muchlongerthanaline", "x"]);
        assert_eq!(wrapped("", 8), [""]);
    }
}
