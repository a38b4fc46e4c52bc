// Writes tests/vectors/fastify.json: what the real plugin wrote, and what it makes of cookies that it
// would not write. Rust's tests read it and need no Node.
//
//   node node/vectors.mjs            writes the file
//   node node/vectors.mjs --check    exits 1 if the file is not what the installed plugin gives
//
// It gives the same file each time: keys and clock are fixed, and the nonces, which the plugin asks
// sodium-native for, are BLAKE2b-192 of a counter.

import { readFileSync, writeFileSync } from 'node:fs'
import { box, peer, sessionOptions, setClock, sodium, token, valueOf, versions } from './peer.mjs'

const FILE = new URL('../../vectors/fastify.json', import.meta.url)
const NOW = 1700000000
const EXPIRY = 86401
const [K1, K2, K3] = ['07', '09', 'c3'].map(byte => byte.repeat(32))
const REAL = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff'
const PHRASE = 'averylogphrasebiggerthanthirtytwochars'
const SALT = 'mq9hDxBVDbspDR6n'
const DEFAULT_SALT = '9aaf610f10550dbb290d1ea72df153d6'

let count = 0
sodium.randombytes_buf = out => {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(count++))
  sodium.crypto_generichash(out, counter)
}
const key = hex => Buffer.from(hex, 'hex')

const peers = new Map()
async function peerFor (config) {
  const id = JSON.stringify(config)
  if (!peers.has(id)) peers.set(id, await peer(config.map(sessionOptions)))
  return peers.get(id)
}
const KEYING = ['keys', 'secret', 'salt']
function config ({ expiry, signed, sessionName, ...rest }) {
  const keying = Object.fromEntries(KEYING.filter(name => rest[name] !== undefined).map(name => [name, rest[name]]))
  return { ...keying, expiry, signed, sessionName }
}

/** What Node makes of a cookie. */
async function ask (vector) {
  setClock(vector.now)
  const node = await peerFor([config(vector)])
  const { status, reason, value, setCookie } = await node.use(session => ({
    data: JSON.stringify(session.data()),
    ts: session.get('__ts')
  }), `session=${vector.cookie}`)
  // What it threw is worded by the version of Node.
  if (status !== 200) return { accepted: false, status }
  if (reason !== null) return { accepted: false, reason }
  return { accepted: true, data: value.data, ts: value.ts ?? null, reseals: setCookie.length > 0 }
}

const written = []
const lax = []
/** A cookie that the plugin wrote. `run` is the handler. */
async function wrote (name, run, { note, keys = [K1], secret, salt, signed = false, at = NOW, cookieHeader, then = {} } = {}) {
  const keying = secret === undefined ? { keys } : { secret, salt }
  setClock(at)
  const node = await peerFor([config({ ...keying, expiry: EXPIRY, signed })])
  const { setCookie, status } = await node.use(run, cookieHeader)
  if (status !== 200) throw new Error(`${name}: ${status}`)
  const cookie = valueOf(setCookie[0])
  const vector = { name, ...keying, cookie, now: at, expiry: EXPIRY, signed, ...then }
  written.push({ ...vector, node: await ask(vector), note: note ?? '' })
  return cookie
}
/** A plaintext that the plugin wrote of this data: set key by key, as handlers do. */
const of = (name, data, options) => wrote(name, session => { for (const k of Object.keys(data)) session.set(k, data[k]) }, options)
/** The same of a JSON text, whose `__ts` may stand anywhere. */
const ofText = (name, json, options) => wrote(name, (_session, app, request) => {
  request.session = app.createSecureSession(JSON.parse(json))
  request.session.changed = true
}, options)
/** A cookie that the plugin would not write, and what it makes of it. */
async function forged (name, cookie, note, { keys = [K1], secret, salt, signed = false, now = NOW, expiry = EXPIRY } = {}) {
  const keying = secret === undefined ? { keys } : { secret, salt }
  const vector = { name, ...keying, cookie, now, expiry, signed }
  lax.push({ ...vector, node: await ask(vector), note })
}
const nonce = () => {
  const out = Buffer.alloc(24)
  sodium.randombytes_buf(out)
  return out
}
const sealed = plaintext => encodeURIComponent(token(plaintext, key(K1), nonce()))

