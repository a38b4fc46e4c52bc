//! The page. Its templates and style sheet are in the binary. It needs no script.

use std::net::SocketAddr;
use std::time::SystemTime;

use axum::http::header;
use axum::response::IntoResponse;

use crate::anatomy::{Anatomy, MAX_COOKIE_LEN, Part};
use crate::html::Html;
use crate::reply::Problem;
use crate::sessions::{LOGIN_IDLE, Language, Login, Preferences, REMEMBERED_IDLE, Theme};
use crate::time;

/// The most that is shown of a name, of JSON and of a part.
const MAX_NAME: usize = 60;
const MAX_JSON: usize = 400;
const MAX_HEX: usize = 120;
const UNSAVED: &str = "Nothing is saved yet.";

/// The content, which is shown as a page or as text.
pub(crate) struct View {
    pub(crate) login: Option<Login>,
    pub(crate) preferences: Option<Preferences>,
    pub(crate) cookies: Vec<Anatomy>,
    pub(crate) keys: usize,
    pub(crate) rotated_at: Option<SystemTime>,
    pub(crate) address: SocketAddr,
}

impl View {
    /// Whether this response re-seals a cookie.
    fn is_resealed(&self) -> bool {
        self.cookies.iter().any(|cookie| cookie.key_index > 0)
    }
}

pub(crate) async fn style() -> impl IntoResponse {
    let content_type = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (content_type, include_str!("style.css"))
}

pub(crate) async fn icon() -> impl IntoResponse {
    let content_type = [(header::CONTENT_TYPE, "image/svg+xml")];
    (content_type, include_str!("icon.svg"))
}

pub(crate) fn home(view: &View) -> Html {
    let preferences = view.preferences.unwrap_or_default();
    let now = SystemTime::now();
    let cookies = if view.cookies.is_empty() {
        Html::markup(include_str!("no_cookie.html"))
    } else {
        view.cookies.iter().map(|cookie| anatomy(cookie, now)).collect()
    };
    let main = Html::fill(
        include_str!("home.html"),
        &[
            ("notice", notice(view)),
            ("login", login(view.login.as_ref(), preferences.language)),
            ("themes", themes(preferences.theme)),
            ("languages", languages(preferences.language)),
            ("saved", Html::text(if view.preferences.is_some() { "" } else { UNSAVED })),
            ("keys", keys(view, now)),
            ("cookies", cookies),
        ],
    );
    layout("sealed-session", preferences.theme, main)
}

pub(crate) fn problem(problem: &Problem, theme: Theme) -> Html {
    let main = Html::fill(
        include_str!("problem.html"),
        &[
            ("status", Html::text(problem.status.as_str())),
            ("title", Html::text(problem.title)),
            ("text", Html::text(&problem.text)),
        ],
    );
    layout(problem.title, theme, main)
}

fn layout(title: &str, theme: Theme, main: Html) -> Html {
    Html::fill(
        include_str!("layout.html"),
        &[("title", Html::text(title)), ("theme", Html::text(theme.value())), ("main", main)],
    )
}

