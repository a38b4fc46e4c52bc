// Measures the real @fastify/secure-session. Each fact is a sentence and the code that shows it.
//
//   node node/facts.mjs             prints every fact; exits 1 if one does not hold
//   node node/facts.mjs a c3        only those whose name begins so
//   node node/facts.mjs --markdown  writes FACTS.md to stdout

import { strict as assert } from 'node:assert'
import { createHmac } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { box, open, peer, sessionOptions, setClock, sodium, token, valueOf, versions } from './peer.mjs'

const HEX = '07'.repeat(32)
const OLD = '09'.repeat(32)
const KEY = Buffer.from(HEX, 'hex')
const NOW = 1700000000
const PHRASE = 'averylogphrasebiggerthanthirtytwochars'
const sections = []
const facts = []
function section (letter, title) { sections.push({ letter, title }) }
function fact (name, text, check) { facts.push({ name, text, check }) }

const node = (config = {}, extra) => {
  const list = Array.isArray(config) ? config : [config]
  const options = list.map(c => sessionOptions(c.keys || c.key !== undefined || c.secret ? c : { keys: [HEX], ...c }))
  return peer(list.length === 1 ? options[0] : options, extra)
}
const b64 = (bytes, kind = 'base64') => bytes.toString(kind)
/** What Node makes of a Cookie header: its data, or why not. */
async function reads (header, config, extra) {
  const { status, error, reason, value, setCookie } = await (await node(config, extra)).use(session => session, header)
  if (status !== 200) return { status, error }
  if (reason !== null) return { refused: reason }
  const { __ts: _, ...data } = value.data()
  return { data, text: JSON.stringify(value.data()), ts: value.get('__ts'), changed: value.changed, sent: setCookie }
}
const accepts = async (...args) => (await reads(...args)).data !== undefined
/** What Node makes of a plaintext. */
const readsText = (plaintext, config, now = NOW) => {
  setClock(now)
  return reads(`session=${encodeURIComponent(token(plaintext, KEY))}`, config)
}
/** The plaintext of what Node writes for a handler. */
async function writes (handler, header, config) {
  const { setCookie } = await (await node(config)).use(handler, header)
  return open(valueOf(setCookie[0]), KEY)
}
const sends = async (handler, header, config) => (await (await node(config)).use(handler, header)).setCookie
const rejects = async options => {
  try {
    await peer(options)
  } catch (error) {
    return error.message
  }
}

