// The journeys of a session between the two servers, told one by one.

import { Browser } from './browser.mjs'
import { holds, same, test } from './check.mjs'
import { met } from './divergences.mjs'
import { Pair, START } from './hops.mjs'
import { open, token } from './peer.mjs'
import { Server } from './sides.mjs'

const [K1, K2, K3] = ['17', '29', '3b'].map(byte => byte.repeat(32))
const PHRASE = 'averylogphrasebiggerthanthirtytwochars'
const session = (config = {}) => ({ sessionName: 'session', keys: [K1], ...config })
const set = (key, value) => ({ op: 'set', key, value })
const data = { op: 'data' }

let readers
async function withPair (sessions, options, run) {
  const pair = await Pair.start(sessions, options)
  try {
    await run(pair)
  } finally {
    pair.stop()
  }
}
const hop = (pair, side, ...ops) => pair.hop(side, { session: ops }, readers)

/** Node, Rust, Node, Rust, through every operation. */
async function everyOperation (pair) {
  const step = async (side, ...ops) => {
    await hop(pair, side, ...ops)
    await pair.clock(pair.now + 7)
  }
  for (const [one, other] of [['node', 'rust'], ['rust', 'node']]) {
    await step(one, set('user', { id: 7, name: 'Grüße 😀' }), set('cart', [1, 2]))
    await step(other, { op: 'nested', path: ['user', 'address', 'city'], value: '東京' })
    await step(one, { op: 'nested', path: ['user', 'id'], value: 8 }, { op: 'get', key: 'user' })
    await step(other, { op: 'touch' })
    await step(one, { op: 'touch' })
    await step(other, { op: 'set', key: 'cart' })
    await step(one, { op: 'regenerate', ignore: ['user'] })
    await step(other, set('lang', 'de'))
    await step(one, set('lang', 'de'))
    await step(other, { op: 'regenerate', ignore: ['lang'] })
    await step(one, { op: 'regenerate' }, set('fresh', true))
    await step(other, { op: 'regenerate' }, set('fresh', false))
    await step(one, data)
    await step(other, { op: 'delete' }, set('late', 1))
    await step(one, data)
    await step(other, set('late', 2), { op: 'delete' })
    await step(one, data)
    same(pair.browser.header, undefined, 'a deleted session is gone')
  }
}

const SHAPES = {
  nothing: null, yes: true, no: false, zero: 0, negative: -1, fraction: 0.1, tiny: 5e-324, huge: 1.7976931348623157e308, big: 2 ** 63, safe: Number.MAX_SAFE_INTEGER,
  exponent: 1e21, empty: '', spaces: ' \t', quotes: '"\\/', control: '\u0000\u001f\u007f', lines: '\u2028\u2029\r\n', accents: 'e\u0301é', emoji: '👩‍👩‍👧', script: 'עברית 日本語',
  private: '\ue000\uffff\u{10ffff}', list: [], lists: [[], [[]], [null, [1, 'x']]], object: {}, objects: { a: { b: { c: {} } } }, date: new Date(0).toJSON(),
  '': 'the empty name', 10: 'an integer', 9: 'another', '01': 'none', 'a.b': 1, constructor: 1, toString: 2, hasOwnProperty: 3, get: 4, nested: { __ts: 5, 2: 1, 1: 2 }
}

async function shapes (pair) {
  const all = Object.entries(SHAPES)
  for (const side of ['node', 'rust']) {
    for (const [key, value] of all) await hop(pair, side, set(key, value))
    await hop(pair, side === 'node' ? 'rust' : 'node', set('last', side), ...all.map(([key]) => ({ op: 'get', key })))
    await hop(pair, side, { op: 'delete' })
  }
}

