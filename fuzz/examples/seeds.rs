//! Writes the seeds anew: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.
//!
//! The tokens are libsodium's, with fixed keys, nonces and times, so that the same files come out.

use std::fs;
use std::path::Path;

use sealed_session_fuzz::{
    Header, NAME, NONCE, NOW, bare_fastify_token, fastify_token, native_token, sodium,
};

const ID: [u8; 16] = *b"\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff";
const TS: u64 = NOW / 1000;

const JSON: [&str; 5] = [
    "{}",
    r#"{"user_id":7}"#,
    r#"{"name":"Zo\u00eb \ud83d\ude00","tags":["a","b",null,true],"n":-1.5e3}"#,
    r#"{"a":{"b":{"c":[[[]]]}},"":0,"\u0061\ud800":1e400}"#,
    r#" { "a" : 1 , "b" : 2 } "#,
];

fn main() -> std::io::Result<()> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = seeds.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)
    };

    // Its own idle timeout; the two flags that announce a block; and numbers at their ends.
    let usual = Header { flags: 0, id: ID, created: NOW - 1, refreshed: 0, idle: 60 };
    let odd = [
        Header { flags: 1, idle: (1 << 31) - 1, ..usual },
        Header { flags: 2, ..usual },
        Header { flags: 4, ..usual },
        Header { created: 0, refreshed: u32::MAX, idle: 1 << 31, ..usual },
        Header { created: NOW + 60_000, id: [0; 16], idle: 1, ..usual },
    ];

    for (n, json) in JSON.iter().enumerate() {
        let header =
            Header { flags: 0, id: ID, created: NOW - 3_600_000, refreshed: 3540, idle: 86_400 };
        let plaintext = header.before(json.as_bytes());
        let dated = json.trim().replacen('{', &format!("{{\"__ts\":{TS},"), 1).replace(",}", "}");
        for key in [7, 8] {
            let token = native_token(&sodium::subkey(&[key; 32], NAME), &NONCE, &plaintext);
            write("decode_token", &format!("native-{key}-{n}"), token.as_bytes())?;
        }
        let node = fastify_token(&[7; 32], &NONCE, dated.as_bytes(), false);
        write("decode_token", &format!("fastify-{n}"), node.as_bytes())?;
        let short = bare_fastify_token(&[7; 32], &NONCE, dated.as_bytes(), false, false);
        write("decode_token", &format!("short-{n}"), short.as_bytes())?;
        let signed = fastify_token(&[9; 32], &NONCE, dated.as_bytes(), true);
        write("decode_token", &format!("signed-{n}"), signed.as_bytes())?;
        let header = format!("a=b; session=junk; session={node}; sessions=x; session={signed}");
        write("decode_token", &format!("header-{n}"), header.as_bytes())?;

        for kind in [0, 1] {
            let with = |ring: u8, plaintext: &[u8]| [&[ring << 1 | kind], plaintext].concat();
            let name = |scheme: &str| format!("{scheme}-{kind}-{n}");
            write("behind_the_seal", &name("native"), &with(0, &plaintext))?;
            write(
                "behind_the_seal",
                &name("native-odd"),
                &with(0, &odd[n].before(json.as_bytes())),
            )?;
            write("behind_the_seal", &name("fastify"), &with(1, dated.as_bytes()))?;
            write("behind_the_seal", &name("undated"), &with(2, json.as_bytes()))?;
        }
    }

    // Two times, one in another spelling; and another name twice, which some kinds mind.
    let twice = [
        format!("{{\"__ts\":1,\"a\":1,\"__ts\":{TS}}}"),
        format!("{{\"\\u005f_ts\":1,\"a\":1,\"__ts\":{TS}}}"),
        format!("{{\"a\":1,\"a\":\"\\u0001\",\"__ts\":{TS}}}"),
        format!("{{\"__ts\":{TS},\"a\":1,\"a\":2}}"),
    ];
    for (n, plaintext) in twice.iter().enumerate() {
        for kind in [2, 3] {
            let seed = [&[kind], plaintext.as_bytes()].concat();
            write("behind_the_seal", &format!("twice-{kind}-{n}"), &seed)?;
        }
    }

    let key: Vec<u8> = (1..=32).collect();
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";
    write("parse_key", "raw", &key)?;
    write("parse_key", "zero", &[0; 32])?;
    write("parse_key", "newline", &[&key[..], b"\n"].concat())?;
    for (name, text) in [("hex", hex.as_str()), ("base64", base64), ("url", &"-_".repeat(22)[..43])]
    {
        write("parse_key", name, text.as_bytes())?;
        write("parse_key", &format!("{name}-lf"), format!("{text}\n").as_bytes())?;
        write("parse_key", &format!("{name}-crlf"), format!("{text}\r\n").as_bytes())?;
    }
    write("parse_key", "padded", format!("{base64}=").as_bytes())?;

    // The structured targets read any bytes as a case.
    for target in ["round_trip", "differential"] {
        for (n, len) in [64, 200, 400, 1000].into_iter().enumerate() {
            let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(n as u64 + 1);
            let bytes: Vec<u8> = std::iter::repeat_with(|| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .take(len)
            .collect();
            write(target, &format!("random-{n}"), &bytes)?;
        }
    }
    Ok(())
}
