//! The pages of the guide have the programs that are tested here, and name the versions that are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The programs in a page.
fn programs(page: &str) -> Vec<String> {
    let page = read(&format!("docs/guide/{page}.md"));
    let blocks = page.split("```rust,ignore\n").skip(1);
    blocks.map(|rest| rest.split("```").next().expect("a block").to_owned()).collect()
}

#[test]
fn the_pages_have_the_programs_that_are_tested() {
    for (page, folder) in [
        ("moving_from_actix_session", "actix"),
        ("moving_from_private_cookie_jar", "private_jar"),
        ("moving_from_seshcookie", "seshcookie"),
        ("moving_from_tower_sessions", "tower_sessions"),
    ] {
        let found: BTreeSet<_> = programs(page).into_iter().collect();
        let folder = root().join("tests/moving/src").join(folder);
        let files = std::fs::read_dir(&folder).expect("a folder");
        let tested: BTreeSet<_> = files
            .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text"))
            .collect();
        assert!(found == tested, "{page}.md has other programs than {}", folder.display());
    }
}

/// The versions in the lock.
fn locked(name: &str) -> Vec<String> {
    let lock = read("Cargo.lock");
    let start = format!("name = \"{name}\"\nversion = \"");
    lock.split(&start)
        .skip(1)
        .map(|rest| rest.split('"').next().expect("text").to_owned())
        .collect()
}

/// Whether one of the locked versions is this one: `0.11` is 0.11.3, and not 0.1.
fn is_locked(name: &str, version: &str) -> bool {
    let mut versions = locked(name).into_iter();
    versions.any(|locked| format!("{locked}.").starts_with(&format!("{version}.")))
}

/// The libraries, with the words that stand before their version in texts.
const LIBRARIES: [(&str, &[&str]); 8] = [
    ("actix-session", &["actix-session", "actix-session@"]),
    ("actix-web", &["actix-web@"]),
    ("axum-extra", &["axum-extra", "axum-extra@"]),
    ("cookie", &["crate cookie", "(cookie"]),
    ("jsonwebtoken", &["jsonwebtoken"]),
    ("seshcookie", &["seshcookie", "seshcookie@"]),
    ("tower-cookies", &["tower-cookies"]),
    ("tower-sessions", &["tower-sessions", "`tower-sessions`", "tower-sessions@"]),
];

/// The versions of a library that a text names after one of these words.
fn named(text: &str, words: &[&str]) -> BTreeSet<String> {
    let mut versions = BTreeSet::new();
    for word in words {
        for rest in text.split(word).skip(1) {
            let rest = rest.trim_start_matches([' ', '/', '`']);
            let rest = rest.strip_prefix("release ").unwrap_or(rest);
            let version: String =
                rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            if version.starts_with(|c: char| c.is_ascii_digit()) {
                versions.insert(version.trim_end_matches('.').to_owned());
            }
        }
    }
    versions
}

#[test]
fn the_texts_name_the_versions_that_are_tested() {
    let mut count = 0;
    for text in [
        "README.md",
        "docs/guide/moving_from_actix_session.md",
        "docs/guide/moving_from_private_cookie_jar.md",
        "docs/guide/moving_from_seshcookie.md",
        "docs/guide/moving_from_tower_sessions.md",
        "docs/guide/which_should_i_use.md",
    ] {
        let content = read(text);
        for (library, words) in LIBRARIES {
            for version in named(&content, words) {
                count += 1;
                let locked = locked(library);
                assert!(
                    is_locked(library, &version),
                    "{text}: {library} {version}, not {locked:?}"
                );
            }
        }
    }
    assert!(count >= 15, "only {count} versions found");
}

#[test]
fn a_version_is_compared_by_its_parts() {
    assert!(is_locked("seshcookie", "0.1"));
    assert!(!is_locked("seshcookie", "0.2"));
    assert!(!is_locked("actix-session", "0.1"));
    let versions = named("of tower-cookies 0.11, and `x`", &["tower-cookies"]);
    assert_eq!(versions.into_iter().collect::<Vec<_>>(), ["0.11"]);
}

/// Each row of the tables names a module of tests, and each module is named.
#[test]
fn each_row_of_the_comparison_is_shown_by_tests() {
    let page = read("docs/guide/which_should_i_use.md");
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |"));
    let mut named = BTreeSet::new();
    for row in rows {
        let cell = row.trim_end_matches('|').rsplit('|').next().expect("a cell").trim();
        let Some(module) = cell.strip_prefix("`which::") else {
            // What follows from what the libraries are.
            assert!(row.starts_with("| needs ") || row.starts_with("| framework "), "{row}");
            continue;
        };
        named.insert(module.trim_end_matches('`').to_owned());
    }
    let folder = root().join("tests/moving/tests/moving/which");
    let modules: BTreeSet<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|file| file.expect("a file").file_name().into_string().expect("text"))
        .filter(|file| !["mod.rs", "apps.rs"].contains(&file.as_str()))
        .map(|file| file.trim_end_matches(".rs").to_owned())
        .collect();
    assert_eq!(named, modules);
}