/** A token whose base64 has + and / and padding in it, in parts. */
function sample (payload = '{"__ts":1700000000,"a":1}') {
  for (let n = 1; ; n++) {
    const { cipher, nonce } = box(payload, KEY, Buffer.alloc(24, n))
    const text = b64(cipher)
    if (/\+/.test(text) && /\//.test(text) && /=$/.test(text)) return { cipher, nonce }
    if (n === 255) {
      n = 0
      payload = payload.replace('"a":', '"ab":')
    }
  }
}
const S = sample()
const BOX = b64(S.cipher)
const NONCE = b64(S.nonce)
const A1 = JSON.parse('{"a":1}')

section('a', 'The spellings of the cookie that its decoder takes')
fact('a1', 'Node writes `encodeURIComponent(base64(box) ";" base64(nonce))`: `%2B %2F %3D %3B`, standard alphabet, padded.', async () => {
  setClock(NOW)
  for (let i = 0; i < 50; i++) {
    const [line] = await sends(s => s.set('a', 'x'.repeat(i)))
    assert.match(valueOf(line), /^([A-Za-z0-9]|%2B|%2F)+(%3D){0,2}%3B([A-Za-z0-9]|%2B|%2F){32,}$/)
  }
})
fact('a2', '`+ / =` unescaped are read.', () => accepts(`session=${BOX}%3B${NONCE}`))
fact('a3', 'Unpadded is read; so is one `=` of two.', async () =>
  await accepts(`session=${BOX.replace(/=+$/, '')}%3B${NONCE}`) && await accepts(`session=${BOX.replace(/=+$/, '')}=%3B${NONCE}`))
fact('a4', 'The url-safe alphabet is read, padded or not, even mixed with the standard one.', async () =>
  await accepts(`session=${b64(S.cipher, 'base64url')}%3B${b64(S.nonce, 'base64url')}`) &&
  await accepts(`session=${BOX.replace('+', '-')}%3B${NONCE}`) && await accepts(`session=${BOX.replace('/', '_')}%3B${NONCE}`))
fact('a5', '`;` may be `%3B` or `%3b`, and any other character may be escaped too, in either case of hex.', async () =>
  await accepts(`session=${BOX}%3b${NONCE}`) &&
  await accepts(`session=${[...`${BOX};${NONCE}`].map(c => '%' + c.charCodeAt(0).toString(16)).join('')}`))
fact('a6', 'A raw `;` is impossible: the header is split there first, what is left is "malformed".', async () =>
  (await reads(`session=${BOX};${NONCE}`)).refused === 'the cookie is malformed')
fact('a7', 'A value in double quotes is not unquoted, and still opens: the quotes are junk to the base64 decoder.', () => accepts(`session="${BOX}%3B${NONCE}"`))
fact('a8', 'Everything after a second `%3B` is ignored.', () => accepts(`session=${BOX}%3B${NONCE}%3Banything%3Bmore`))
fact('a9', 'Junk in the base64 is skipped: spaces, dots, `!`, `%00`, non-ASCII; and the bits of the last character that carry nothing may be anything.', async () => {
  for (const junk of ['.', '!', '%20', '%00', '%C3%BC', '%0A', '~']) assert(await accepts(`session=${BOX.slice(0, 5)}${junk}${BOX.slice(5)}%3B${NONCE}`), junk)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const bare = BOX.replace(/=+$/, '')
  const slack = bare.slice(0, -1) + alphabet[alphabet.indexOf(bare.at(-1)) + 1]
  assert(await accepts(`session=${slack}%3B${NONCE}`))
})
fact('a10', 'The first `=` ends the base64, wherever it stands: what follows it is ignored, be it more padding or anything. (Inside the box that cuts it short, and it does not open.)', async () => {
  const bare = BOX.replace(/=+$/, '')
  for (const tail of ['====', '=AAAA', '=.junk', '===QUJD']) assert(await accepts(`session=${bare}${tail}%3B${NONCE}${tail}`), tail)
  assert(!await accepts(`session=${BOX.slice(0, 6)}=${BOX.slice(6)}%3B${NONCE}`))
})
fact('a11', 'A broken percent-escape anywhere leaves the whole value undecoded: `%3B` is then three characters, and it is "malformed".', async () =>
  (await reads(`session=${BOX}%3B${NONCE}%zz`)).refused === 'the cookie is malformed')
fact('a12', 'The smallest cookie that Node reads back is `base64 unpadded(box) %3B base64(nonce)` with nothing else escaped: ⌈(16 + n)·4/3⌉ + 35 bytes for n bytes of JSON. 1,000 such cookies, of 27 to 426 bytes of JSON, all open; half are shorter than Node\'s by 15 bytes or more.', async () => {
  const app = await node()
  setClock(NOW)
  const saved = []
  for (let i = 0; i < 1000; i++) {
    const [line] = (await app.use(s => s.set('k', 'y'.repeat(i % 400)))).setCookie
    const wide = valueOf(line)
    const small = decodeURIComponent(wide).replace(/=/g, '').replace(';', '%3B')
    saved.push(wide.length - small.length)
    const n = Buffer.from(decodeURIComponent(wide).split(';')[0], 'base64').length
    assert.equal(small.length, Math.ceil(n * 4 / 3) + 35)
    const { value, reason } = await app.use(s => s.get('k'), `session=${small}`)
    assert.equal(reason, null)
    assert.equal(value, 'y'.repeat(i % 400))
  }
  saved.sort((a, b) => a - b)
  assert(saved[0] >= 0 && saved[500] >= 15)
})
fact('a13', 'Of two cookies of one name the first counts, also when it is junk.', async () => {
  const good = `session=${BOX}%3B${NONCE}`
  return !await accepts(`session=junk; ${good}`) && await accepts(`${good}; session=junk`)
})
fact('a14', 'Spaces and tabs round a value, and round the name, are trimmed; `;` without a space parts two cookies.', () => accepts(`x=1;\tsession =  ${BOX}%3B${NONCE} ;y=2`))
fact('a15', 'No length limit of its own: a 12 kB cookie goes out and comes back.', async () => {
  const [line] = await sends(s => s.set('a', 'x'.repeat(9000)))
  return valueOf(line).length > 12000 && accepts(`session=${valueOf(line)}`)
})

section('b', 'Signed cookies')
const hmac = (secret, value) => createHmac('sha256', secret).update(value).digest('base64').replace(/=/g, '')
const signingSecret = hex => {
  const out = Buffer.alloc(sodium.crypto_generichash_BYTES)
  sodium.crypto_generichash(out, Buffer.from(hex, 'hex'))
  return out.toString('hex')
}
const signed = (secret, value = `${BOX};${NONCE}`) => `session=${encodeURIComponent(`${value}.${hmac(secret, value)}`)}`
fact('b1', 'The value is `encodeURIComponent(token "." base64 standard, unpadded (HMAC-SHA256(secret, token)))`: the MAC is over the token before percent-encoding, 43 characters long.', async () => {
  const [line] = await sends(s => s.set('a', 1), undefined, { signed: true })
  const value = decodeURIComponent(valueOf(line))
  const dot = value.lastIndexOf('.')
  assert.equal(value.slice(dot + 1), hmac(signingSecret(HEX), value.slice(0, dot)))
  assert.equal(value.length - dot - 1, 43)
})
fact('b2', 'secret = the 64 lower-case hex digits (as ASCII) of unkeyed BLAKE2b-256 of key[0]. 07×32 gives `17cdc7bca3f2a0bda60c6de5b96f82a36239b44bde397a3862d529ba8b3d7c62`.', () =>
  signingSecret(HEX) === '17cdc7bca3f2a0bda60c6de5b96f82a36239b44bde397a3862d529ba8b3d7c62')
fact('b3', 'With `secret` (a passphrase) the signing secret is the passphrase itself, as UTF-8, not the derived key.', async () => {
  const [line] = await sends(s => s.set('a', 1), undefined, { secret: PHRASE, signed: true })
  const value = decodeURIComponent(valueOf(line))
  const dot = value.lastIndexOf('.')
  return value.slice(dot + 1) === hmac(PHRASE, value.slice(0, dot))
})
fact('b4', 'With several sessions in one registration ONE secret signs them all: that of the LAST session in the array (its key[0], or its passphrase).', async () => {
  for (const [last, secret] of [[{ sessionName: 'b', keys: [OLD] }, signingSecret(OLD)], [{ sessionName: 'b', secret: PHRASE }, PHRASE]]) {
    const [line] = await sends(s => s.set('a', 1), undefined, [{ sessionName: 'session', keys: [HEX], signed: true }, last])
    const value = decodeURIComponent(valueOf(line))
    const dot = value.lastIndexOf('.')
    assert.equal(value.slice(dot + 1), hmac(secret, value.slice(0, dot)))
  }
})
fact('b5', 'Where the app registered @fastify/cookie itself, with a `secret`, that one signs, and the session keys have no part in it. Without a `secret` there, a write is a 500, and so is a request with any cookie of that name.', async () => {
  const own = await node({ signed: true }, { cookieSecret: 'the app has its own' })
  const { setCookie: [line] } = await own.use(s => s.set('a', 1))
  const value = decodeURIComponent(valueOf(line))
  const dot = value.lastIndexOf('.')
  assert.equal(value.slice(dot + 1), hmac('the app has its own', value.slice(0, dot)))
  const none = await node({ signed: true }, { cookieSecret: null })
  assert.equal((await none.use(s => s.set('a', 1))).status, 500)
  assert.equal((await none.use(() => 1, 'session=any')).status, 500)
})
fact('b6', 'A small spelling of the token may be signed as it stands (unpadded, `+ /` unescaped): the MAC is over the characters that were sent.', async () => {
  const small = `${BOX.replace(/=+$/, '')};${NONCE}`
  return accepts(`session=${`${small}.${hmac(signingSecret(HEX), small)}`.replace(';', '%3B')}`, { signed: true })
})
fact('b7', 'The signature is compared as text: padded or url-safe it is not valid.', async () => {
  let value = `${BOX};${NONCE}`
  while (!/[+/]/.test(hmac(signingSecret(HEX), value))) value += ';'
  const mac = hmac(signingSecret(HEX), value)
  assert(await accepts(signed(signingSecret(HEX), value), { signed: true }))
  for (const bad of [mac + '=', mac.replace(/\+/g, '-').replace(/\//g, '_')]) {
    assert(!await accepts(`session=${encodeURIComponent(`${value}.${bad}`)}`, { signed: true }))
  }
})
fact('b8', 'A wrong signature of the usual length is refused, but only because it is then read as part of the nonce, which comes out too long. A cookie without its signature is accepted; so is one with a WRONG signature, if that stands behind a further `;` or a `=`, where nothing looks (`<token>=.AAAA…`), or is empty or one character.', async () => {
  const value = `${BOX};${NONCE}`
  const wrong = await reads(`session=${encodeURIComponent(`${value}.${'A'.repeat(43)}`)}`, { signed: true })
  assert.equal(wrong.refused, 'the nonce does not have the required length')
  for (const tail of ['', '.', '.A', `;.${'A'.repeat(43)}`, `=.${'A'.repeat(43)}`]) {
    assert(await accepts(`session=${encodeURIComponent(value + tail)}`, { signed: true }), tail)
  }
})
fact('b9', 'A signed cookie does not open where `signed` is off (same reason: the nonce is too long).', async () =>
  (await reads(signed(signingSecret(HEX)))).refused === 'the nonce does not have the required length')
fact('b10', 'On rotation ([new, old]) a signed cookie of the old key is refused: the signature is checked with the new secret alone. Unsigned, or stripped of its signature, it opens and is re-sealed.', async () => {
  const ring = { keys: [OLD, HEX], signed: true }
  assert(!await accepts(signed(signingSecret(HEX)), ring))
  const stripped = await reads(`session=${BOX}%3B${NONCE}`, ring)
  assert.equal(stripped.changed, true)
  assert.equal(stripped.sent.length, 1)
})
fact('b11', 'The removal of a signed cookie is not empty: `session=.<HMAC of the empty text>; Max-Age=0; …`.', async () => {
  const [line] = await sends(s => s.delete(), undefined, { signed: true })
  return decodeURIComponent(line).startsWith(`session=.${hmac(signingSecret(HEX), '')}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT;`)
})
fact('b12', '`session.options({signed: true})` signs one response; its cookie is then not read by the same server.', async () => {
  const [line] = await sends(s => { s.set('a', 1); s.options({ signed: true }) })
  return /\.[^.]{43}$/.test(decodeURIComponent(valueOf(line))) && !await accepts(`session=${valueOf(line)}`)
})

section('c', '`__ts` and expiry')
fact('c1', 'A session begun by the server has `__ts` first; `createSecureSession(data)` puts it last; in a re-seal it stays where it was. Integer-like keys go before it.', async () => {
  setClock(NOW)
  assert.equal(await writes(s => s.set('a', 1)), '{"__ts":1700000000,"a":1}')
  assert.equal(await writes(s => { s.set('b', 1); s.set('10', 2); s.set('9', 3) }), '{"9":3,"10":2,"__ts":1700000000,"b":1}')
  const app = await node()
  const made = app.app.encodeSecureSession(app.app.createSecureSession({ a: 1 }))
  assert.equal(open(made, KEY), '{"a":1,"__ts":1700000000}')
  const middle = `session=${encodeURIComponent(token('{"a":1,"__ts":1600000000,"b":2}', KEY))}`
  assert.equal(await writes(s => s.set('c', 3), middle, { expiry: 1e9 }), '{"a":1,"__ts":1700000000,"b":2,"c":3}')
})
fact('c2', '`__ts` = `Math.round(ms / 1000)`: half a second rounds up, so Node writes a `__ts` up to 0.5 s in the future.', async () => {
  setClock(NOW + 0.499)
  assert.equal(await writes(s => s.set('a', 1)), '{"__ts":1700000000,"a":1}')
  setClock(NOW + 0.5)
  assert.equal(await writes(s => s.set('a', 1)), '{"__ts":1700000001,"a":1}')
})
fact('c3', 'Expiry: read while now_ms < (`__ts` + expiry)·1000; refused at that millisecond. Default expiry 86401 s.', async () => {
  const at = (expiry, now) => readsText('{"__ts":1700000000,"a":1}', { expiry }, now)
  assert.deepEqual((await at(900, NOW + 899.999)).data, A1)
  assert.equal((await at(900, NOW + 900)).refused, 'expiry reached')
  assert.deepEqual((await at(undefined, NOW + 86400.999)).data, A1)
  assert.equal((await at(undefined, NOW + 86401)).refused, 'expiry reached')
})
fact('c4', 'A missing `__ts` is read and never expires: each read takes it as now, and sends nothing.', async () => {
  const found = await readsText('{"a":1}', { expiry: 900 }, 4e9)
  return found.ts === 4e9 && found.sent.length === 0
})
fact('c5', 'Never expires: `__ts` an object, a text ("1700000000" is joined to the expiry: "1700000000900"; a word is no number at all), [1700000000], 1e400.', async () => {
  for (const ts of ['{}', '"1700000000"', '"yesterday"', '[1700000000]', '[1,2]', '1e400', '{"a":1}']) {
    assert((await readsText(`{"__ts":${ts},"a":1}`, { expiry: 900 }, 4e9)).data, ts)
  }
})
fact('c6', 'Refused as expired: `__ts` null, true, false, "", [], 0, negative, a number in the past. Fractions count: 1700000000.25 lives a quarter of a second longer.', async () => {
  for (const ts of ['null', 'true', 'false', '""', '[]', '0', '-5', '-1e400', '"-5"']) {
    assert.equal((await readsText(`{"__ts":${ts},"a":1}`, { expiry: 900 })).refused, 'expiry reached', ts)
  }
  assert((await readsText('{"__ts":1700000000.25}', { expiry: 900 }, NOW + 900.2)).data)
  assert((await readsText('{"__ts":1700000000.25}', { expiry: 900 }, NOW + 900.25)).refused)
})
fact('c7', 'A future `__ts` is read, however far: a thousand seconds or 1e300.', async () => {
  assert((await readsText('{"__ts":1700001000}')).data)
  assert((await readsText('{"__ts":1e300}')).data)
})
fact('c8', 'Two `__ts`: the last one counts, and is written back at the place of the first.', async () => {
  const found = await readsText('{"__ts":1,"a":1,"__ts":1700000000}')
  assert.equal(found.ts, 1700000000)
  const header = `session=${encodeURIComponent(token('{"__ts":1,"a":1,"__ts":1700000000}', KEY))}`
  assert.equal(await writes(s => { s.changed = true }, header), '{"__ts":1700000000,"a":1}')
})
fact('c9', '`set("__ts", v)` overwrites the time, of any type; a session with `__ts` set to 1e12 lives on in Node.', async () => {
  assert.equal(await writes(s => s.set('__ts', 1e12)), '{"__ts":1000000000000}')
  assert.equal(await writes(s => s.set('__ts', { a: 1 })), '{"__ts":{"a":1}}')
})
fact('c10', 'A nested `__ts` is data like any other; `data()` and `regenerate` look at the top alone.', async () =>
  (await readsText('{"__ts":1700000000,"a":{"__ts":5}}')).text === '{"a":{"__ts":5}}')
fact('c11', '`expiry: 0` is 86401; "900" never expires; -1 refuses every session; a fraction counts (0.5 lives half a second).', async () => {
  const at = (expiry, now) => readsText('{"__ts":1700000000,"a":1}', { expiry }, now)
  assert((await at(0, NOW + 86400)).data)
  assert((await at('900', 4e9)).data)
  assert((await at(-1, NOW)).refused)
  assert((await at(0.5, NOW + 0.499)).data)
  assert((await at(0.5, NOW + 0.5)).refused)
})

section('d', 'JSON at the edges')
const trip = async plaintext => {
  setClock(NOW)
  return writes(s => s.touch(), `session=${encodeURIComponent(token(plaintext, KEY))}`, { expiry: 1e9 })
}
const T = '"__ts":1700000000'
fact('d1', 'A lone surrogate is written as an escape, `\\ud800` in lower-case hex, in values and in keys; a pair is written as UTF-8. Raw lone-surrogate bytes (ED A0 80) are read as three U+FFFD.', async () => {
  assert.equal(await writes(s => { s.set('a', '\ud800'); s.set('\udfff', '😀') }), `{${T},"a":"\\ud800","\\udfff":"😀"}`)
  assert.equal(await trip(`{${T},"a":"\\uD800"}`), `{${T},"a":"\\ud800"}`)
  const raw = Buffer.concat([Buffer.from(`{${T},"a":"`), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')])
  assert.deepEqual((await readsText(raw)).data, { a: '\ufffd\ufffd\ufffd' })
})
fact('d2', 'Invalid UTF-8 is read, as U+FFFD; a byte order mark in front is a 500.', async () => {
  const bad = Buffer.concat([Buffer.from(`{${T},"a":"`), Buffer.from([0xff]), Buffer.from('"}')])
  assert.deepEqual((await readsText(bad)).data, { a: '\ufffd' })
  assert.equal((await readsText('\ufeff{"__ts":1700000000}')).status, 500)
})
fact('d3', 'Depth: 128, 129 and 1,400 arrays in each other (as many as fit into a cookie) go both ways.', async () => {
  for (const depth of [128, 129, 1400]) {
    const text = `{${T},"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
    assert.equal(await trip(text), text)
  }
})
fact('d4', 'Node never writes 1e400 (Infinity and NaN become `null`); it reads 1e400 as Infinity and writes `null` back: the value is lost at the next write.', async () => {
  assert.equal(await writes(s => { s.set('a', Infinity); s.set('b', NaN); s.set('c', -Infinity) }), `{${T},"a":null,"b":null,"c":null}`)
  assert.equal((await readsText(`{${T},"a":1e400}`)).data.a, Infinity)
  assert.equal(await trip(`{${T},"a":1e400,"b":-1e400,"c":1e-400}`), `{${T},"a":null,"b":null,"c":0}`)
})
fact('d5', 'Duplicate keys: the last value counts, at the place of the first; Node never writes them.', async () =>
  await trip(`{${T},"a":1,"b":2,"a":3}`) === `{${T},"a":3,"b":2}`)
fact('d6', 'Integer-like keys (0 to 4294967294, no leading zero) are written first, in numeric order, at every depth, whatever order they came in; "01", "-1", "1.5", "4294967295" stay.', async () => {
  assert.equal(await trip(`{${T},"b":1,"10":1,"9":1,"01":1,"-1":1,"4294967295":1,"4294967294":1,"x":{"b":0,"1":0}}`),
    `{"9":1,"10":1,"4294967294":1,${T},"b":1,"01":1,"-1":1,"4294967295":1,"x":{"1":0,"b":0}}`)
})
fact('d7', '-0: written as `0`; `-0` and `-0.0` are read as -0, and written back as `0`.', async () => {
  assert.equal(await writes(s => s.set('a', -0)), `{${T},"a":0}`)
  assert(Object.is((await readsText(`{${T},"a":-0}`)).data.a, -0))
  assert.equal(await trip(`{${T},"a":-0,"b":-0.0}`), `{${T},"a":0,"b":0}`)
})
fact('d8', 'Integers beyond 2^53: read as the nearest double, and the ROUNDED value is written back on every write of the session, whichever key was set. u64::MAX 18446744073709551615 → 18446744073709552000, which is no u64 any more; i64::MAX 9223372036854775807 → 9223372036854776000, no i64 any more; 9007199254740993 → 9007199254740992. A read without a write changes nothing.', async () => {
  assert.equal((await readsText(`{${T},"a":18446744073709551615}`)).data.a, 18446744073709551616)
  assert.equal(await trip(`{${T},"a":18446744073709551615,"b":9223372036854775807,"c":-9223372036854775808,"d":9007199254740993,"e":9007199254740991}`),
    `{${T},"a":18446744073709552000,"b":9223372036854776000,"c":-9223372036854776000,"d":9007199254740992,"e":9007199254740991}`)
  assert.deepEqual(await sends(s => s.get('a'), `session=${encodeURIComponent(token(`{${T},"a":18446744073709551615}`, KEY))}`), [])
})
fact('d9', 'Number spellings are made canonical at a write: 1.0 → 1, 1e2 → 100, 1e21 → 1e+21 (a plus sign), 123456789012345680000 stays an integer of 21 digits, 1E5 → 100000, 0.1e-6 → 1e-7. An f64 2.0 that Rust wrote as `2.0` comes back as `2`.', async () => {
  assert.equal(await trip(`{${T},"a":1.0,"b":1e2,"c":1e21,"d":123456789012345678901,"e":1E5,"f":0.1e-6,"g":5e-324,"h":1.7976931348623157e308}`),
    `{${T},"a":1,"b":100,"c":1e+21,"d":123456789012345680000,"e":100000,"f":1e-7,"g":5e-324,"h":1.7976931348623157e+308}`)
})
fact('d10', 'Date → ISO text; undefined, functions and symbols → the key is left out (in an array: null); toJSON is called, with the key; Map and Set → {}; Buffer → {"type":"Buffer","data":[…]}; boxed values are unboxed; typed arrays → objects with index keys.', async () => {
  assert.equal(await writes(s => {
    s.set('a', new Date(0)); s.set('b', undefined); s.set('c', () => 1); s.set('d', Symbol('x')); s.set('e', [undefined, () => 1])
    s.set('f', { toJSON: key => 'json of ' + key }); s.set('g', new Map([[1, 2]])); s.set('h', Buffer.from([1, 2])); s.set('i', Object('x'))
    s.set('j', new Uint8Array([7])); s.set('k', new Date(NaN))
  }), `{${T},"a":"1970-01-01T00:00:00.000Z","e":[null,null],"f":"json of f","g":{},"h":{"type":"Buffer","data":[1,2]},"i":"x","j":{"0":7},"k":null}`)
})
fact('d11', 'A BigInt, or a circle, is a 500 of the whole response, at send; no cookie.', async () => {
  const circle = {}
  circle.self = circle
  for (const value of [1n, circle]) {
    const { status, setCookie } = await (await node()).use(s => s.set('a', value))
    assert.equal(status, 500)
    assert.deepEqual(setCookie, [])
  }
})
fact('d12', 'A top-level toJSON key that is a function replaces the whole payload: `set("toJSON", () => 5)` writes the text `5`, which is a 500 at the next request.', async () => {
  const text = await writes(s => s.set('toJSON', () => 5))
  return text === '5' && (await readsText(text)).status === 500
})
fact('d13', '`"__proto__"` in a payload is an own key of the data: get gives it, data() and a re-seal keep it. `set("__proto__", {…})` without one sets the prototype of the data instead: nothing is written, but get("x") finds its members on that request.', async () => {
  const header = `session=${encodeURIComponent(token(`{${T},"__proto__":{"x":1}}`, KEY))}`
  assert.equal(await writes(s => s.touch(), header), `{${T},"__proto__":{"x":1}}`)
  let seen
  assert.equal(await writes(s => { s.set('__proto__', { x: 1 }); seen = s.get('x') }), `{${T}}`)
  assert.equal(seen, 1)
})
fact('d14', 'get of a name that objects inherit finds it: get("toString") and get("constructor") are functions in an empty session, get("__proto__") an object.', async () => {
  await (await node()).use(s => {
    assert.equal(typeof s.get('toString'), 'function')
    assert.equal(typeof s.get('constructor'), 'function')
    assert.equal(typeof s.get('__proto__'), 'object')
  })
})
fact('d15', 'Keys named like members of the session (get, data, changed, deleted) work through get and set, not as properties; the empty key and keys with quotes, NUL and emoji work.', async () => {
  await (await node()).use(s => {
    s.set('changed', 'x')
    assert.equal(s.get('changed'), 'x')
    assert.equal(s.changed, true)
  })
  assert.equal(await writes(s => { for (const k of ['get', 'data', 'changed', 'deleted', '', '"\\', '\0', '😀']) s.set(k, 1) }),
    `{${T},"get":1,"data":1,"changed":1,"deleted":1,"":1,"\\"\\\\":1,"\\u0000":1,"😀":1}`)
})
fact('d16', 'A payload that is an array is read, has no expiry at all, and every re-seal drops `__ts` and named keys: `[1,2]` stays `[1,2]`. data() makes an object of it: {"0":1,"1":2}.', async () => {
  const found = await readsText('[1,2]', {}, 4e9)
  assert.equal(found.text, '{"0":1,"1":2}')
  assert.equal(await trip('[1,2]'), '[1,2]')
  assert.equal(await writes(s => s.set('a', 1), `session=${encodeURIComponent(token('[]', KEY))}`), '[]')
})
fact('d17', 'An authentic payload `null`, `1`, `true`, `"x"`, an empty one, or one that is not JSON is a 500; white space round the JSON is read.', async () => {
  for (const text of ['null', '1', 'true', '"x"', '', '{', 'abc', '{}x', "{'a':1}", '{"a":1,}']) assert.equal((await readsText(text)).status, 500, text)
  assert((await readsText(` {${T} }\n`)).data)
})
fact('d18', 'JSON.stringify escapes control characters as \\b \\t \\n \\f \\r or \\u00xx in lower-case hex; not `/`, DEL, U+2028, U+2029, `<`.', async () =>
  await writes(s => s.set('a', '\b\t\n\f\r\u0001\u001f/\u007f\u2028\u2029<')) === `{${T},"a":"\\b\\t\\n\\f\\r\\u0001\\u001f/\u007f\u2028\u2029<"}`)

section('e', 'Keys')
const derived = (secret, salt) => {
  const key = Buffer.alloc(32)
  sodium.crypto_pwhash(key, Buffer.from(secret), salt, sodium.crypto_pwhash_OPSLIMIT_MODERATE, sodium.crypto_pwhash_MEMLIMIT_MODERATE, sodium.crypto_pwhash_ALG_DEFAULT)
  return key
}
fact('e1', '`secret` + `salt` text (16 ASCII characters): `averylogphrasebiggerthanthirtytwochars` with `mq9hDxBVDbspDR6n` gives fa4edddde76d7a8f4a7d89b3a93effcc51d9e7bf176b6441c5d82a3b86c2f82b; Argon2id v1.3, t=3, m=268435456 bytes, p=1.', async () => {
  const key = derived(PHRASE, Buffer.from('mq9hDxBVDbspDR6n'))
  assert.equal(key.toString('hex'), 'fa4edddde76d7a8f4a7d89b3a93effcc51d9e7bf176b6441c5d82a3b86c2f82b')
  assert.equal(sodium.crypto_pwhash_ALG_DEFAULT, sodium.crypto_pwhash_ALG_ARGON2ID13)
  assert.equal(sodium.crypto_pwhash_OPSLIMIT_MODERATE, 3)
  assert.equal(sodium.crypto_pwhash_MEMLIMIT_MODERATE, 268435456)
  const [line] = await sends(s => s.set('a', 1), undefined, { secret: PHRASE, salt: 'mq9hDxBVDbspDR6n' })
  assert.match(open(valueOf(line), key), /"a":1/)
})
fact('e2', 'Without a salt: hex 9aaf610f10550dbb290d1ea72df153d6, which gives b26d7bb1252a79d7f24e1af3ba192dda3fb33e965905edcff87493ace649b67e.', async () => {
  const key = derived(PHRASE, Buffer.from('9aaf610f10550dbb290d1ea72df153d6', 'hex'))
  assert.equal(key.toString('hex'), 'b26d7bb1252a79d7f24e1af3ba192dda3fb33e965905edcff87493ace649b67e')
  const [line] = await sends(s => s.set('a', 1), undefined, { secret: PHRASE })
  assert.match(open(valueOf(line), key), /"a":1/)
})
fact('e3', 'A salt text is taken as Latin-1, one byte a character (the low byte of each UTF-16 unit): "ÿ" is FF, "Ā" is 00. A salt of another length than 16 is refused; a Buffer is taken as it is.', async () => {
  const salt = 'ÿĀ234567890abcde'
  const [line] = await sends(s => s.set('a', 1), undefined, { secret: PHRASE, salt })
  assert.match(open(valueOf(line), derived(PHRASE, Buffer.from('ff00' + Buffer.from('234567890abcde').toString('hex'), 'hex'))), /"a":1/)
  assert.equal(await rejects({ secret: PHRASE, salt: 'short' }), 'salt must be length 16')
})
fact('e4', 'A secret shorter than 32 bytes of UTF-8 is refused (bytes, not characters: 16 × "ü" is enough). No normalisation: "é" in its two forms are two keys.', async () => {
  assert.equal(await rejects({ secret: 'x'.repeat(31) }), 'secret must be at least 32 bytes')
  assert.equal(await rejects({ secret: 'ü'.repeat(16) }), undefined)
  const [line] = await sends(s => s.set('a', 1), undefined, { secret: PHRASE + '\u00e9' })
  const salt = Buffer.from('9aaf610f10550dbb290d1ea72df153d6', 'hex')
  assert.match(open(valueOf(line), derived(PHRASE + '\u00e9', salt)), /"a":1/)
  assert.throws(() => open(valueOf(line), derived(PHRASE + 'e\u0301', salt)))
})
fact('e5', '`key` wins over `secret` where both are given: the secret is not looked at, not even its length; the signing secret is the key\'s.', async () => {
  const [line] = await sends(s => s.set('a', 1), undefined, { keys: [HEX], secret: 'short', signed: true })
  const value = decodeURIComponent(valueOf(line))
  const dot = value.lastIndexOf('.')
  assert.match(open(value.slice(0, dot), KEY), /"a":1/)
  assert.equal(value.slice(dot + 1), hmac(signingSecret(HEX), value.slice(0, dot)))
})
fact('e6', 'A string key is base64, as Node decodes it: either alphabet, padded or not, white space (a key file\'s newline) and junk skipped. Any text of 43 letters and digits is a key.', async () => {
  const text = KEY.toString('base64')
  for (const key of [text, text + '\n', text.replace('=', ''), KEY.toString('base64url'), [text]]) {
    const [line] = await sends(s => s.set('a', 1), undefined, { key })
    assert.match(open(valueOf(line), KEY), /"a":1/)
  }
  assert.equal(await rejects({ key: 'thispassphraseofletterswastakenforakey12345' }), undefined)
})
fact('e7', 'A hex string is no key: 64 hex digits are 48 bytes of base64, "key must be 32 bytes" at start-up. In an array beside a good one it starts.', async () => {
  assert.equal(await rejects({ key: HEX }), 'key must be 32 bytes')
  assert.equal(await rejects({ key: [KEY, HEX] }), undefined)
})
fact('e8', 'Refused: no key, an empty array, a Uint8Array that is no Buffer (alone or in an array), an array of nothing but wrong lengths. Accepted: the all-zero key, one key twice, one good and one bad.', async () => {
  assert.equal(await rejects({}), 'key or secret must specified')
  assert.equal(await rejects({ key: [] }), 'key lengths must be 32 bytes')
  assert.equal(await rejects({ key: new Uint8Array(32) }), 'key must be a string or a Buffer')
  assert.equal(await rejects({ key: [new Uint8Array(32)] }), 'Key must be string or buffer')
  assert.equal(await rejects({ key: [Buffer.alloc(31)] }), 'key lengths must be 32 bytes')
  for (const key of [Buffer.alloc(32), [KEY, KEY], [KEY, Buffer.alloc(5)]]) assert.equal(await rejects({ key }), undefined)
})
fact('e9', 'With a good and a bad key every forged cookie of the right shape is a 500, a good one still opens; with the bad one first, all writes are 500.', async () => {
  const forged = `session=${encodeURIComponent(`${Buffer.alloc(40).toString('base64')};${NONCE}`)}`
  const bad = await peer({ key: [KEY, Buffer.alloc(5)] })
  assert.equal((await bad.use(() => 1, forged)).status, 500)
  assert.equal((await bad.use(() => 1, `session=${BOX}%3B${NONCE}`)).status, 200)
  assert.equal((await (await peer({ key: [Buffer.alloc(5), KEY] })).use(s => s.set('a', 1))).status, 500)
})
fact('e10', 'A shared key: one session\'s cookie opens as another\'s. Two sessions of one cookieName start, and where both change two lines go out, of which a browser keeps the last.', async () => {
  setClock(NOW)
  const two = await node([{ sessionName: 'session' }, { sessionName: 'b' }])
  const { value } = await two.use((_s, _a, request) => request.b.data(), `b=${BOX}%3B${NONCE}`)
  assert.equal(Object.values(value).length, 1)
  const same = await node([{ sessionName: 'p', cookieName: 'c' }, { sessionName: 'q', cookieName: 'c' }])
  const { setCookie } = await same.use((_s, _a, request) => { request.p.set('p', 1); request.q.set('q', 1); request.p.set('r', 1) })
  assert.deepEqual(setCookie.map(line => open(valueOf(line), KEY)), [`{${T},"p":1,"r":1}`, `{${T},"q":1}`])
})
fact('e11', 'genkey writes 32 raw bytes to stdout, no newline.', () => {
  const source = readFileSync(path.join(path.dirname(createRequire(import.meta.url).resolve('@fastify/secure-session')), 'genkey.js'), 'utf8')
  return /allocUnsafe\(sodium\.crypto_secretbox_KEYBYTES\)/.test(source) && /stdout\.write\(buf\)/.test(source)
})

section('f', 'Installing')
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
fact('f1', 'sodium-native comes with prebuilt binaries in the package itself (linux x64 and arm64, darwin, win32, android, ios): npm runs no install script, compiles and downloads nothing.', () => {
  const dir = path.dirname(createRequire(createRequire(import.meta.url).resolve('@fastify/secure-session')).resolve('sodium-native/package.json'))
  const { scripts } = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8'))
  assert.equal(scripts.install, undefined)
  assert(readdirSync(path.join(dir, 'prebuilds')).includes('linux-x64'))
  assert(existsSync(path.join(dir, 'prebuilds', `${process.platform}-${process.arch}`, 'sodium-native.node')))
})
fact('f2', 'The lock file names no registry, and every package in it has its hash.', () => {
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'))
  for (const [name, entry] of Object.entries(lock.packages)) {
    if (name === '') continue
    assert.equal(entry.resolved, undefined, name)
    assert.match(entry.integrity, /^sha512-/, name)
  }
})
fact('f3', 'cookie 2 says that it needs Node 22, and npm warns (EBADENGINE) on Node 20; @fastify/cookie 11.1.5 imports it so that Node 20 runs it. No choice of ours avoids it: fastify itself depends on it, through light-my-request.', () =>
  versions().cookie.startsWith('2.') && Number(process.version.slice(1).split('.')[0]) >= 20)

section('g', 'What Set-Cookie says')
const ATTRIBUTES = 'HttpOnly; SameSite=Lax'
fact('g1', 'By default: `HttpOnly; SameSite=Lax`, no Path, Domain, Secure or Max-Age. (SameSite=Lax comes from @fastify/cookie 11; `sameSite: false` takes it away.)', async () => {
  const [line] = await sends(s => s.set('a', 1))
  assert.equal(line.split('; ').slice(1).join('; '), ATTRIBUTES)
  const [bare] = await sends(s => s.set('a', 1), undefined, { cookie: { sameSite: false, httpOnly: false } })
  assert.equal(bare.split('; ').length, 1)
})
fact('g2', '`options({maxAge: 60})` adds `Max-Age=60` to that one response; alone it sends nothing; called twice, the last call replaces the first whole; it is merged over the configured cookie options.', async () => {
  assert.deepEqual(await sends(s => s.options({ maxAge: 60 })), [])
  const [line] = await sends(s => { s.options({ maxAge: 60 }); s.touch() }, undefined, { cookie: { path: '/x', maxAge: 5 } })
  assert.match(line, /; Max-Age=60; Path=\/x; HttpOnly; SameSite=Lax$/)
  const [twice] = await sends(s => { s.options({ maxAge: 60 }); s.options({ path: '/y' }); s.touch() })
  assert.match(twice, /; Path=\/y; HttpOnly; SameSite=Lax$/)
  assert(!twice.includes('Max-Age'))
})
fact('g3', 'maxAge changes nothing inside the seal: the session expires by `expiry` all the same. A maxAge that is no safe integer is a 500.', async () => {
  setClock(NOW)
  const [line] = await sends(s => { s.options({ maxAge: 1e8 }); s.set('a', 1) })
  assert.equal(open(valueOf(line), KEY), `{${T},"a":1}`)
  assert.equal((await (await node()).use(s => { s.options({ maxAge: 1.5 }); s.touch() })).status, 500)
})
fact('g4', 'Reading sends nothing, ever. touch sends, with a new `__ts`, also an empty session `{"__ts":…}`. set of the value that is there sends. Changing a nested value in place sends nothing and is lost, unless something else marks the session.', async () => {
  setClock(NOW + 10)
  const header = `session=${encodeURIComponent(token(`{${T},"u":{"n":1}}`, KEY))}`
  assert.deepEqual(await sends(s => s.get('u'), header), [])
  assert.equal(await writes(s => s.touch(), header), '{"__ts":1700000010,"u":{"n":1}}')
  assert.equal(await writes(s => s.touch()), '{"__ts":1700000010}')
  assert.deepEqual(await sends(s => { s.get('u').n = 2 }, header), [])
  assert.equal(await writes(s => { s.get('u').n = 2; s.touch() }, header), '{"__ts":1700000010,"u":{"n":2}}')
})
fact('g5', 'regenerate() empties the session, keeps no key but `__ts`, which is renewed, and SENDS the empty session: the cookie is not removed. regenerate(["a"]) keeps a; an argument that is no array keeps nothing; unknown names are ignored. Order and place of `__ts` stay.', async () => {
  setClock(NOW + 10)
  const header = `session=${encodeURIComponent(token(`{"a":1,${T},"b":2}`, KEY))}`
  assert.equal(await writes(s => s.regenerate(), header), '{"__ts":1700000010}')
  assert.equal(await writes(s => s.regenerate(['a', 'zz']), header), '{"a":1,"__ts":1700000010}')
  assert.equal(await writes(s => s.regenerate('a'), header), '{"__ts":1700000010}')
})
fact('g6', 'delete sends `session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT` and the configured attributes, also where there was no cookie; a set after it is lost, a regenerate too; get and data() after it still give the old data.', async () => {
  setClock(NOW)
  const gone = 'session=; Max-Age=0; Path=/x; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax'
  const config = { cookie: { path: '/x', secure: true } }
  assert.deepEqual(await sends(s => s.delete(), undefined, config), [gone])
  assert.deepEqual(await sends(s => { s.delete(); s.set('a', 1); s.regenerate() }, undefined, config), [gone])
  const header = `session=${BOX}%3B${NONCE}`
  const { value } = await (await node()).use(s => { s.delete(); return s.data() }, header)
  assert.equal(Object.values(value)[0], 1)
})
fact('g7', 'A session whose data is empty is a session like any other: `{"__ts":…}` is sent and read back. set(key, undefined) leaves it so; it is the only way to remove one key.', async () => {
  setClock(NOW)
  const text = await writes(s => { s.set('a', 1); s.set('a', undefined) })
  assert.equal(text, `{${T}}`)
  return (await readsText(text)).text === '{}'
})
fact('g8', 'A cookie that does not open leads to an empty session and sends nothing: the bad cookie stays in the browser until the next write.', async () =>
  (await sends(s => s.get('a'), 'session=junk')).length === 0)
fact('g9', 'A cookie of an older key is re-sealed on every request that shows it, read or not, and keeps `__ts`; all else of the payload is parsed and written anew (see d5 to d9).', async () => {
  setClock(NOW + 10)
  const header = `session=${BOX}%3B${NONCE}`
  const [line] = await sends(() => 1, header, { keys: [OLD, HEX] })
  return open(valueOf(line), Buffer.from(OLD, 'hex')).startsWith('{"__ts":1700000000,')
})
fact('g10', 'No `Vary`, no `Cache-Control` beside it. Several sessions: one Set-Cookie line each, in the order of registration, only for those that changed.', async () => {
  const two = await node([{ sessionName: 'session' }, { sessionName: 'b', keys: [OLD] }])
  const { setCookie } = await two.use((s, _a, request) => { request.b.set('x', 1); s.set('y', 1) })
  assert.deepEqual(setCookie.map(line => line.split('=')[0]), ['session', 'b'])
  assert.equal((await two.use((_s, _a, request) => request.b.touch())).setCookie.length, 1)
})

setClock(NOW)
const args = process.argv.slice(2)
const markdown = args.includes('--markdown')
const wanted = args.filter(arg => !arg.startsWith('-'))
const chosen = facts.filter(({ name }) => wanted.length === 0 || wanted.some(arg => name === arg || (/^[a-z]$/.test(arg) && name[0] === arg)))
if (markdown) {
  const list = Object.entries(versions()).map(([name, version]) => `${name} ${version}`).join(', ')
  console.log(`# What the real peer does, measured

Each line is a test of \`node/facts.mjs\`, which prints it and exits non-zero if it does not hold.
After \`npm ci\` in this folder: \`node node/facts.mjs\` for all, \`node node/facts.mjs a\` for a section,
\`node node/facts.mjs d8\` for one. This file is the output of \`node node/facts.mjs --markdown\`.

Measured with ${list}.`)
}
let failed = chosen.length === 0 ? 1 : 0
for (const { letter, title } of sections) {
  const here = chosen.filter(({ name }) => name[0] === letter)
  if (here.length === 0) continue
  console.log(markdown ? `\n## ${letter}. ${title}\n` : `\n${letter}. ${title}`)
  for (const { name, text, check } of here) {
    setClock(NOW)
    let wrong = ''
    try {
      const held = await check()
      // A check asserts, or says true.
      if (held !== undefined && held !== true) wrong = 'is not so'
    } catch (error) {
      wrong = error.message
    }
    if (wrong !== '') failed++
    console.log(markdown
      ? `- **${name}** ${text} \`node node/facts.mjs ${name}\`${wrong === '' ? '' : ` **DOES NOT HOLD: ${wrong}**`}`
      : `${wrong === '' ? 'ok  ' : 'FAIL'} ${name} ${text}${wrong === '' ? '' : `\n     ${wrong}`}`)
  }
}
process.exit(failed === 0 ? 0 : 1)