// --- All JSON shapes
const T = `"__ts":${NOW}`
await of('one number', { a: 1 })
await wrote('an empty session', session => session.touch())
await of('null, true, false', { a: null, b: true, c: false })
await of('numbers', { a: 0, b: -1, c: 1.5, d: -0.25, e: 1e21, f: 1e-7, g: 5e-324, h: Number.MAX_VALUE, i: 123456789012345680000 })
await of('safe integers', { a: Number.MAX_SAFE_INTEGER, b: Number.MIN_SAFE_INTEGER, c: 4294967295, d: 2147483648 })
await of('integers beyond 2^53', { a: 2 ** 53, b: 2 ** 63, c: 2 ** 64, d: -(2 ** 63) }, { note: '2^63 and 2^64 as Node spells them: 9223372036854776000, 18446744073709552000' })
await of('minus zero', { a: -0 }, { note: 'written as 0' })
await of('NaN and infinities', { a: NaN, b: Infinity, c: -Infinity }, { note: 'written as null' })
await of('texts', { a: '', b: 'x', c: 'with "quotes", \\ and /', d: '\b\t\n\f\r\u0000\u001f\u007f', e: '\u2028\u2029' })
await of('Unicode', { a: 'Grüße', b: '日本語', c: '😀👩‍👩‍👧', d: 'e\u0301 and é', 'ключ': 1, '😀': 2, f: '\ufeff\ufffd\uffff' })
await of('lone surrogates', { a: '\ud800', b: 'x\udfffy', '\udabc': 1 }, { note: 'written as \\udxxx escapes, also in a key' })
await of('arrays', { a: [], b: [1, 'x', null, [true, [{}]]], c: [undefined, 1] })
await of('objects', { a: {}, b: { c: { d: { e: 1 } } }, f: { g: [] } })
await of('dates', { a: new Date(0), b: new Date(NOW * 1000), c: new Date(NaN), d: new Date(-62198755200000), e: new Date(8.64e15) }, { note: 'ISO text; an invalid date is null' })
await of('undefined and functions', { a: undefined, b: 1, c: () => 1, d: Symbol('x') }, { note: 'left out' })
await of('buffers and maps', { a: Buffer.from([1, 255]), b: new Map([[1, 2]]), c: new Uint8Array([7]) })
await of('integer-like keys', { b: 1, 10: 2, 9: 3, '01': 4, 4294967294: 5, 4294967295: 6, x: { b: 1, 2: 2, 1: 3 } }, { note: 'they stand before __ts' })
await of('unusual keys', { '': 1, ' ': 2, '"\\': 3, '\u0000': 4, get: 5, changed: 6, constructor: 7, toString: 8, __ts2: 9 })
await ofText('an own key __proto__', `{${T},"__proto__":{"x":1},"a":1}`)
await of('a nested __ts', { a: { __ts: 5 }, b: [{ __ts: 6 }] }, { note: 'data like any other' })
await of('an HTML text', { a: '<script>alert("&amp;")</script>' })
await of('a login', { user: { id: 7, name: 'Ada', roles: ['admin', 'editor'] }, csrf: '3f9c1f0e', lang: 'de' })
for (const depth of [127, 128, 129, 1000]) {
  await of(`arrays ${depth} deep`, { a: JSON.parse('['.repeat(depth) + ']'.repeat(depth)) })
  if (depth < 1000) await of(`objects ${depth} deep`, { a: JSON.parse('{"a":'.repeat(depth) + '1' + '}'.repeat(depth)) })
}

