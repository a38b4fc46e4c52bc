//! A template engine with one function. A page consists of `Html`, and a text becomes `Html` only by
//! being escaped.

/// Text that is safe in a page, inside an element or between the quotes of an attribute.
#[derive(Clone, Default)]
pub(crate) struct Html(String);

impl Html {
    /// Escapes an untrusted text.
    pub(crate) fn text(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                other => out.push(other),
            }
        }
        Self(out)
    }

    /// Markup from the source code.
    pub(crate) fn markup(markup: &'static str) -> Self {
        Self(markup.to_owned())
    }

    /// Fills each `{{slot}}` of a template. It scans the template only once, so a slot inside a value
    /// stays text.
    pub(crate) fn fill(template: &'static str, slots: &[(&str, Self)]) -> Self {
        let mut out = String::with_capacity(2 * template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            let (slot, after) = after.split_once("}}").unwrap_or((after, ""));
            let value = slots.iter().find(|(name, _)| *name == slot);
            debug_assert!(value.is_some(), "nothing for the slot {slot}");
            out.push_str(value.map_or("", |(_, value)| &value.0));
            rest = after;
        }
        out.push_str(rest);
        Self(out)
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl FromIterator<Self> for Html {
    fn from_iter<I: IntoIterator<Item = Self>>(parts: I) -> Self {
        Self(parts.into_iter().map(|part| part.0).collect())
    }
}

/// Numbers contain no markup.
impl From<usize> for Html {
    fn from(number: usize) -> Self {
        Self(number.to_string())
    }
}
