//! The pages, as text. What comes from a browser is escaped.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse};
use sealed_session::registry::Entry;

pub(crate) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))
}

pub(crate) fn sign_in() -> Html<String> {
    page(
        "Sign in",
        "<h1>Sign in</h1>
<p>Any name will do. Sign in under the same name in another browser to see both.</p>
<form method=\"post\" action=\"/sign-in\" class=\"line\">
<label for=\"name\">Name</label>
<input id=\"name\" name=\"name\" required maxlength=\"40\" autocomplete=\"username\" autofocus>
<button>Sign in</button>
</form>",
    )
}

pub(crate) fn failure() -> Html<String> {
    page(
        "Try again",
        "<h1>Something is not reachable</h1>
<p>We could not finish that. Nothing that you did before is lost. <a href=\"/\">Try again</a> in a moment.</p>",
    )
}

pub(crate) fn devices(name: &str, entries: &[Entry]) -> Html<String> {
    let mut main = format!(
        "<header class=\"who\"><h1>Where you are signed in</h1>
<p>{}</p>
<form method=\"post\" action=\"/sign-out\"><button class=\"quiet\">Sign out here</button></form></header>
<ul>",
        escape(name)
    );
    for entry in entries {
        let this = if entry.is_this { "<strong class=\"this\">this device</strong>" } else { "" };
        let idle = if entry.is_idle { " · probably expired" } else { "" };
        let _ = write!(
            main,
            "<li><div><span class=\"device\">{}</span>{this}<small>signed in {} · last seen {}{idle}</small></div>",
            escape(&entry.label),
            ago(entry.created_at),
            ago(entry.last_seen),
        );
        if !entry.is_this {
            let _ = write!(
                main,
                "<form method=\"post\" action=\"/sign-out-there\"><input type=\"hidden\" name=\"id\" value=\"{}\">
<button class=\"quiet\">Sign out there</button></form>",
                entry.id
            );
        }
        main.push_str("</li>");
    }
    main.push_str("</ul>");
    if entries.iter().any(|entry| !entry.is_this) {
        main.push_str(
            "<form method=\"post\" action=\"/sign-out-elsewhere\"><button>Sign out everywhere else</button></form>",
        );
    }
    page("Where you are signed in", &main)
}

fn page(title: &str, main: &str) -> Html<String> {
    Html(format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{title}</title>
<link rel=\"icon\" href=\"data:,\">
<link rel=\"stylesheet\" href=\"/style.css\">
</head>
<body><main>
{main}
</main></body>
</html>
"
    ))
}

/// A text that is safe in an element or between quotes.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

fn ago(time: SystemTime) -> String {
    let seconds = time.elapsed().unwrap_or(Duration::ZERO).as_secs();
    let (count, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

/// What people call the device that a `User-Agent` is from.
pub(crate) fn device(agent: &str) -> String {
    let has = |known: &&(&str, &str)| agent.contains(known.0);
    // A browser also names those that it is descended from, so the descendants come first.
    let browsers = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("Linux", "Linux"),
    ];
    let browser = browsers.iter().find(has).map_or("Unknown browser", |known| known.1);
    match systems.iter().find(has) {
        Some((_, system)) => format!("{browser} on {system}"),
        None => browser.to_owned(),
    }
}
