#!/usr/bin/env python3
"""Test vectors for the native token, made by libsodium through PyNaCl.

Nothing here comes from the crate: the sub-key is libsodium's
crypto_generichash_blake2b_salt_personal, the seal its crypto_secretbox, and the expiry is worked
out below for a codec with the default timeouts. Keys, nonces and ids are derived from labels, so
every run writes the same bytes.

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
OWN = 1 << 0
SEEN = 1 << 1  # announces a block of 8 bytes: the last mark that the session has seen
DEVICE = 1 << 2  # announces a block of 16 bytes, which has no meaning yet
HEADER_LEN = 32
PREFIX_LEN = 24 + 16 + HEADER_LEN
# Milliseconds.
SECOND = 1000
LAST_CREATED = (1 << 48) - 1
T = 1_700_000_000 * SECOND
SKEW = 60 * SECOND
# Seconds.
DAY = 24 * 60 * 60
IDLE = DAY  # the default idle timeout
ABSOLUTE = 30 * DAY  # the default absolute timeout
LAST_REFRESHED = (1 << 32) - 1
MAX_TIMEOUT = (1 << 31) - 1
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


def session_id(label):
    return hashlib.sha256(b"id " + label.encode()).digest()[:16]


def header(created=T, refreshed=0, idle=IDLE, own=False, flags=0, version=VERSION, an_id=ONES[:16],
           seen=None):
    """`created` in milliseconds since 1970, `refreshed` in seconds after it."""
    flags |= 0 if seen is None else SEEN
    block = b"" if seen is None else seen.to_bytes(8, "big")
    head = (
        bytes([version, flags | (OWN if own else 0)])
        + an_id
        + created.to_bytes(6, "big")
        + refreshed.to_bytes(4, "big")
        + idle.to_bytes(4, "big")
    )
    assert len(head) == HEADER_LEN
    return head + block


def seal(a_key, a_nonce, plaintext):
    token = a_nonce + crypto_secretbox(plaintext, a_nonce, a_key)
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def opens(case, text, name="session", a_key=None, a_nonce=None, an_id=None,
          created=T, refreshed=0, idle=IDLE, own=False, seen=None, now=None):
    a_key = a_key or key(case)
    a_nonce = a_nonce or nonce(case)
    an_id = an_id or session_id(case)
    head = header(created, refreshed, idle, own, an_id=an_id, seen=seen)
    sub = subkey(a_key, name)
    counts = idle if own else min(idle, IDLE)
    refreshed_at = created + refreshed * SECOND
    expires_at = min(refreshed_at + counts * SECOND, created + ABSOLUTE * SECOND)
    now = refreshed_at if now is None else now
    assert now < expires_at and created <= now + SKEW and refreshed_at <= now + SKEW, case
    return {
        "case": case,
        "key": a_key.hex(),
        "name": name,
        "subkey": sub.hex(),
        "nonce": a_nonce.hex(),
        "id": an_id.hex(),
        "created_at": created,
        "refreshed_at": refreshed_at,
        "idle_timeout": idle,
        "own_idle_timeout": own,
        "seen": seen,
        "header": head.hex(),
        "json": text,
        "token": seal(sub, a_nonce, head + text.encode()),
        "now": now,
        "expires_at": expires_at,
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
    return bytes_of_token - PREFIX_LEN


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
    opens("an id of zeros", '{"a":1}', an_id=bytes(16)),
    opens("an id of ones", '{"a":1}', an_id=b"\xff" * 16),
    opens("every byte of an id its own", '{"a":1}', an_id=bytes(range(0xF0, 0x100))),
    opens("the first millisecond", '{"a":1}', created=0),
    opens("the last millisecond", '{"a":1}', created=LAST_CREATED),
    opens("the last millisecond, refreshed after it", '{"a":1}', created=LAST_CREATED,
          refreshed=DAY),
    opens("a millisecond before a second", '{"a":1}', created=T - 1),
    opens("a millisecond after a second", '{"a":1}', created=T + 1),
    opens("beyond 32 bits of seconds", '{"a":1}', created=((1 << 32) - 1) * SECOND, refreshed=1),
    opens("beyond 32 bits of milliseconds", '{"a":1}', created=(1 << 32) - 1, refreshed=1),
    opens("every byte of the times its own", '{"a":1}', created=0x010203040506,
          refreshed=0x00070809, idle=0x0A0B0C0D),
    opens("refreshed a second later", '{"a":1}', refreshed=1),
    opens("refreshed a week later", '{"a":1}', created=T + 123, refreshed=7 * DAY),
    opens("refreshed as late as can be", '{"a":1}', created=T + 123, refreshed=ABSOLUTE - 1),
    opens("at its last millisecond, idle", '{"a":1}', created=T + 123, refreshed=60,
          now=T + 123 + (60 + IDLE) * SECOND - 1),
    opens("at its last millisecond, absolute", '{"a":1}', created=T + 123, refreshed=ABSOLUTE - 1,
          now=T + 123 + ABSOLUTE * SECOND - 1),
    opens("from the future, within the skew", '{"a":1}', now=T - SKEW),
    opens("refreshed in the future, within the skew", '{"a":1}', created=T + 500, refreshed=60,
          now=T + 500),
    opens("opened before it was refreshed", '{"a":1}', refreshed=60, now=T + 1),
    opens("a shorter idle timeout", '{"a":1}', idle=60),
    opens("a longer idle timeout, not its own", '{"a":1}', idle=7 * DAY),
    opens("the longest idle timeout, not its own", '{"a":1}', idle=MAX_TIMEOUT),
    opens("its own idle timeout", '{"a":1}', idle=14 * DAY, own=True,
          now=T + 14 * DAY * SECOND - 1),
    opens("its own idle timeout, that of the server", '{"a":1}', own=True),
    opens("its own idle timeout, refreshed", '{"a":1}', created=T + 999, refreshed=14 * DAY,
          idle=14 * DAY, own=True, now=T + 999 + 28 * DAY * SECOND - 1),
    opens("its own idle timeout, the shortest", '{"a":1}', idle=1, own=True, now=T + 999),
    opens("its own idle timeout, the longest", '{"a":1}', idle=MAX_TIMEOUT, own=True,
          now=T + ABSOLUTE * SECOND - 1),
    opens("the largest", filled("session")),
    opens("the largest, host-prefixed", filled("__Host-session"), name="__Host-session"),
    opens("the largest with the longest name", filled(LONG_NAME), name=LONG_NAME),
    opens("one byte below the largest", filled("session", shorter_by=1)),
    opens("no mark seen", '{"a":1}', seen=0),
    opens("a mark seen", '{"a":1}', seen=T + 1),
    opens("every byte of what was seen its own", '{"a":1}', seen=0x0102030405060708),
    opens("the last mark there can be", '{"a":1}', seen=(1 << 64) - 1),
    opens("a mark seen, and its own idle timeout", '{"a":1}', seen=T, own=True, idle=14 * DAY),
    opens("the largest with a mark seen", filled("session", shorter_by=8), seen=T),
]

JSON = b'{"a":1}'
GOOD = header() + JSON


def flags_refused(case, flags, behind=b"", **fields):
    return refused(case, "InvalidPayload", header(flags=flags, **fields) + behind + JSON)


REFUSED = [
    refused("version 0", "UnsupportedVersion", header(version=0) + JSON),
    refused("version 2", "UnsupportedVersion", header(version=2) + JSON),
    refused("version 255", "UnsupportedVersion", header(version=255) + JSON),
    refused("version 2, and an unknown flag", "UnsupportedVersion",
            header(version=2, flags=0x80) + JSON),
    refused("version 2, and no idle timeout", "UnsupportedVersion",
            header(version=2, idle=0) + JSON),
    *[flags_refused(f"flag 0x{1 << bit:02x}", 1 << bit) for bit in range(2, 8)],
    *[flags_refused(f"flag 0x{1 << bit:02x}, with an idle timeout of its own", 1 << bit, own=True)
      for bit in range(2, 8)],
    *[refused(f"{length} bytes of what was seen", "InvalidPayload",
              header(flags=SEEN) + bytes(length)) for length in range(8)],
    flags_refused("every flag", 0xFF),
    flags_refused("every unknown flag", 0xFC),
    refused("a mark seen, and no JSON", "InvalidPayload", header(seen=T)),
    refused("a mark seen, and not JSON", "InvalidPayload", header(seen=T) + b"a=1"),
    refused("the flag of a mark seen, and no mark", "InvalidPayload",
            header(flags=SEEN) + b'{"a":"12345678"}'),
    refused("a mark seen, and expired", "Expired", header(seen=T) + JSON, now=T + IDLE * SECOND),
    refused("larger than a cookie by a mark", "TooLong",
            header(seen=T) + filled("session", 7).encode()),
    flags_refused("the flag of the device's block, and the block", DEVICE, behind=bytes(16)),
    flags_refused("the flags of both blocks, and the blocks", SEEN | DEVICE, behind=bytes(24)),
    refused("an unknown flag, and expired", "InvalidPayload", header(flags=DEVICE) + JSON,
            now=T + IDLE * SECOND),
    refused("no idle timeout", "InvalidPayload", header(idle=0) + JSON),
    refused("no idle timeout, its own", "InvalidPayload", header(idle=0, own=True) + JSON),
    refused("an idle timeout too long", "InvalidPayload", header(idle=1 << 31) + JSON),
    refused("an idle timeout too long, its own", "InvalidPayload",
            header(idle=1 << 31, own=True) + JSON),
    refused("a day with the top bit of the idle timeout", "InvalidPayload",
            header(idle=1 << 31 | DAY) + JSON),
    refused("the longest idle timeout that can be written", "InvalidPayload",
            header(idle=(1 << 32) - 1, own=True) + JSON),
    refused("no idle timeout, and expired", "InvalidPayload", header(idle=0) + JSON,
            now=T + ABSOLUTE * SECOND),
    *[refused(f"a plaintext of {length} bytes", "Malformed", GOOD[:length])
      for length in range(HEADER_LEN)],
    refused("a header and no JSON", "InvalidPayload", GOOD[:HEADER_LEN]),
    refused("not UTF-8", "InvalidPayload", header() + b'{"a":"\xff"}'),
    refused("UTF-8 in too many bytes", "InvalidPayload", header() + b'{"a":"\xc0\xaf"}'),
    refused("UTF-8 of a surrogate", "InvalidPayload", header() + b'{"a":"\xed\xa0\x80"}'),
    refused("UTF-8 cut short", "InvalidPayload", header() + b'{"a":"\xf0\x9f\xa6"}'),
    refused("UTF-8 beyond Unicode", "InvalidPayload", header() + b'{"a":"\xf4\x90\x80\x80"}'),
    refused("not UTF-8, and expired", "InvalidPayload", header() + b"\xff",
            now=T + IDLE * SECOND),
    refused("null", "InvalidPayload", header() + b"null"),
    refused("a number", "InvalidPayload", header() + b"7"),
    refused("a string", "InvalidPayload", header() + b'"a"'),
    refused("a list", "InvalidPayload", header() + b'["a"]'),
    refused("JSON cut short", "InvalidPayload", header() + b'{"a":1'),
    refused("JSON and more", "InvalidPayload", header() + b'{"a":1}{}'),
    refused("JSON and a zero byte", "InvalidPayload", header() + b'{"a":1}\0'),
    refused("not JSON", "InvalidPayload", header() + b"a=1"),
    refused("a byte order mark", "InvalidPayload", header() + b'\xef\xbb\xbf{"a":1}'),
    refused("an entry twice", "InvalidPayload", header() + b'{"a":1,"a":2}'),
    refused("idle for its timeout", "Expired", GOOD, now=T + IDLE * SECOND),
    refused("idle for its timeout, not on a second", "Expired", header(created=T + 123) + JSON,
            now=T + 123 + IDLE * SECOND),
    refused("idle for its own timeout", "Expired", header(idle=60, own=True) + JSON,
            now=T + 60 * SECOND),
    refused("idle for a shorter timeout than the server's", "Expired", header(idle=60) + JSON,
            now=T + 60 * SECOND),
    refused("idle for the server's timeout, which is shorter than its own was", "Expired",
            header(idle=7 * DAY) + JSON, now=T + IDLE * SECOND),
    refused("at its absolute end", "Expired", header(refreshed=ABSOLUTE - 1) + JSON,
            now=T + ABSOLUTE * SECOND),
    refused("at its absolute end, with an idle timeout of its own", "Expired",
            header(idle=MAX_TIMEOUT, own=True) + JSON, now=T + ABSOLUTE * SECOND),
    refused("refreshed as late as can be said", "Expired",
            header(refreshed=LAST_REFRESHED, idle=MAX_TIMEOUT, own=True) + JSON,
            now=T + LAST_REFRESHED * SECOND),
    refused("expired, and not JSON", "Expired", header() + b"a=1", now=T + IDLE * SECOND),
    refused("refreshed in the future", "TimestampInFuture",
            header(created=T + 1, refreshed=60) + JSON),
    refused("refreshed in the future, and a second more", "TimestampInFuture",
            header(refreshed=61) + JSON),
    refused("refreshed as late as can be said, in the future", "TimestampInFuture",
            header(refreshed=LAST_REFRESHED, idle=MAX_TIMEOUT, own=True) + JSON),
    refused("created in the future", "TimestampInFuture", header(created=T + SKEW + 1) + JSON),
    refused("created in the last millisecond there is", "TimestampInFuture",
            header(created=LAST_CREATED, refreshed=LAST_REFRESHED) + JSON),
    refused("sealed for another name", "NoMatchingKey", GOOD, sealed_for="login"),
    refused("sealed for a name of another case", "NoMatchingKey", GOOD, sealed_for="Session"),
    refused("sealed without the prefix", "NoMatchingKey", GOOD, name="__Host-session",
            sealed_for="session"),
    refused("sealed for no name", "NoMatchingKey", GOOD, sealed_for=""),
    refused("sealed under the key itself", "NoMatchingKey", GOOD, raw_key=True),
    refused("sealed under a key of zeros", "NoMatchingKey", GOOD, zero_key=True),
    refused("sealed under zeros", "NoMatchingKey", GOOD, zero_key=True, raw_key=True),
    refused("larger than a cookie", "TooLong", header() + filled("session", -1).encode()),
]


def main():
    document = {
        "about": "Made by tests/vectors/native.py with libsodium through PyNaCl "
        f"{nacl.__version__}. Bytes are in hex, times in milliseconds since 1970, timeouts in "
        "seconds. `now` is when the token is opened, by a codec with the default timeouts.",
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
