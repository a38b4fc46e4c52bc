#!/usr/bin/env python3
"""Test vectors for the native token, made by libsodium through PyNaCl.

Nothing here comes from the crate: the sub-key is libsodium's
crypto_generichash_blake2b_salt_personal, the seal its crypto_secretbox, and the expiry is worked
out below for a codec with the default timeouts. Keys and nonces are derived from labels, so every
run writes the same bytes.

How to run it:

    python3 -m venv target/vectors
    target/vectors/bin/pip install pynacl==1.6.2
    target/vectors/bin/python tests/vectors/native.py          # writes native.json beside itself
    target/vectors/bin/python tests/vectors/native.py --check  # compares, writes nothing
"""

import base64
import hashlib
import json
import pathlib
import sys

import nacl
from nacl.bindings import crypto_generichash_blake2b_salt_personal, crypto_secretbox

OUT = pathlib.Path(__file__).with_name("native.json")

PERSONAL = b"sealed-session-1"
VERSION = 1
OWN = 1 << 31
DAY = 24 * 60 * 60
IDLE = DAY  # the default idle timeout
ABSOLUTE = 30 * DAY  # the default absolute timeout
LAST_TIME = (1 << 40) - 1
MAX_TIMEOUT = (1 << 31) - 1
T = 1_700_000_000
LIMIT = 4096  # what a browser keeps of name and value

SEVENS = bytes([7]) * 32
ONES = bytes([1]) * 24


def key(label):
    return hashlib.sha256(b"key " + label.encode()).digest()


def nonce(label):
    return hashlib.sha256(b"nonce " + label.encode()).digest()[:24]


def subkey(a_key, name):
    return crypto_generichash_blake2b_salt_personal(
        name.encode(), digest_size=32, key=a_key, salt=b"", person=PERSONAL
    )


def header(created, refreshed, idle, own=False, version=VERSION):
    return (
        bytes([version])
        + created.to_bytes(5, "big")
        + refreshed.to_bytes(5, "big")
        + (idle | (OWN if own else 0)).to_bytes(4, "big")
    )


def seal(a_key, a_nonce, plaintext):
    token = a_nonce + crypto_secretbox(plaintext, a_nonce, a_key)
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def opens(case, text, name="session", a_key=None, a_nonce=None,
          created=T, refreshed=T, idle=IDLE, own=False, now=None):
    a_key = a_key or key(case)
    a_nonce = a_nonce or nonce(case)
    head = header(created, refreshed, idle, own)
    sub = subkey(a_key, name)
    counts = idle if own else min(idle, IDLE)
    return {
        "case": case,
        "key": a_key.hex(),
        "name": name,
        "subkey": sub.hex(),
        "nonce": a_nonce.hex(),
        "created_at": created,
        "refreshed_at": refreshed,
        "idle_timeout": idle,
        "own_idle_timeout": own,
        "header": head.hex(),
        "json": text,
        "token": seal(sub, a_nonce, head + text.encode()),
        "now": refreshed if now is None else now,
        "expires_at": min(refreshed + counts, created + ABSOLUTE),
    }


def refused(case, kind, plaintext, name="session", sealed_for=None, raw_key=False,
            a_key=None, zero_key=False, now=T):
    """`sealed_for` is the name under which it was sealed, `name` the one under which it is shown."""
    a_key = a_key or key(case)
    sealing = bytes(32) if zero_key else a_key
    sub = sealing if raw_key else subkey(sealing, name if sealed_for is None else sealed_for)
    return {
        "case": case,
        "key": a_key.hex(),
        "name": name,
        "token": seal(sub, nonce(case), plaintext),
        "now": now,
        "kind": kind,
    }


def json_len_that_fills(name):
    """The most JSON bytes whose token and name still fit into a cookie."""
    bytes_of_token = (LIMIT - len(name)) * 3 // 4
    return bytes_of_token - 24 - 16 - 15


def filled(name, shorter_by=0):
    frame = len('{"a":""}')
    return '{"a":"' + "x" * (json_len_that_fills(name) - frame - shorter_by) + '"}'


LONG_NAME = "n" * 255