/** The largest session of each side goes through the other; one byte more is an error in Rust. */
async function sizes (pair, most) {
  await hop(pair, 'rust', set('a', 'x'.repeat(most)))
  same('session'.length + pair.browser.value('session').length, 4096, 'the largest cookie')
  await hop(pair, 'node', data)
  const before = pair.browser.value('session')
  const { status, text } = await pair.browser.post(pair.servers.rust, { session: 'session', ops: [set('a', 'x'.repeat(most + 1))] })
  holds(status === 422 && text.includes('TooLarge'), `${status} ${text}`)
  same(pair.browser.value('session'), before, 'the session before stays')
  // Node's spelling is longer, so that it cannot write what Rust can.
  await pair.browser.post(pair.servers.node, { session: 'session', ops: [{ op: 'touch' }] })
  same([pair.browser.dropped, pair.browser.value('session')], [['session'], before], 'the browser drops what Node sends')
  met('larger than a browser keeps')
  for (let n = most - 330; n < most - 250; n += 13) {
    await hop(pair, 'node', set('a', 'x'.repeat(n)))
    await hop(pair, 'rust', set('b', n))
  }
}

async function expiry (pair) {
  for (const [side, other] of [['node', 'rust'], ['rust', 'node']]) {
    const start = Math.ceil(pair.now) + 10
    for (const [after, opens] of [[899, true], [899.999, true], [900, false], [900.001, false]]) {
      await pair.clock(start)
      await hop(pair, side, { op: 'delete' })
      await hop(pair, side, set('a', after))
      const cookie = pair.browser.value('session')
      await pair.clock(start + after)
      for (const server of Object.values(pair.servers)) {
        const copy = new Browser()
        copy.put('session', cookie)
        const answer = JSON.parse((await copy.post(server, { session: 'session', ops: [] })).text)
        same([answer.accepted, answer.data], [opens, opens ? { a: after } : {}], `${server.side} ${after} s after ${side} wrote it`)
      }
      await hop(pair, other, data)
    }
    await pair.clock(start + 901)
    await hop(pair, side, { op: 'delete' })
  }
}

/** A ring of [K2, K1] on one side and [K1, K2] on the other, as while a rotation is rolled out. */
async function rotation (ahead) {
  const behind = ahead === 'node' ? 'rust' : 'node'
  const ring = { [ahead]: [K2, K1], [behind]: [K1, K2] }
  await withPair([session({ keys: ring.node })], { rust: [session({ keys: ring.rust })] }, async pair => {
    const model = pair.models.session
    const under = key => open(pair.browser.value('session'), Buffer.from(key, 'hex'))
    await hop(pair, behind, set('a', 1))
    under(K1)
    await pair.clock(START + 50)
    // `key` is the place in the ring of the side that looks.
    model.key = 1
    await hop(pair, ahead)
    same(JSON.parse(under(K2)), { __ts: START, a: 1 }, 'sealed anew under the new key, the time kept')
    await hop(pair, ahead, data)
    model.key = 1
    await hop(pair, behind, { op: 'get', key: 'a' })
    same(JSON.parse(under(K1)), { __ts: START, a: 1 }, 'and back under the old one, the time kept')
    model.key = 1
    await hop(pair, ahead, set('b', 2))
    same(JSON.parse(under(K2)), { __ts: START + 50, a: 1, b: 2 }, 'a write takes the new key and the time of the write')
  })
}

/** The Rust server gets its new keyring while it runs. */
async function hotRotation () {
  await withPair([session({ keys: [K2, K1] })], { rust: [session({ keys: [K1] })] }, async pair => {
    await hop(pair, 'rust', set('a', 1))
    await pair.servers.rust.ring(session({ keys: [K2, K1] }))
    pair.rustSessions = [session({ keys: [K2] })]
    pair.models.session.key = 1
    await pair.clock(START + 50)
    await hop(pair, 'rust')
    await hop(pair, 'node', set('b', 1))
    await hop(pair, 'rust', data)
  })
}

