//! The figures as a picture for the README: what a session adds to a request, by library.

use crate::contenders::{DYNAMIC, TYPED};
use crate::web::Row;

const WIDTH: f64 = 860.0;
const LABEL: f64 = 290.0;
const BAR: f64 = 13.0;
const GROUP: f64 = 2.0 * BAR + 14.0;
const TITLE: f64 = 40.0;

/// The rows of one size of session.
pub type Panel = (usize, Vec<Row>);

/// A bar's two lengths, in nanoseconds over the bare router.
struct Bars {
    label: String,
    ours: bool,
    read: f64,
    write: f64,
}

/// One panel a size. `other` is the run with the other cipher: its times are put on the scale of
/// this run by what the fastest other library that seals took in each.
pub fn draw(features: &str, this: &[Panel], other: Option<(&str, &[Panel])>) -> String {
    let mut body = String::new();
    let mut y = 66.0;
    for (len, rows) in this {
        let mut bars = bars(rows, features);
        if let Some((features, other)) = other
            && let Some((_, other)) = other.iter().find(|(other, _)| other == len)
        {
            bars.extend(rescaled(rows, other, features));
        }
        bars.sort_by(|a, b| a.read.total_cmp(&b.read));
        panel(&mut body, &mut y, &format!("A session of {len} bytes of JSON"), &bars);
    }
    let height = y + 42.0;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0} {height:.0}" role="img" aria-labelledby="title" font-family="system-ui, sans-serif" font-size="13">
<title id="title">What reading and writing a session adds to a request through axum, by library</title>
<style>
  .text {{ fill: #1f2328 }} .faint {{ fill: #59636e }} .line {{ stroke: #d1d9e0 }}
  .read {{ fill: #8c959f }} .write {{ fill: #c4cbd2 }}
  .ours.read {{ fill: #0969da }} .ours.write {{ fill: #80b6f5 }}
  @media (prefers-color-scheme: dark) {{
    .text {{ fill: #f0f6fc }} .faint {{ fill: #9198a1 }} .line {{ stroke: #3d444d }}
    .read {{ fill: #767e88 }} .write {{ fill: #484f58 }}
    .ours.read {{ fill: #4493f8 }} .ours.write {{ fill: #234d82 }}
  }}
</style>
<text class="text" x="16" y="26" font-size="16" font-weight="600">What a session adds to a request through axum, in microseconds</text>
<g class="faint"><rect class="ours read" x="16" y="38" width="12" height="12"/><rect class="read" x="30" y="38" width="12" height="12"/><text x="48" y="49">one field read</text><rect class="ours write" x="150" y="38" width="12" height="12"/><rect class="write" x="164" y="38" width="12" height="12"/><text x="182" y="49">one field written</text><text x="310" y="49">shorter is better; over an axum router without a session</text></g>
{body}<text class="faint" x="16" y="{:.0}" font-size="12">benches/peers/run; medians of interleaved rounds on one machine. “Memory store”: on the server, without the way to a database.</text>
<text class="faint" x="16" y="{:.0}" font-size="12">Each cipher is a run of its own; they are put together by what the fastest other library that seals took in each.</text>
</svg>
"##,
        y + 14.0,
        y + 30.0
    )
}

fn bars(rows: &[Row], features: &str) -> Vec<Bars> {
    rows.iter()
        .filter(|row| row.set_cookie_bytes > 0 || row.name.contains("memory"))
        .map(|row| {
            let ours = is_ours(row);
            let label = if ours { label(row, features) } else { row.name.clone() };
            let [read, write] = ["read", "write"].map(|route| row.routes[route].over_bare);
            Bars { label, ours, read, write }
        })
        .collect()
}

fn rescaled(this: &[Row], other: &[Row], features: &str) -> Vec<Bars> {
    let best = |rows: &[Row], route: &str| {
        let peers = rows.iter().filter(|row| row.sealed && !is_ours(row));
        peers.map(|row| row.routes[route].over_bare).fold(f64::MAX, f64::min)
    };
    let ours = other.iter().filter(|row| is_ours(row));
    ours.map(|row| {
        let [read, write] =
            ["read", "write"].map(|route| row.routes[route].ratio * best(this, route));
        Bars { label: label(row, features), ours: true, read, write }
    })
    .collect()
}

fn is_ours(row: &Row) -> bool {
    row.name == DYNAMIC || row.name == TYPED
}

fn label(row: &Row, features: &str) -> String {
    if features == "default" { row.name.clone() } else { format!("{} ({features})", row.name) }
}

fn panel(body: &mut String, y: &mut f64, title: &str, bars: &[Bars]) {
    let longest = bars.iter().map(|bar| bar.read.max(bar.write)).fold(1.0, f64::max);
    let scale = (WIDTH - LABEL - 70.0) / longest;
    let bottom = *y + TITLE - 6.0 + GROUP * bars.len() as f64;
    *body += &format!(
        "<text class=\"text\" x=\"16\" y=\"{:.0}\" font-weight=\"600\">{title}</text>\n\
         <line class=\"line\" x1=\"{LABEL:.0}\" x2=\"{LABEL:.0}\" y1=\"{:.0}\" y2=\"{bottom:.0}\"/>\n",
        *y + 22.0,
        *y + TITLE - 8.0,
    );
    *y += TITLE;
    for bar in bars {
        let (ours, weight) = if bar.ours { ("ours ", " font-weight=\"600\"") } else { ("", "") };
        *body += &format!(
            "<text class=\"text\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\"{weight}>{}</text>\n",
            LABEL - 10.0,
            *y + BAR + 5.0,
            bar.label
        );
        for (place, (class, nanos)) in [("read", bar.read), ("write", bar.write)].iter().enumerate()
        {
            let top = *y + place as f64 * (BAR + 1.0);
            let width = (nanos * scale).max(1.0);
            *body += &format!(
                "<rect class=\"{ours}{class}\" x=\"{LABEL:.0}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAR:.0}\" rx=\"2\"/>\
                 <text class=\"faint\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\">{:.1}</text>\n",
                LABEL + width + 5.0,
                top + BAR - 2.5,
                nanos / 1000.0
            );
        }
        *y += GROUP;
    }
}