OPEN = [
    opens("the plainest", '{"a":1}', a_key=SEVENS, a_nonce=ONES),
    opens("the plainest, under another name", '{"a":1}', name="login", a_key=SEVENS, a_nonce=ONES),
    opens("the plainest, under a host-prefixed name", '{"a":1}', name="__Host-session",
          a_key=SEVENS, a_nonce=ONES),
    opens("a nonce of zeros", '{"a":1}', a_nonce=bytes(24)),
    opens("a nonce of ones", '{"a":1}', a_nonce=b"\xff" * 24),
    opens("a key of ones", '{"a":1}', a_key=b"\xff" * 32),
    opens("a key with one bit", '{"a":1}', a_key=bytes(31) + b"\x01"),
    opens("no entries", "{}"),
    opens("no entries, host-prefixed", "{}", name="__Host-login"),
    opens("one entry", '{"user_id":7}', name="login"),
    opens("a name of one byte", '{"a":1}', name="s"),
    opens("a name of every allowed sign", '{"a":1}', name="!#$%&'*+-.^_`|~09AZaz"),
    opens("the longest name", '{"a":1}', name=LONG_NAME),
    opens("secure-prefixed", '{"a":1}', name="__Secure-sid"),
    opens("a host prefix in lower case", '{"a":1}', name="__host-sid"),
    opens("names differ by case", '{"a":1}', name="Session"),
    opens("two bytes in UTF-8", '{"name":"Zoë Müller"}'),
    opens("three and four bytes in UTF-8", '{"名前":"日本語 🦀","x":"\U0010ffff"}'),
    opens("combining and right-to-left", '{"a":"e\u0301 שלום \u202e"}'),
    opens("escapes", r'{"a":"\u00e9\n\t\"\\\/\ud83e\udd80\u0000"}'),
    opens("half a surrogate pair, escaped", r'{"a":"\ud83e"}'),
    opens("white space in the JSON", ' {\n\t"a" : [ 1 , 2 ] }\r\n'),
    opens("numbers", '{"a":-0,"b":1e30,"c":0.1,"d":18446744073709551615,"e":-9223372036854775808}'),
    opens("literals and nesting", '{"a":null,"b":[true,false,[[[]]]],"c":{"d":{"e":{}}}}'),
    opens("the first second", '{"a":1}', created=0, refreshed=0),
    opens("the last second", '{"a":1}', created=LAST_TIME, refreshed=LAST_TIME),
    opens("beyond 32 bits", '{"a":1}', created=(1 << 32) - 1, refreshed=1 << 32),
    opens("every byte of a time its own", '{"a":1}', created=0x0102030405, refreshed=0x0102030406),
    opens("refreshed a week later", '{"a":1}', refreshed=T + 7 * DAY),
    opens("at its last second, idle", '{"a":1}', now=T + IDLE - 1),
    opens("at its last second, absolute", '{"a":1}', refreshed=T + ABSOLUTE - 1),
    opens("from the future, within the skew", '{"a":1}', now=T - 60),
    opens("a shorter idle timeout", '{"a":1}', idle=60),
    opens("a longer idle timeout, not its own", '{"a":1}', idle=7 * DAY),
    opens("the longest idle timeout, not its own", '{"a":1}', idle=MAX_TIMEOUT),
    opens("its own idle timeout", '{"a":1}', idle=14 * DAY, own=True, now=T + 14 * DAY - 1),
    opens("its own idle timeout, the shortest", '{"a":1}', idle=1, own=True),
    opens("its own idle timeout, the longest", '{"a":1}', idle=MAX_TIMEOUT, own=True),
    opens("the largest", filled("session")),
    opens("the largest, host-prefixed", filled("__Host-session"), name="__Host-session"),
    opens("the largest with the longest name", filled(LONG_NAME), name=LONG_NAME),
    opens("one byte below the largest", filled("session", shorter_by=1)),
]

GOOD = header(T, T, IDLE) + b'{"a":1}'