async function signedRotation () {
  const old = await Server.start('node', { sessions: [session({ signed: true })], now: START })
  const ring = session({ keys: [K2, K1], signed: true })
  await withPair([ring], {}, async pair => {
    await pair.browser.post(old, { session: 'session', ops: [set('a', 1)] })
    const copy = new Browser()
    copy.put('session', pair.browser.value('session'))
    const lost = JSON.parse((await copy.post(pair.servers.node, { session: 'session', ops: [] })).text)
    same(lost.accepted, false, 'Node drops it')
    met('signature of an older key')
    Object.assign(pair.models.session, { data: { a: 1 }, ts: START, key: 1 })
    await pair.clock(START + 50)
    await hop(pair, 'rust')
    await hop(pair, 'node', set('b', 2))
    await hop(pair, 'rust', data)
  }).finally(() => old.stop())
}

/** From Node to our own token, and back to Node before that. */
async function move () {
  const moved = { sessionName: 'session', ring: [{ scheme: 'native', key: K2 }, { scheme: 'fastify', key: K1 }] }
  await withPair([session()], { rust: [moved] }, async pair => {
    const ask = async (browser, side, ops) => {
      const response = await browser.post(pair.servers[side], { session: 'session', ops })
      return { ...JSON.parse(response.text), sent: response.setCookie.length }
    }
    const browser = pair.browser
    await ask(browser, 'node', [set('user', { id: 7 }), set('größe', '😀')])
    const before = browser.value('session')
    const wanted = { user: { id: 7 }, größe: '😀' }
    await pair.clock(START + 1000)

    const first = await ask(browser, 'rust', [])
    same([first.accepted, first.key, first.ts, first.created, first.sent], [true, 1, START, null, 1], 'Rust opens what is older than the switch')
    same(first.data, wanted, 'with its data')
    holds(/^[A-Za-z0-9_-]+$/.test(browser.value('session')), 'and answers with the native token')
    const second = await ask(browser, 'rust', [])
    same([second.accepted, second.key, second.ts, second.created, second.sent], [true, 0, START, START, 0], 'which opens, created and refreshed when Node last wrote it')
    same(second.data, wanted, 'with the same data')
    same((await ask(browser, 'node', [])).accepted, false, 'Node does not read the native token')

    const other = new Browser()
    other.put('session', before)
    const back = await ask(other, 'node', [data])
    same([back.accepted, back.ts, back.sent], [true, START, 0], 'rolled back before the re-seal, Node still opens it')
    same(back.data, wanted, 'with its data')
    await ask(other, 'node', [set('more', 1)])
    const again = await ask(other, 'rust', [{ op: 'nested', path: ['user', 'id'], value: 8 }])
    same([again.accepted, again.ts], [true, START + 1000], 'and Rust opens what Node wrote meanwhile')
    same((await ask(other, 'rust', [])).data, { ...wanted, user: { id: 8 }, more: 1 }, 'and writes on')
  })
}

/** The step before: Rust shares Node's key for good, or holds the native one as previous already. */
async function moveBack () {
  const ring = [{ scheme: 'fastify', key: K1 }, { scheme: 'native', key: K2 }]
  const native = await Server.start('rust', { sessions: [{ sessionName: 'session', ring: [ring[1]] }], now: START })
  await withPair([session()], { rust: [{ sessionName: 'session', ring }] }, async pair => {
    await pair.browser.post(native, { session: 'session', ops: [set('a', 1)] })
    Object.assign(pair.models.session, { data: { a: 1 }, ts: START, key: 1 })
    await pair.clock(START + 50)
    await hop(pair, 'rust')
    await hop(pair, 'node', set('b', 2))
    await hop(pair, 'rust', data)
  }).finally(() => native.stop())
}

