//! `Style`: what the terminal can show.

use std::fmt;

/// Which of colours and drawing characters are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    colours: bool,
    /// Draws with ASCII characters alone.
    ascii: bool,
}

/// How text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
}

impl Style {
    /// The style for standard output. `var` reads an environment variable.
    pub(super) fn of(is_terminal: bool, var: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| var(name).filter(|value| !value.is_empty());
        // https://no-color.org
        let wanted = set("NO_COLOR").is_none() && set("TERM").as_deref() != Some("dumb");
        // Older consoles of Windows would show the escapes.
        let able = !cfg!(windows) || set("WT_SESSION").is_some() || set("TERM").is_some();
        // POSIX: the first of these that is set rules.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let ascii = locale.is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            let other_charset = locale.split_once('.').is_some_and(|(_, charset)| {
                !charset.starts_with("utf-8") && !charset.starts_with("utf8")
            });
            other_charset || locale == "c" || locale == "posix"
        });
        Self { colours: is_terminal && wanted && able, ascii }
    }

    /// The text, with the terminal's escapes around it if colours are used.
    pub(crate) fn paint<T: fmt::Display>(&self, paint: Paint, text: T) -> String {
        let code = match paint {
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Red => "31",
            Paint::Green => "32",
            Paint::Yellow => "33",
            Paint::Plain => return text.to_string(),
        };
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// Whether to draw with ASCII characters alone.
    pub(crate) fn is_ascii(&self) -> bool {
        self.ascii
    }
}

#[cfg(test)]
mod tests {
    use super::{Paint, Style};

    fn style(is_terminal: bool, variables: &[(&str, &str)]) -> Style {
        // Where colours depend on it, the terminal of Windows.
        let variables = [variables, &[("WT_SESSION", "1")]].concat();
        Style::of(is_terminal, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn colours_only_on_a_terminal_and_if_nobody_objects() {
        let red = |style: Style| style.paint(Paint::Red, "x");
        assert_eq!(red(style(true, &[])), "\x1b[31mx\x1b[0m");
        assert_eq!(red(style(false, &[])), "x");
        assert_eq!(red(style(true, &[("NO_COLOR", "1")])), "x");
        assert_eq!(red(style(true, &[("NO_COLOR", "")])), "\x1b[31mx\x1b[0m");
        assert_eq!(red(style(true, &[("TERM", "dumb")])), "x");
        assert_eq!(style(true, &[]).paint(Paint::Plain, "x"), "x");
    }

    #[test]
    fn draws_in_ascii_where_the_locale_has_nothing_else() {
        for (locale, ascii) in [
            ("C", true),
            ("POSIX", true),
            ("de_DE.ISO-8859-1", true),
            ("C.UTF-8", false),
            ("de_DE.utf8", false),
            ("", false),
        ] {
            assert_eq!(style(true, &[("LANG", locale)]).is_ascii(), ascii, "{locale}");
        }
        assert!(!style(true, &[("LC_ALL", "C.UTF-8"), ("LANG", "C")]).is_ascii());
    }
}
