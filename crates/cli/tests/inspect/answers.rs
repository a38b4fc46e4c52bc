//! What the answer has in it, what it never has, and its form for programs.

use sealed_session::Key;
use serde_json::Value;

use crate::support::*;

#[test]
fn shows_what_a_session_says() {
    let site = Site::new("valid");
    let (status, answer) = site.answer(&format!("session={}", token()), &[]);
    assert_eq!(status, 0);
    let id = key(7).id();
    says(
        &answer,
        &[
            "session opens and is valid; it expires in 23 hours.",
            "│ nonce │ tag │ header │ JSON │",
            "│ 24 B │ 16 B │ 32 B │ 41 B │",
            &format!("sealed for the cookie `session` with {id}"),
            "158 of 4096 bytes (4 %), with the name",
            "Scheme sealed-session, version 1",
            &format!("Key {id} keys/2023-11-01T00-00-00Z.key"),
            "Created 2023-11-14 22:13:20 UTC 1 hour ago",
            "Expires 2023-11-15 22:13:20 UTC in 23 hours",
            "Idle 1 day, the server's setting when it was sealed",
            "Absolute 30 days, assumed; see --absolute-timeout",
            "● began ○ refreshed ▼ now ┤ expires",
        ],
    );
    assert!(!answer.contains('\u{1b}'), "no colours where it is no terminal");
}

#[test]
fn the_drawings_in_the_readme_are_what_is_printed() {
    let site = Site::new("readme");
    std::fs::remove_dir_all(site.dir.join("keys")).unwrap();
    std::fs::create_dir(site.dir.join("keys")).unwrap();
    let key = Key::from_bytes(std::array::from_fn(|place| place as u8)).unwrap();
    let file = site.dir.join("keys/2023-11-01T00-00-00Z.key");
    std::fs::write(file, key.expose_secret()).unwrap();
    // The worked example of docs/FORMAT.md.
    let token = "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXGUOc-MJcwt1qcRDFpWWIWuFlztnzpMcKO44fRJvjJ5udXn6j\
                 YaTh6kR9jr6p_FGu5qabIdPejamYV6b8LQ";
    let run = |cookie: &str| {
        let output =
            site.inspect(&["--keys", "keys", "--at", "2023-11-15T10:00:00Z"], cookie).stdout;
        String::from_utf8(output).unwrap()
    };
    let readme = include_str!("../../README.md");
    let command = "$ sealed-session inspect --keys keys --at 2023-11-15T10:00:00Z < ";
    let blocks: Vec<_> =
        readme.split(command).skip(1).map(|rest| rest.split("```").next()).collect();
    let [Some(valid), Some(renamed)] = blocks[..] else { panic!("two drawings") };
    let answer = run(&format!("Cookie: theme=dark; __Host-login={token}"));
    assert_eq!(valid, format!("cookie.txt\n{answer}"));
    let answer = run(&format!("login={token}"));
    let (before, after) = renamed.strip_prefix("other.txt\n").unwrap().split_once("  …\n").unwrap();
    assert!(answer.starts_with(before) && answer.ends_with(after), "{answer}");
}

#[test]
fn warns_of_what_a_browser_refuses() {
    let site = Site::new("browser");
    let whole = sealed_with(7, "__Host-session", START);
    let line = |attributes: &str| format!("Set-Cookie: __Host-session={whole}; {attributes}");
    let (status, answer) =
        site.answer(&line("Secure; HttpOnly; Path=/; Domain=example.org; SameSite=Lax"), &[]);
    assert_eq!(status, 0);
    says(
        &answer,
        &["A browser does not store it: a cookie whose name begins with __Host- must not have a \
             Domain."],
    );
    let (_, answer) = site.answer(&line("Path=/shop; SameSite=None"), &[]);
    says(
        &answer,
        &[
            "must have Path=/",
            "demands the attribute Secure",
            "SameSite=None is refused without Secure",
        ],
    );
    let (_, answer) = site.answer(&line("Secure; HttpOnly; Path=/; SameSite=Lax"), &[]);
    assert!(!answer.contains("does not store"), "{answer}");
}

