//! A table of broken cookies, each with the words that have to be in the answer.

use sealed_session::{FastifyKey, Keyring};

use crate::support::*;

#[test]
fn explains_another_cookies() {
    let site = Site::new("another_cookies");
    let prefixed = sealed_with(7, "__Host-session", START);
    site.fails(
        "the prefix is new",
        &format!("session={prefixed}"),
        &[],
        &[
            "sealed for the cookie `__Host-session`, but was sent as `session`",
            "Did the cookie's name change in the settings",
        ],
    );
    let admin = sealed_with(7, "admin", START);
    site.fails(
        "another cookie's",
        &format!("login={admin}"),
        &["--name", "admin"],
        &["sealed for the cookie `admin`, but was sent as `login`"],
    );
    site.fails(
        "another cookie's, of the same line",
        &format!("admin=1; login={admin}"),
        &[],
        &["sealed for the cookie `admin`, but was sent as `login`"],
    );
    site.fails(
        "not in the line",
        "theme=dark; lang=en",
        &["--name", "session"],
        &["There is no cookie `session`", "`theme`, `lang`"],
    );
}

#[test]
fn explains_keys_that_do_not_fit() {
    let site = Site::new("keys_that_do_not_fit");
    let other = sealed_with(8, "session", START);
    site.fails(
        "a key that is not there",
        &format!("session={other}"),
        &[],
        &[
            "does not open with any of these keys",
            &key(7).id().to_string(),
            "2023-08-01T00-00-00Z.key",
            "Compare the ids of the keys",
            "Names tried session, __Host-session, __Secure-session",
        ],
    );
    let revoked = sealed_with(5, "session", START);
    site.fails(
        "a revoked key",
        &format!("session={revoked}"),
        &[],
        &["was revoked", "log in again"],
    );
}

#[test]
fn explains_the_wrong_time() {
    let site = Site::new("the_wrong_time");
    let whole = token();
    let expired = sealed_with(7, "session", START - 2 * DAY);
    site.fails(
        "expired",
        &format!("session={expired}"),
        &[],
        &[
            "session expired 1 day 1 hour ago",
            "not refreshed for 1 day, its idle timeout",
            "2023-11-13 22:13:20 UTC",
            "The user has to log in again",
        ],
    );
    site.fails(
        "the absolute timeout",
        &format!("session={whole}"),
        &["--absolute-timeout", "30m"],
        &["expired 30 minutes ago", "absolute timeout of 30 minutes ended it"],
    );
    site.fails(
        "a shorter idle timeout now",
        &format!("session={whole}"),
        &["--idle-timeout", "5m"],
        &["expired 55 minutes ago"],
    );
    let future = sealed_with(7, "session", START + 3 * HOUR);
    site.fails(
        "a clock",
        &format!("session={future}"),
        &[],
        &["is from the future: it was sealed in 2 hours", "Compare the clocks: run `date -u`"],
    );
}

#[test]
fn explains_cut_off_or_hidden() {
    let site = Site::new("cut_off_or_hidden");
    let whole = token();
    let len = whole.len();
    let large = codec(Keyring::new(key(7)), "s", START).encode(session(2956)).unwrap();
    let browser = format!("session={}", &large[..4096 - "session".len()]);
    site.fails(
        "cut off by a browser",
        &browser,
        &[],
        &["was cut off at 4096 bytes", "the session holds too much"],
    );
    site.fails(
        "cut off by a column",
        &format!("session={}", &large[..2048]),
        &[],
        &["ends after exactly 2048 characters", "database columns"],
    );
    let cut = (100..len).rev().find(|cut| cut % 4 == 1).unwrap();
    site.fails(
        "cut off anywhere",
        &format!("session={}", &whole[..cut]),
        &[],
        &["is not whole", "Copy it again"],
    );
    site.fails(
        "a piece",
        &format!("session={}", &whole[..50]),
        &[],
        &["too short for a token: it has 50"],
    );
    site.fails(
        "shortened by what showed it",
        &format!("session={}…", &whole[..40]),
        &[],
        &["was shortened"],
    );
    site.fails(
        "shortened with dots",
        &format!("session={}...", &whole[..40]),
        &[],
        &["was shortened"],
    );
    site.fails(
        "hidden by a log",
        "session=[FILTERED]",
        &[],
        &["was replaced by what logged or showed it"],
    );
}

