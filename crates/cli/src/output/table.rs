//! `Table`: aligned columns, for people.

use super::{Paint, Style};

/// A table whose columns are as wide as their longest cell.
pub(crate) struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// Text, and how it stands out.
pub(crate) struct Cell {
    text: String,
    paint: Paint,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), paint: Paint::Plain }
    }
}

impl Cell {
    pub(crate) fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self { text: text.into(), paint }
    }
}

impl Table {
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self { headings: headings.map(str::to_owned).to_vec(), rows: Vec::new() }
    }

    /// Adds a row. Cells without a column are dropped, and missing ones are empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().take(self.headings.len()).collect());
    }

    /// The table's lines, each with a line ending and without spaces before it.
    pub(crate) fn render(&self, style: &Style) -> String {
        let width = |text: &str| text.chars().count();
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let widest = cells.map(|cell| width(&cell.text)).max().unwrap_or(0);
                widest.max(width(&self.headings[column]))
            })
            .collect();
        let line = |cells: Vec<(&str, Paint)>| {
            let last = cells.iter().rposition(|(text, _)| !text.is_empty()).map_or(0, |at| at + 1);
            let mut line = String::new();
            for (column, (text, paint)) in cells[..last].iter().enumerate() {
                line.push_str(&style.paint(*paint, text));
                if column + 1 < last {
                    let spaces = widths[column] + 2 - width(text);
                    line.extend(std::iter::repeat_n(' ', spaces));
                }
            }
            line + "\n"
        };
        let headings = self.headings.iter().map(|text| (text.as_str(), Paint::Bold)).collect();
        let rows = self
            .rows
            .iter()
            .map(|row| line(row.iter().map(|cell| (cell.text.as_str(), cell.paint)).collect()));
        std::iter::once(line(headings)).chain(rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Paint, Style, Table};

    #[test]
    fn columns_are_aligned_and_no_line_ends_in_a_space() {
        let mut table = Table::new(["NAME", "ID", "NOTE"]);
        table.row(["a".into(), "4b596b61".into(), Cell::painted("seals", Paint::Green)]);
        table.row(["löng name".into(), "x".into(), "".into()]);
        let expected = "\
NAME       ID        NOTE
a          4b596b61  seals
löng name  x
";
        assert_eq!(table.render(&Style::default()), expected);
    }
}