#[test]
fn shows_neither_keys_nor_data_unless_asked() {
    let site = Site::new("secret");
    let inputs = [
        token(),
        format!("session={}", token()),
        format!("session={}", node(key(9), START)),
        format!("session={}", sealed_with(7, "session", START - 9 * DAY)),
        format!("session={}", sealed_with(7, "other", START)),
        format!("session={}", sealed_with(8, "session", START)),
        format!("session={}", changed(&token(), 70)),
        format!("Set-Cookie: session={}; Path=/", token()),
        format!("{}=", token()),
    ];
    let keys: Vec<String> = [7, 6, 5, 9]
        .map(key)
        .iter()
        .flat_map(|key| {
            let [hex, base64] = [key.to_hex(), key.to_base64()];
            [hex.to_lowercase(), base64.trim_end_matches('=').to_owned()]
        })
        .collect();
    for (place, input) in inputs.iter().enumerate() {
        let modes = [&[][..], &["--json"], &["--data"], &["--data", "--json"]];
        // A search for damage takes a while in a debug build.
        for more in &modes[..if place < 5 { 4 } else { 2 }] {
            let (_, answer) = site.answer(input, more);
            for key in &keys {
                assert!(!answer.to_lowercase().contains(&key.to_lowercase()), "{answer}");
            }
            // The cookie itself is as good as a password.
            let value = input.trim_end_matches('=').rsplit(['=', ' ']).find(|part| part.len() > 60);
            assert!(value.is_none_or(|value| !answer.contains(&value[10..60])), "{answer}");
            if !more.contains(&"--data") {
                assert!(!answer.contains(SECRET), "{answer}");
            }
        }
    }
    let (_, answer) = site.answer(&inputs[1], &["--data"]);
    says(&answer, &[&format!("\"user\": \"{SECRET}\"")]);
    let (_, answer) = site.answer(&inputs[3], &["--data"]);
    says(&answer, &["expired", &format!("\"user\": \"{SECRET}\"")]);
}

#[test]
fn answers_programs_in_json() {
    let site = Site::new("json");
    let line = format!("Set-Cookie: session={}; Path=/; Secure", token());
    let answer = site.json(&line, &[]);
    let fields =
        |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(fields(&answer), "cookies not_looked_at now ok");
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["now"], "2023-11-14T23:13:20Z");
    let cookie = &answer["cookies"][0];
    assert_eq!(
        fields(cookie),
        "advice attributes characters name reason refused_by_browser removed_from_paste size size_limit \
         summary token tried_keys tried_names verdict warnings"
    );
    assert_eq!((&cookie["name"], &cookie["verdict"]), (&"session".into(), &"valid".into()));
    assert_eq!(cookie["attributes"][0], serde_json::json!({"name": "Path", "value": "/"}));
    assert_eq!(cookie["attributes"][1], serde_json::json!({"name": "Secure", "value": null}));
    let token = &cookie["token"];
    assert_eq!(
        fields(token),
        "absolute_timeout created_at expires_at idle_timeout key own_idle_timeout refreshed_at scheme \
         sealed_for session_id sizes"
    );
    assert_eq!(token["scheme"], "sealed-session");
    assert_eq!(token["key"]["id"], key(7).id().to_string());
    assert_eq!(token["created_at"], "2023-11-14T22:13:20Z");
    assert_eq!(token["expires_at"], "2023-11-15T22:13:20Z");
    assert_eq!(token["idle_timeout"], 86_400);
    assert_eq!(
        token["sizes"],
        serde_json::json!({"nonce": 24, "tag": 16, "header": 32, "json": 41})
    );
    let with_data = site.json(&line, &["--data"]);
    assert_eq!(with_data["cookies"][0]["token"]["data"]["user"], SECRET);
    let refused = site.json(&format!("session={}; a=1", sealed_with(8, "session", START)), &[]);
    assert_eq!(refused["ok"], false);
    assert_eq!(refused["cookies"][0]["verdict"], "no_matching_key");
    assert_eq!(refused["cookies"][0]["token"], Value::Null);
    assert_eq!(refused["cookies"][0]["tried_keys"][0]["from"], "keys/2023-11-01T00-00-00Z.key");
    assert_eq!(refused["not_looked_at"][0], "a");
}

#[test]
fn says_what_it_could_not_run_with() {
    let site = Site::new("usage");
    let fails = |args: &[&str], input: &str, words: &str| {
        let output = site.inspect(args, input);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(output.stdout.is_empty());
        assert!(stderr.contains(words), "{words:?} is not in {stderr}");
    };
    fails(&["--keys", "nowhere"], "x", "sealed-session: cannot read the key file nowhere: ");
    std::fs::create_dir(site.dir.join("empty")).unwrap();
    fails(&["--keys", "empty"], "x", "empty has no *.key file");
    std::fs::write(site.dir.join("broken"), "0011").unwrap();
    fails(&["--keys", "broken"], "x", "broken does not contain a valid key: ");
    fails(&["--keys-env", "SEALED_SESSION_NO_SUCH"], "x", "SEALED_SESSION_NO_SUCH is not set");
    fails(&["--keys", "other"], " \n", "standard input is empty");
    fails(&["--keys", "other", "node"], "x", "`node` is a file: write --keys before each");
    fails(&["--dta"], "x", "there is no option `--dta`");
    fails(&["--at", "yesterday", "x"], "", "is not a time in UTC");
    fails(&["--idle-timeout", "soon", "x"], "", "is not a duration");
}

#[test]
fn a_broken_file_in_a_directory_does_not_hide_the_others() {
    let site = Site::new("broken");
    std::fs::write(site.dir.join("keys/2024-01-01T00-00-00Z.key"), "too short").unwrap();
    let at = (START + HOUR).to_string();
    let output = site.inspect(&["--keys", "keys", "--at", &at], &format!("session={}", token()));
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("2024-01-01T00-00-00Z.key does not contain a valid key"), "{stderr}");
}