// --- __ts at several positions, and its rounding
await ofText('__ts last', '{"a":1,"b":2}', { note: 'createSecureSession appends it' })
await ofText('__ts in the middle', `{"a":1,${T},"b":2}`)
await ofText('__ts first', `{${T},"a":1}`)
await ofText('__ts alone', '{}')
await ofText('__ts behind integer-like keys', '{"1":1,"a":2}')
await of('rounded up: __ts half a second in the future', { a: 1 }, { at: NOW + 0.5 })
await of('rounded down', { a: 1 }, { at: NOW + 0.499 })
await of('the last millisecond', { a: 1 }, { then: { now: NOW + EXPIRY - 0.001 } })
await of('expired to the millisecond', { a: 1 }, { then: { now: NOW + EXPIRY } })
await of('a short expiry, last millisecond', { a: 1 }, { then: { expiry: 900, now: NOW + 899.999 } })
await of('a short expiry, over', { a: 1 }, { then: { expiry: 900, now: NOW + 900 } })
await of('long ago, long expiry', { a: 1 }, { at: 1, then: { expiry: 2147483647, now: NOW } })

// --- Sizes: each length of JSON modulo 3, so each padding; up to a cookie of 4096 bytes
for (const n of [0, 1, 2, 3, 15, 16, 17, 63, 64, 65, 255, 256, 1000, 2000]) await of(`a text of ${n}`, { a: 'x'.repeat(n) })
async function largest (fill) {
  for (let n = 3100; ; n--) {
    const mark = count
    setClock(NOW)
    const node = await peerFor([config({ keys: [K1], expiry: EXPIRY, signed: false })])
    const { setCookie: [line] } = await node.use(session => session.set('a', fill(n)))
    if ('session'.length + valueOf(line).length <= 4096) {
      count = mark
      return n
    }
    count = mark
  }
}
for (const [name, fill] of [['ASCII', n => 'x'.repeat(n)], ['emoji', n => '😀'.repeat(n >> 2)]]) {
  const n = await largest(fill)
  await of(`the largest of ${name} whose name and value are at most 4096 bytes`, { a: fill(n) })
}

// --- Keys
for (const [name, hex] of [['K1', K1], ['K2', K2], ['K3', K3], ['a key of distinct bytes', REAL]]) await of(`under ${name}`, { a: 1, b: 'ü' }, { keys: [hex] })
await of('a ring: the first seals', { a: 1 }, { keys: [K2, K1], then: { keys: [K2] } })
await of('a ring: an older key opens, and is re-sealed', { a: 1 }, { keys: [K1], then: { keys: [K2, K1] } })
await of('a ring: the third opens', { a: 1 }, { keys: [K3], then: { keys: [K2, K1, K3] } })
await of('not of this key', { a: 1 }, { keys: [K3], then: { keys: [K2, K1] } })
{
  const old = await wrote('before a re-seal', session => session.set('a', 1), { keys: [K1], at: NOW - 100 })
  await wrote('after a re-seal: __ts is kept', () => {}, { keys: [K2, K1], cookieHeader: `session=${old}`, then: { keys: [K2] } })
}
await of('a passphrase with a salt', { a: 1 }, { secret: PHRASE, salt: SALT, note: 'key fa4edddde76d7a8f4a7d89b3a93effcc51d9e7bf176b6441c5d82a3b86c2f82b' })
await of('a passphrase with the default salt', { a: 1 }, { secret: PHRASE, note: `salt ${DEFAULT_SALT}, key b26d7bb1252a79d7f24e1af3ba192dda3fb33e965905edcff87493ace649b67e` })
await of('a passphrase that is not ASCII', { a: 1 }, { secret: 'Grüße, 日本語 und ein Geheimnis 😀', salt: SALT, note: 'its UTF-8' })
await of('a salt that is not ASCII', { a: 1 }, { secret: PHRASE, salt: 'ÿü23456789abcdef', note: 'Latin-1: the salt begins with the bytes ff fc' })

