//! The one figure that matters to most, as a picture for README: what reading a session costs, here and in a
//! store.

use crate::contenders::DYNAMIC;
use crate::svg::Panel;
use crate::web::Row;

/// Bytes of JSON of the session in the picture.
pub const LEN: usize = 256;

const WIDTH: f64 = 860.0;
const LABEL: f64 = 300.0;
const BAR: f64 = 18.0;
const ROW: f64 = 32.0;

/// `this` is the run with the vectorised cipher, `other` that with the default one. Nothing if there is not
/// all that the picture compares.
pub fn draw(this: &[Panel], other: &[Panel], store: f64) -> Option<String> {
    let panel =
        |panels: &[Panel]| panels.iter().find(|(len, _)| *len == LEN).map(|(_, rows)| rows.clone());
    let (this, other) = (panel(this)?, panel(other)?);
    let read = |rows: &[Row], name: &str| {
        rows.iter().find(|row| row.name == name).map(|row| row.routes["read"].over_bare)
    };
    let best = |rows: &[Row]| {
        let peers = rows.iter().filter(|row| row.sealed && !row.name.starts_with("sealed-session"));
        peers.map(|row| row.routes["read"].over_bare).fold(f64::MAX, f64::min)
    };
    // The other run's time on the scale of this one, by what the fastest other library took in each.
    let plain = read(&other, DYNAMIC)? * best(&this) / best(&other);
    let mut bars = vec![
        ("sealed-session, with simd".to_owned(), true, read(&this, DYNAMIC)?),
        ("sealed-session".to_owned(), true, plain),
    ];
    let peers = this.iter().filter(|row| row.sealed && !row.name.starts_with("sealed-session"));
    bars.extend(peers.map(|row| (row.name.clone(), false, row.routes["read"].over_bare)));
    bars.sort_by(|a, b| a.2.total_cmp(&b.2));
    bars.push(("a look-up in Redis, same machine".to_owned(), false, store));

    let scale = (WIDTH - LABEL - 80.0) / store;
    let rows: String = (0..).zip(&bars).map(|(place, bar)| row(place, bar, scale)).collect();
    let height = 84.0 + ROW * bars.len() as f64 + 24.0;
    let foot = height - 14.0;
    Some(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0} {height:.0}" role="img" aria-labelledby="title" font-family="system-ui, sans-serif" font-size="14">
<title id="title">What reading a session adds to a request, by library, beside one look-up in a store</title>
<style>
  .text {{ fill: #1f2328 }} .faint {{ fill: #59636e }} .bar {{ fill: #8c959f }} .ours {{ fill: #0969da }}
  @media (prefers-color-scheme: dark) {{
    .text {{ fill: #f0f6fc }} .faint {{ fill: #9198a1 }} .bar {{ fill: #767e88 }} .ours {{ fill: #4493f8 }}
  }}
</style>
<text class="text" x="16" y="30" font-size="19" font-weight="600">Reading a session, in microseconds a request</text>
<text class="faint" x="16" y="54">shorter is better; {LEN} bytes of JSON, over an axum router without a session</text>
{rows}<text class="faint" x="16" y="{foot:.0}" font-size="12">benches/peers/run; medians of interleaved rounds on one machine. The other libraries seal their data as well.</text>
</svg>
"##
    ))
}

fn row(place: u32, (label, ours, nanos): &(String, bool, f64), scale: f64) -> String {
    let y = 76.0 + ROW * f64::from(place);
    let (class, weight) = if *ours { ("ours", " font-weight=\"600\"") } else { ("bar", "") };
    let width = (nanos * scale).max(2.0);
    format!(
        "<text class=\"text\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\"{weight}>{label}</text>\
         <rect class=\"{class}\" x=\"{LABEL:.0}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR:.0}\" rx=\"2\"/>\
         <text class=\"text\" x=\"{:.1}\" y=\"{:.1}\"{weight}>{:.1}</text>\n",
        LABEL - 10.0,
        y + 14.0,
        LABEL + width + 6.0,
        y + 14.0,
        nanos / 1000.0
    )
}