#[test]
fn explains_altered() {
    let site = Site::new("altered");
    let whole = token();
    let len = whole.len();
    site.fails(
        "one character",
        &format!("session={}", changed(&whole, 57)),
        &[],
        &[
            &format!("was altered: character 58 of {len}"),
            &format!("The key {} sealed it for the cookie `session`", key(7).id()),
            "a proxy, an extension",
        ],
    );
    let without_last = &whole[..len - 1];
    site.fails(
        "the last character",
        &format!("session={without_last}"),
        &[],
        &["its last character is missing"],
    );
    let doubled = format!("{}{}", &whole[..20], &whole[19..]);
    site.fails("one too many", &format!("session={doubled}"), &[], &["one too many"]);
    site.fails("twice", &format!("session={whole}{whole}"), &[], &["is there twice"]);
    site.fails(
        "lower case",
        &format!("session={}", whole.to_lowercase()),
        &[],
        &["lost its upper or lower case"],
    );
    let sharp = format!("session={}#{}", &whole[..30], &whole[31..]);
    site.fails(
        "a character that no token has",
        &sharp,
        &[],
        &["character 31, `#`, occurs in none"],
    );
    site.fails(
        "padded",
        &format!("session={whole}="),
        &[],
        &["has padding (=)", "exactly as it was sealed"],
    );
    let (name, standard) = (0..)
        .find_map(|_| {
            let token = token();
            let other = token.replace('-', "+").replace('_', "/");
            (other != token).then_some(("session", other))
        })
        .unwrap();
    site.fails(
        "another base64",
        &format!("{name}={standard}"),
        &[],
        &["another base64 alphabet (+ and /)"],
    );
    site.fails(
        "broken percent-encoding",
        &format!("session={}%zz", &whole[..60]),
        &[],
        &["character 61, `%`"],
    );
}

#[test]
fn explains_content_that_cannot_be_read() {
    let site = Site::new("content_that_cannot_be_read");
    let vector = |name: &str| {
        let (cookie, key) = vector("native.json", "refused", name);
        std::fs::write(site.dir.join("vector"), key).unwrap();
        cookie
    };
    let newer = vector("version 2");
    site.fails(
        "a newer version",
        &newer,
        &["--keys", "vector"],
        &["a format version that this program does not know", "Run the newest release"],
    );
    let flag = vector("flag 0x80");
    site.fails("an unknown flag", &flag, &["--keys", "vector"], &["its content cannot be read"]);
}

#[test]
fn explains_nothing_of_ours() {
    let site = Site::new("nothing_of_ours");
    site.fails(
        "a removal",
        "Set-Cookie: session=; Path=/; Max-Age=0",
        &[],
        &["this is how a server removes it"],
    );
    site.fails(
        "too long",
        &format!("session={}", "A".repeat(5000)),
        &[],
        &["5007 bytes, and 4096 are the most"],
    );
    for (value, words) in [
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
            "JSON Web Token",
        ),
        (
            "Fe26.2**0cdd607945dd1dffb7da0b0bf5f1a7daa6218cbae14cac51dcbd91fb077aeb5b*aOZLCKLhCt",
            "iron",
        ),
        ("s%3AaBcDeFgHiJkLmNoP.9Gm%2B7QHqLWtZ", "express-session"),
        ("BAh7BzoPc2Vzc2lvbl9pZA--919d2ecbb5a1a5f8e8b3a9c4f4ef3fa0e0d6a1b2", "Rails"),
        (
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "a session that a server keeps",
        ),
        ("FZxnk1PgxlNKyAoUzZ4Ygw3h2vr0wcWzqFXn4Yf6Bno=alice", "SignedCookieJar"),
    ] {
        site.fails(words, &format!("session={value}"), &[], &["is not of sealed-session", words]);
    }
}

#[test]
fn explains_of_nodes() {
    let site = Site::new("of_nodes");
    let nodes = node(key(9), START);
    let of_other = node(key(8), START);
    site.fails(
        "Node's, another key",
        &format!("session={of_other}"),
        &[],
        &["does not open with any of these keys"],
    );
    let two_days_ago = node(key(9), START - 2 * DAY);
    site.fails(
        "Node's, expired",
        &format!("session={two_days_ago}"),
        &[],
        &["expired 1 day 1 hour ago"],
    );
    let by_secret =
        node(FastifyKey::signed_with_secret(key(9), "a secret of the cookie plugin"), START);
    site.fails(
        "Node's, signed with a secret",
        &format!("session={by_secret}"),
        &[],
        &["its signature is not of these keys", "a secret cannot be tried here"],
    );
    site.fails(
        "Node's, cut off",
        &format!("session={}", &nodes[..nodes.len() - 7]),
        &[],
        &["is not whole"],
    );
    site.fails(
        "Node's, altered",
        &format!("session={}", changed(&nodes, 20)),
        &[],
        &["was altered: character 21"],
    );
}

#[test]
fn explains_cookies_whose_keys_were_not_given() {
    let site = Site::new("without");
    let at = (START + HOUR).to_string();
    let run = |args: &[&str], input: &str| {
        let output = site.inspect(&[&["--at", &at], args].concat(), input);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stdout).unwrap()
    };
    let answer = run(&[], &format!("session={}", token()));
    says(
        &answer,
        &["no keys were given", "has the form of a token of sealed-session", "--keys FILE-OR-DIR"],
    );
    let answer = run(&["--keys", "keys"], &format!("session={}", node(key(9), START)));
    says(
        &answer,
        &["Node's @fastify/secure-session, and no key of Node's was given", "--fastify-key FILE"],
    );
    let (undated, key) = vector("fastify.json", "lax", "__ts: missing");
    std::fs::write(site.dir.join("vector"), key).unwrap();
    let answer = run(&["--fastify-key", "vector"], &undated);
    says(&answer, &["does not say when it was made (no __ts)", "danger_accept_undated"]);
}