// --- Signed
await of('signed', { a: 1 }, { signed: true })
await wrote('signed, empty', session => session.touch(), { signed: true })
await of('signed, Unicode', { a: 'Grüße 😀' }, { signed: true })
await of('signed, under a key of distinct bytes', { a: 1 }, { signed: true, keys: [REAL] })
await of('signed, a passphrase signs with itself', { a: 1 }, { signed: true, secret: PHRASE, salt: SALT })
await of('signed, a passphrase that is not ASCII', { a: 1 }, { signed: true, secret: 'Grüße, 日本語 und ein Geheimnis 😀', salt: SALT })
for (const n of [1, 2, 3, 500]) await of(`signed, a text of ${n}`, { a: 'x'.repeat(n) }, { signed: true })
await of('signed by the first key of a ring', { a: 1 }, { signed: true, keys: [K2, K1], then: { keys: [K2] } })
await of('signed by an older key', { a: 1 }, { signed: true, keys: [K1], then: { keys: [K2, K1] }, note: 'Node drops the session: it checks the signature with the first key alone' })
await of('signed, expired', { a: 1 }, { signed: true, then: { now: NOW + EXPIRY } })
{
  setClock(NOW)
  const node = await peerFor([
    { sessionName: 'session', keys: [K1], expiry: EXPIRY, signed: true },
    { sessionName: 'b', keys: [K2], expiry: EXPIRY }
  ])
  const run = session => session.set('a', 1)
  const cookie = valueOf((await node.use(run)).setCookie[0])
  const { reason } = await node.use(() => {}, `session=${cookie}`)
  if (reason !== null) throw new Error(`one of two sessions: ${reason}`)
  const alone = { name: 'signed, one of two sessions', keys: [K1], cookie, now: NOW, expiry: EXPIRY, signed: true }
  written.push({ ...alone, signing_keys: [K2], node: await ask(alone), note: 'where one registration has several sessions, the key of the LAST one signs all (here signing_keys), and that registration reads this cookie; a server that has this session alone refuses it' })
}