REFUSED = [
    refused("version 0", "Version", header(T, T, IDLE, version=0) + b"{}"),
    refused("version 2", "Version", header(T, T, IDLE, version=2) + b"{}"),
    refused("version 255", "Version", header(T, T, IDLE, version=255) + b"{}"),
    refused("created after it was refreshed", "Payload", header(T, T - 1, IDLE) + b"{}"),
    refused("no idle timeout", "Payload", header(T, T, 0) + b"{}"),
    refused("no idle timeout, its own", "Payload", header(T, T, 0, own=True) + b"{}"),
    refused("no plaintext", "Malformed", b""),
    refused("only a version", "Malformed", GOOD[:1]),
    refused("a header short of one byte", "Malformed", GOOD[:14]),
    refused("a header and no JSON", "Payload", GOOD[:15]),
    refused("not UTF-8", "Payload", header(T, T, IDLE) + b'{"a":"\xff"}'),
    refused("UTF-8 in too many bytes", "Payload", header(T, T, IDLE) + b'{"a":"\xc0\xaf"}'),
    refused("UTF-8 of a surrogate", "Payload", header(T, T, IDLE) + b'{"a":"\xed\xa0\x80"}'),
    refused("UTF-8 cut short", "Payload", header(T, T, IDLE) + b'{"a":"\xf0\x9f\xa6"}'),
    refused("null", "Payload", header(T, T, IDLE) + b"null"),
    refused("a number", "Payload", header(T, T, IDLE) + b"7"),
    refused("a string", "Payload", header(T, T, IDLE) + b'"a"'),
    refused("a list", "Payload", header(T, T, IDLE) + b'["a"]'),
    refused("JSON cut short", "Payload", header(T, T, IDLE) + b'{"a":1'),
    refused("JSON and more", "Payload", header(T, T, IDLE) + b'{"a":1}{}'),
    refused("JSON and a zero byte", "Payload", header(T, T, IDLE) + b'{"a":1}\0'),
    refused("not JSON", "Payload", header(T, T, IDLE) + b"a=1"),
    refused("a byte order mark", "Payload", header(T, T, IDLE) + b'\xef\xbb\xbf{"a":1}'),
    refused("an entry twice", "Payload", header(T, T, IDLE) + b'{"a":1,"a":2}'),
    refused("idle for its timeout", "Expired", GOOD, now=T + IDLE),
    refused("idle for its own timeout", "Expired", header(T, T, 60, own=True) + b"{}", now=T + 60),
    refused("at its absolute end", "Expired", header(T, T + ABSOLUTE - 1, IDLE) + b"{}",
            now=T + ABSOLUTE),
    refused("at its absolute end, with an idle timeout of its own", "Expired",
            header(T, T, MAX_TIMEOUT, own=True) + b"{}", now=T + ABSOLUTE),
    refused("expired, and not JSON", "Expired", header(T, T, IDLE) + b"a=1", now=T + IDLE),
    refused("refreshed in the future", "FromTheFuture", header(T, T + 61, IDLE) + b"{}"),
    refused("created in the future", "FromTheFuture", header(T + 61, T + 61, IDLE) + b"{}"),
    refused("refreshed in the last second there is", "FromTheFuture",
            header(T, LAST_TIME, MAX_TIMEOUT, own=True) + b"{}"),
    refused("sealed for another name", "Forged", GOOD, sealed_for="login"),
    refused("sealed for a name of another case", "Forged", GOOD, sealed_for="Session"),
    refused("sealed without the prefix", "Forged", GOOD, name="__Host-session",
            sealed_for="session"),
    refused("sealed for no name", "Forged", GOOD, sealed_for=""),
    refused("sealed under the key itself", "Forged", GOOD, raw_key=True),
    refused("sealed under a key of zeros", "Forged", GOOD, zero_key=True),
    refused("sealed under zeros", "Forged", GOOD, zero_key=True, raw_key=True),
    refused("larger than a cookie", "TooLong", header(T, T, IDLE) + filled("session", -1).encode()),
]


def main():
    document = {
        "about": "Made by tests/vectors/native.py with libsodium through PyNaCl "
        f"{nacl.__version__}. Bytes are in hex, times in seconds since 1970, timeouts in seconds. "
        "`now` is when the token is opened, by a codec with the default timeouts.",
        "open": OPEN,
        "refused": REFUSED,
    }
    text = json.dumps(document, indent=1, ensure_ascii=True) + "\n"
    if "--check" in sys.argv[1:]:
        if OUT.read_text() != text:
            sys.exit(f"{OUT.name} is not what this script writes")
        print(f"{OUT.name} is up to date")
        return
    OUT.write_text(text)
    print(f"{OUT.name}: {len(OPEN)} that open, {len(REFUSED)} that do not")


if __name__ == "__main__":
    main()