async function undated () {
  const strict = await Server.start('rust', { sessions: [session()], now: START })
  const lax = session({ keys: undefined, ring: [{ scheme: 'fastify', key: K2 }, { scheme: 'fastify', key: K1 }], undated: true })
  await withPair([session({ keys: [K2, K1] })], { rust: [lax] }, async pair => {
    const cookie = encodeURIComponent(token('{"a":1}', Buffer.from(K1, 'hex')))
    pair.browser.put('session', cookie)
    const refused = JSON.parse((await pair.browser.post(strict, { session: 'session', ops: [] })).text)
    same(refused.accepted, false, 'without a time it is refused')
    met('time missing')
    const answer = JSON.parse((await pair.browser.post(pair.servers.rust, { session: 'session', ops: [] })).text)
    same([answer.accepted, answer.data], [true, { a: 1 }], 'unless asked')
    same(JSON.parse(open(pair.browser.value('session'), Buffer.from(K2, 'hex'))), { a: 1, __ts: START }, 'and is sealed anew with a time')
    Object.assign(pair.models.session, { data: { a: 1 }, ts: START })
    pair.rustSessions = [session({ keys: [K2] })]
    await hop(pair, 'node', set('b', 1))
  }).finally(() => strict.stop())
}

async function odds (pair) {
  const post = async (side, ...ops) => pair.browser.post(pair.servers[side], { session: 'session', ops })
  const reserved = await post('rust', set('__ts', 1))
  holds(reserved.status === 422 && reserved.text.includes('Reserved'), `__ts is reserved: ${reserved.text}`)
  await hop(pair, 'node', set('u', { n: 1 }))
  const answer = await post('node', { op: 'mutate', path: ['u', 'n'], value: 2 })
  same(answer.setCookie, [], 'Node sends nothing for a change in place')
  await hop(pair, 'rust', data)
  const good = pair.browser.value('session')
  for (const bad of [good.replace(/^./, c => c === 'A' ? 'B' : 'A'), 'junk', '', good.slice(1), `${good}A`]) {
    pair.browser.put('session', bad)
    for (const side of ['node', 'rust']) {
      const { status, text, setCookie } = await post(side)
      // A whole character behind the nonce carries six bits that make no byte, and Node skips them.
      const lax = side === 'node' && bad === `${good}A`
      same([status, JSON.parse(text).accepted, setCookie], [200, lax, []], `${side} on a bad cookie`)
      if (lax) met('padding')
    }
  }
}

export async function run (node, rust) {
  readers = { node, rust }
  const base = [session()]
  const phrase = [session({ keys: undefined, secret: PHRASE, salt: 'mq9hDxBVDbspDR6n' })]
  const defaultSalt = [session({ keys: undefined, secret: PHRASE, signed: true })]
  const text = [session({ keys: undefined, key: Buffer.from(K3, 'hex').toString('base64') })]
  const own = [session({ signed: true })]
  const ownRust = [session({ signed: true, signingSecret: 'the app has its own secret' })]
  const cases = [
    ['set, nested set, touch, regenerate, delete', base, {}, everyOperation],
    ['the same, signed', [session({ signed: true })], {}, everyOperation],
    ['the same, with another cookie name and a base64 key', [{ ...text[0], cookieName: 'sid' }], {}, everyOperation],
    ['the same, from a passphrase with a salt', phrase, {}, everyOperation],
    ['the same, from a passphrase with the default salt, signed', defaultSalt, {}, everyOperation],
    ['all shapes of JSON', [session({ expiry: 86401 })], {}, shapes],
    ['sizes up to what a browser keeps', base, {}, pair => sizes(pair, 2998)],
    ['expiry to the boundary', [session({ expiry: 900 })], {}, expiry],
    ['a reserved name, a change in place, bad cookies', base, {}, odds]
  ]
  for (const [name, sessions, options, journey] of cases) await test(name, () => withPair(sessions, options, journey))
  await test('signed with the secret of the application', () => withPair(own, { rust: ownRust, cookieSecret: 'the app has its own secret' }, async pair => {
    readers = { rust }
    await everyOperation(pair)
  }))
  readers = { node, rust }
  await test('a rotation that begins in Node', () => rotation('node'))
  await test('a rotation that begins in Rust', () => rotation('rust'))
  await test('a rotation while the Rust server runs', hotRotation)
  await test('a rotation of signed cookies keeps sessions in Rust', signedRotation)
  await test('the move to the native token, and back before the re-seal', move)
  await test('a native session comes back to Node', moveBack)
  await test('a session without a time, where that is allowed', undated)
}