// --- The spellings of one token, all of them read
{
  const find = payload => {
    for (;;) {
      const n = nonce()
      const { cipher } = box(payload, key(K1), n)
      const [c, m] = [cipher.toString('base64'), n.toString('base64')]
      if (/\+/.test(c) && /\//.test(c) && /=$/.test(c) && /\+/.test(m) && /\//.test(m)) return { c, m, cipher, n }
    }
  }
  const { c, m, cipher, n } = find(`{${T},"a":1}`)
  const two = find(`{${T},"abc":1}`)
  const bare = c.replace(/=+$/, '')
  const wide = encodeURIComponent(`${c};${m}`)
  const small = `${bare}%3B${m}`
  await forged('spelling: as Node writes it', wide, 'strict')
  await forged('nonce of ones, key of sevens', encodeURIComponent(token('{"__ts":1700000000,"a":1}', key(K1), Buffer.alloc(24, 1))), 'strict: any implementation can make this one')
  await forged('spelling: lower-case percent-escapes', wide.replace(/%../g, hex => hex.toLowerCase()), 'strict')
  await forged('spelling: nothing escaped but the semicolon', `${c}%3B${m}`, 'strict')
  await forged('spelling: the same, %3b', `${c}%3b${m}`, 'strict')
  await forged('spelling: unpadded', small, 'strict: the smallest that Node reads')
  await forged('spelling: escaped, unpadded', encodeURIComponent(`${bare};${m}`), 'strict')
  await forged('spelling: url-safe, unpadded', `${cipher.toString('base64url')}%3B${n.toString('base64url')}`, 'lax: Node writes the standard alphabet alone')
  await forged('spelling: url-safe, padded', `${c.replace(/\+/g, '-').replace(/\//g, '_')}%3B${m}`, 'lax: Node writes the standard alphabet alone')
  await forged('spelling: both alphabets in one', `${c.replace('+', '-')}%3B${m}`, 'lax')
  await forged('spelling: letters escaped', wide.replace(/^./, x => '%' + x.charCodeAt(0).toString(16)), 'lax: no writer escapes letters')
  await forged('spelling: every character escaped', [...`${c};${m}`].map(x => '%' + x.charCodeAt(0).toString(16).toUpperCase()).join(''), 'lax')
  await forged('spelling: a raw semicolon', `${c};${m}`, 'impossible: the Cookie header ends there')
  await forged('spelling: in double quotes', `"${small}"`, 'lax: Node does not unquote, but skips the quotes as junk')
  await forged('spelling: one = too many', `${c}=%3B${m}`, 'lax')
  await forged('spelling: one = of two', `${two.c.slice(0, -1)}%3B${two.m}`, 'lax')
  await forged('spelling: two = as they are due', `${two.c}%3B${two.m}`, 'strict')
  await forged('spelling: unpadded, two = left out', `${two.c.slice(0, -2)}%3B${two.m}`, 'strict')
  await forged('spelling: no semicolon', c, 'refused')
  await forged('spelling: double-escaped', encodeURIComponent(wide), 'refused')
  await forged('spelling: a broken escape behind it', `${small}%zz`, 'refused: the whole value stays undecoded')
  await forged('spelling: a third part', `${small}%3Bjunk`, 'lax: what follows a second semicolon is ignored')
  await forged('spelling: a semicolon behind it', `${small}%3B`, 'lax')
  await forged('spelling: a semicolon before it', `%3B${small}`, 'refused')

  // Junk in the base64
  for (const [name, junk] of [['a dot', '.'], ['an exclamation mark', '!'], ['a space', '%20'], ['a newline', '%0A'], ['a NUL', '%00'], ['an umlaut', '%C3%BC'], ['a tilde', '~']]) {
    await forged(`junk: ${name} in the box`, `${bare.slice(0, 6)}${junk}${bare.slice(6)}%3B${m}`, 'lax')
    await forged(`junk: ${name} in the nonce`, `${bare}%3B${m.slice(0, 6)}${junk}${m.slice(6)}`, 'lax')
  }
  await forged('junk: behind the padding of the box', `${bare}=QUJD%3B${m}`, 'lax: the first = ends the base64')
  await forged('junk: behind a padding of the nonce', `${bare}%3B${m}=QUJD`, 'lax')
  await forged('junk: padding inside the box', `${bare.slice(0, 8)}=${bare.slice(8)}%3B${m}`, 'refused: cut short')
  await forged('junk: = before the nonce', `${bare}%3B=${m}`, 'refused: no nonce')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  for (const [text, free, nonceText] of [[bare, 4, m], [two.c.slice(0, -2), 16, two.m]]) {
    for (let i = 1; i < free; i++) {
      const last = alphabet[alphabet.indexOf(text.at(-1)) + i]
      await forged(`slack bits: ${i} of ${free - 1} in the last character`, `${text.slice(0, -1)}${last}%3B${nonceText}`, 'lax: the bits carry nothing')
    }
  }
  await forged('nonce of 23 bytes', `${bare}%3B${n.subarray(0, 23).toString('base64')}`, 'refused')
  await forged('nonce of 25 bytes', `${bare}%3B${Buffer.concat([n, Buffer.alloc(1)]).toString('base64')}`, 'refused')
  await forged('a single character behind a whole nonce', `${bare}%3B${m}A`, 'lax: six bits that make no byte')
  await forged('a box of 15 bytes', `${Buffer.alloc(15).toString('base64')}%3B${m}`, 'refused')
  await forged('a box of 16 bytes, forged', `${Buffer.alloc(16).toString('base64')}%3B${m}`, 'refused')
  const flipped = Buffer.from(cipher)
  flipped[20] ^= 1
  await forged('one bit of the box flipped', `${flipped.toString('base64')}%3B${m}`, 'refused')
  await forged('empty', '', 'refused')
}

// --- __ts
for (const [name, ts] of [
  ['a text of digits', '"1700000000"'], ['a word', '"soon"'], ['an empty text', '""'], ['an object', '{}'], ['an array', '[]'],
  ['an array of the time', '[1700000000]'], ['null', 'null'], ['true', 'true'], ['false', 'false'], ['zero', '0'], ['negative', '-1'],
  ['a fraction', '1700000000.25'], ['an exponent', '1.7e9'], ['spelt 1700000000.0', '1700000000.0'], ['in milliseconds', '1700000000000'], ['1e300', '1e300'], ['1e400', '1e400'],
  ['u64::MAX', '18446744073709551615'], ['a year in the future', '1731536000'], ['61 s in the future', '1700000061'], ['60 s in the future', '1700000060'],
  ['1 s in the future', '1700000001'], ['one second too old', '1699913599'], ['just not too old', '1699913600']
]) await forged(`__ts: ${name}`, sealed(`{"__ts":${ts},"a":1}`), '')
await forged('__ts: missing', sealed('{"a":1}'), 'Node never expires it')
await forged('__ts: missing, read in the year 2096', sealed('{"a":1}'), 'Node never expires it', { now: 4e9 })
await forged('__ts: a text, read in the year 2096', sealed('{"__ts":"1700000000","a":1}'), 'Node never expires it', { now: 4e9 })
await forged('__ts: an object, read in the year 2096', sealed('{"__ts":{},"a":1}'), 'Node never expires it', { now: 4e9 })
await forged('__ts: missing at the top, there in a value', sealed(`{"a":{${T}}}`), 'Node never expires it', { now: 4e9 })
await forged('__ts: twice, the last one good', sealed(`{"__ts":1,"a":1,${T}}`), 'the last counts')
await forged('__ts: twice, the last one old', sealed(`{${T},"a":1,"__ts":1}`), 'the last counts')
await forged('__ts: its name spelt with an escape', sealed(`{"\\u005f_ts":${NOW},"a":1}`), 'the same name')

// --- The payload
for (const [name, text] of [
  ['null', 'null'], ['1', '1'], ['true', 'true'], ['a text', '"x"'], ['empty', ''], ['not JSON', 'hello'], ['half an object', `{${T}`], ['an object and more', `{${T}}x`],
  ['two objects', `{${T}}{}`], ['a trailing comma', `{${T},}`], ['single quotes', "{'__ts':1700000000}"], ['a comment', `{${T}/**/}`], ['NaN', `{${T},"a":NaN}`], ['leading zero', `{${T},"a":01}`],
  ['a byte order mark', `\ufeff{${T}}`], ['an array', '[1,2]'], ['an empty array', '[]'], ['an array with an object', `[{${T}}]`],
  ['white space round it', ` \t\r\n{ "__ts" : ${NOW} , "a" : [ 1 , 2 ] } \n`], ['duplicate keys', `{${T},"a":1,"b":2,"a":3}`], ['duplicate keys, one escaped', `{${T},"a":1,"\\u0061":3}`],
  ['1e400', `{${T},"a":1e400,"b":-1e400}`], ['1e-400', `{${T},"a":1e-400}`], ['minus zero', `{${T},"a":-0,"b":-0.0}`], ['u64::MAX', `{${T},"a":18446744073709551615}`], ['i64::MIN', `{${T},"a":-9223372036854775808}`],
  ['2^53 + 1', `{${T},"a":9007199254740993}`], ['a number of 400 digits', `{${T},"a":${'9'.repeat(400)}}`], ['a float that Rust writes', `{${T},"a":2.0,"b":1e16}`],
  ['a lone surrogate in capitals', `{${T},"a":"\\uD800"}`], ['surrogates the wrong way round', `{${T},"a":"\\udc00\\ud800"}`], ['a pair as escapes', `{${T},"a":"\\ud83d\\ude00"}`],
  ['a raw control character', `{${T},"a":"\n"}`], ['a nested duplicate', `{${T},"a":{"b":1,"b":2}}`], ['__proto__ twice', `{${T},"__proto__":1,"__proto__":2}`], ['arrays 1500 deep', `{${T},"a":${'['.repeat(1500)}${']'.repeat(1500)}}`]
]) await forged(`payload: ${name}`, sealed(text), '')
await forged('payload: a byte that is no UTF-8', sealed(Buffer.concat([Buffer.from(`{${T},"a":"`), Buffer.from([0xff]), Buffer.from('"}')])), 'Node reads U+FFFD')
await forged('payload: a lone surrogate as bytes', sealed(Buffer.concat([Buffer.from(`{${T},"a":"`), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')])), 'Node reads three U+FFFD')
await forged('payload: no UTF-8 in a key', sealed(Buffer.concat([Buffer.from(`{${T},"`), Buffer.from([0xc0, 0x80]), Buffer.from('":1}')])), 'Node reads U+FFFD')

// --- Signatures
{
  setClock(NOW)
  const node = await peerFor([config({ keys: [K1], expiry: EXPIRY, signed: true })])
  const value = decodeURIComponent(valueOf((await node.use(session => session.set('a', 1))).setCookie[0]))
  const dot = value.lastIndexOf('.')
  const [body, mac] = [value.slice(0, dot), value.slice(dot + 1)]
  const esc = encodeURIComponent
  const on = { signed: true }
  // The app itself signs, as its own code would.
  const sign = text => node.app.signCookie(text)
  const small = body.replace(/=/g, '')
  await forged('signature: as Node writes it', esc(value), 'strict', on)
  await forged('signature: nothing escaped but the semicolon', value.replace(';', '%3B'), 'strict', on)
  await forged('signature: of an unpadded token', sign(small).replace(';', '%3B'), 'strict: the MAC is over what was sent', on)
  await forged('signature: the token unpadded after it was signed', esc(`${small}.${mac}`), body === small ? 'strict' : 'refused: other characters than were signed', on)
  await forged('signature: padded', esc(`${value}=`), 'refused: compared as text', on)
  await forged('signature: stripped', esc(body), 'lax: Node takes the session', on)
  await forged('signature: empty, the dot there', esc(`${body}.`), 'lax', on)
  await forged('signature: one character', esc(`${body}.A`), 'lax', on)
  await forged('signature: wrong', esc(`${body}.${'A'.repeat(43)}`), 'refused, as a nonce too long', on)
  await forged('signature: wrong, behind a semicolon', esc(`${body};.${'A'.repeat(43)}`), 'lax', on)
  await forged('signature: wrong, behind a =', esc(`${body}=.${'A'.repeat(43)}`), 'lax', on)
  await forged('signature: right, twice', esc(sign(value)), 'refused: what is left still has one', on)
  await forged('signature: right, the token forged', esc(sign(`${Buffer.alloc(40).toString('base64')};${body.split(';')[1]}`)), 'refused', on)
  await forged('signature: there, not configured', esc(value), 'refused, as a nonce too long')
  await forged('signature: stripped, of an older key', esc(body), 'lax', { signed: true, keys: [K2, K1] })
  await forged('signature: of an older key', esc(value), 'Node drops the session on rotation', { signed: true, keys: [K2, K1] })
  await forged('signature: the removal of a signed cookie', esc(sign('')), 'Node writes this with Max-Age=0: no session', on)
}

const provenance = {
  what: 'Cookies written by @fastify/secure-session (written), and cookies that it would not write with what it makes of them (lax).',
  fields: 'cookie: the value as it stands in the Cookie header. keys: hex, the first seals; or secret and salt (Latin-1 text; absent: the default salt). now: seconds. node.data: JSON text without __ts, as Node would write it on. node.ts: null where it is no finite number or not there. node.reseals: Node sends a new cookie though nothing was changed. node.status 500: Node threw. note: `strict` where the spelling is one to read, `lax` where Node alone takes it, `refused` where Node too refuses.',
  by: versions(),
  how: 'In tests/interop: `npm ci && node node/vectors.mjs` writes this file anew, the same each time; `--check` compares.'
}
const names = new Set()
for (const { name } of [...written, ...lax]) {
  if (names.has(name)) throw new Error(`two vectors of one name: ${name}`)
  names.add(name)
}
const lines = list => '[\n' + list.map(vector => '    ' + JSON.stringify(vector)).join(',\n') + '\n  ]'
const text = `{\n  "provenance": ${JSON.stringify(provenance, null, 2).replace(/\n/g, '\n  ')},\n  "written": ${lines(written)},\n  "lax": ${lines(lax)}\n}\n`
JSON.parse(text)
if (process.argv.includes('--check')) {
  // The plugin's word, whatever the versions of Node and its packages.
  const part = all => JSON.stringify({ ...JSON.parse(all), provenance: null })
  if (part(readFileSync(FILE, 'utf8')) !== part(text)) {
    console.error('tests/vectors/fastify.json is not what the installed plugin gives')
    process.exit(1)
  }
} else {
  writeFileSync(FILE, text)
  console.error(`${written.length} written, ${lax.length} lax, ${text.length} bytes`)
}
process.exit(0)