/// A notice about the last form, as far as the cookies show it.
fn notice(view: &View) -> Html {
    let first = view.login.as_ref().is_some_and(|login| login.visits == 1);
    let text = if view.is_resealed() {
        "The previous key has opened a cookie of this request. This response re-seals it under the \
         new key."
    } else if first {
        "You are logged in. The login is in the cookie; the server has stored nothing."
    } else {
        return Html::default();
    };
    Html::fill(r#"<p class="notice" role="status">{{text}}</p>"#, &[("text", Html::text(text))])
}

fn login(login: Option<&Login>, language: Language) -> Html {
    let remembered = time::duration(REMEMBERED_IDLE.as_secs());
    let Some(login) = login else {
        let slots = [("remembered", Html::text(&remembered))];
        return Html::fill(include_str!("log_in.html"), &slots);
    };
    let visits = if login.visits == 1 { "visit" } else { "visits" };
    Html::fill(
        include_str!("account.html"),
        &[
            ("language", Html::text(language.value())),
            ("hello", Html::text(language.hello())),
            ("name", Html::text(&shorten(&login.name, MAX_NAME))),
            ("count", Html::text(&login.visits.to_string())),
            ("visits", Html::text(visits)),
        ],
    )
}

fn themes(chosen: Theme) -> Html {
    let radio = |(theme, value, label): (Theme, &str, &str)| {
        let checked = if theme == chosen { "checked" } else { "" };
        Html::fill(
            r#"<label><input type="radio" name="theme" value="{{value}}" {{checked}}><span>{{label}}</span></label>"#,
            &[
                ("value", Html::text(value)),
                ("checked", Html::text(checked)),
                ("label", Html::text(label)),
            ],
        )
    };
    Theme::ALL.into_iter().map(radio).collect()
}

fn languages(chosen: Language) -> Html {
    let option = |(language, value, label): (Language, &str, &str)| {
        let selected = if language == chosen { "selected" } else { "" };
        Html::fill(
            r#"<option value="{{value}}" lang="{{value}}" {{selected}}>{{label}}</option>"#,
            &[
                ("value", Html::text(value)),
                ("selected", Html::text(selected)),
                ("label", Html::text(label)),
            ],
        )
    };
    Language::ALL.into_iter().map(option).collect()
}

fn keys(view: &View, now: SystemTime) -> Html {
    let count = match view.keys {
        1 => "One key seals and opens.",
        _ => "The current key seals. It and the previous one open.",
    };
    let rotated = view
        .rotated_at
        .map(|at| format!(" Rotated {}.", time::relative(at, now)))
        .unwrap_or_default();
    Html::text(&format!("{count}{rotated}"))
}

fn anatomy(cookie: &Anatomy, now: SystemTime) -> Html {
    let current = cookie.key_index == 0;
    let resealed = if current { "" } else { "now re-sealed" };
    let remembered = cookie.own_idle_timeout.map(|idle| {
        let (own, usual) = (idle.as_secs(), LOGIN_IDLE.as_secs());
        let (own, usual) = (time::duration(own), time::duration(usual));
        format!("Remembered: it lasts {own} without a visit, instead of {usual}.")
    });
    let id = cookie.id.map_or_else(|| "without a name".to_owned(), |id| id.to_string());
    let moment = |at: Option<SystemTime>| match at {
        Some(at) => Html::fill(
            "{{relative}}<small>{{utc}}</small>",
            &[
                ("relative", Html::text(&time::relative(at, now))),
                ("utc", Html::text(&time::utc(at))),
            ],
        ),
        None => Html::text("not said"),
    };
    Html::fill(
        include_str!("cookie.html"),
        &[
            ("name", Html::text(&cookie.name)),
            ("key", Html::text(cookie.key())),
            ("key_class", Html::text(if current { "current" } else { "previous" })),
            ("resealed", Html::text(resealed)),
            ("id", Html::text(&id)),
            ("created", moment(cookie.created_at)),
            ("refreshed", moment(Some(cookie.refreshed_at))),
            ("expires", moment(Some(cookie.expires_at))),
            ("remembered", Html::text(&remembered.unwrap_or_default())),
            ("size", cookie.size.into()),
            ("limit", MAX_COOKIE_LEN.into()),
            ("percent", Html::text(&format!("{:.1}", cookie.percent()))),
            ("bytes", cookie.bytes().into()),
            ("strip", strip(&cookie.parts)),
            ("parts", cookie.parts.iter().map(part).collect()),
            ("json", Html::text(&shorten(&cookie.json, MAX_JSON))),
            ("token", Html::text(&cookie.token)),
        ],
    )
}

/// The parts side by side. The width of each is its number of bytes.
fn strip(parts: &[Part]) -> Html {
    let mut x = 0;
    let rect = |part: &Part| {
        let width = part.bytes.len();
        x += width;
        Html::fill(
            r#"<rect class="{{name}}" x="{{x}}" width="{{width}}" height="1"/>"#,
            &[("name", Html::text(part.name)), ("x", (x - width).into()), ("width", width.into())],
        )
    };
    parts.iter().map(rect).collect()
}

fn part(part: &Part) -> Html {
    let (hex, left_out) = part.hex(MAX_HEX);
    let more = match left_out {
        0 => String::new(),
        left_out => format!("… and {left_out} more bytes"),
    };
    Html::fill(
        include_str!("part.html"),
        &[
            ("name", Html::text(part.name)),
            ("size", part.bytes.len().into()),
            ("meaning", Html::text(part.meaning)),
            ("hex", Html::text(&hex)),
            ("more", Html::text(&more)),
        ],
    )
}

/// Shortens a text to at most `most` characters.
fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
