// Random sessions each way, authentic payloads that Node would not write, and damaged cookies.

import { check, holds, same, test } from './check.mjs'
import { hasCookie, laxPayload, laxSpelling, lossy } from './classify.mjs'
import { damage, tamper } from './damage.mjs'
import { met } from './divergences.mjs'
import { Random, session } from './generate.mjs'
import { token } from './peer.mjs'

const START = 1700000000
const EXPIRY = 86401
const AT_ONCE = 200

/**
 * Runs `one(index, random)` for so many, some at a time, so that the pipes stay full. Each has a
 * generator of its own, so that a seed gives the same cases whichever answer comes first.
 */
async function each (random, count, one) {
  const seeds = Array.from({ length: count }, () => random.next())
  let next = 0
  const worker = async () => {
    while (next < count) {
      const n = next++
      await one(n, new Random(seeds[n]))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** What Node makes of a value when it writes it: -0 is 0, Infinity is null. */
const trip = value => JSON.parse(JSON.stringify(value))

export class Bulk {
  constructor (random, sessions, node, rust) {
    Object.assign(this, { random, sessions, node, rust })
    this.rings = Array.from({ length: 6 }, () => [random, random, random].map(r => r.bytes(32).toString('hex')))
  }

  /** Keys and times of one session: who seals, and who opens, when. */
  setting (r) {
    const ring = r.pick(this.rings)
    const place = r.chance(70) ? 0 : r.below(3)
    const sealed = START + r.below(1e6) + r.pick([0, 0, 0.25, 0.499, 0.5, 0.999])
    const left = r.chance(4) ? r.pick([EXPIRY - 1, EXPIRY - 0.001, EXPIRY, EXPIRY + 0.001, EXPIRY + 1, EXPIRY * 2]) : r.below(EXPIRY - 1)
    return { ring, place, signed: r.chance(15), sealed, now: sealed + left }
  }

  async run () {
    const { sessions: count, random } = this
    await test(`${count} random sessions, Node to Rust`, () => each(random, count, (n, r) => this.toRust(n, r)))
    await test(`${count} random sessions, Rust to Node`, () => each(random, count, (n, r) => this.toNode(n, r)))
    const half = Math.ceil(count / 2)
    await test(`${half} authentic payloads that Node would not write`, () => each(random, half, (n, r) => this.payload(n, r)))
    await test(`${count} damaged cookies`, () => each(random, count, (n, r) => this.damaged(n, r)))
  }

  async toRust (n, r) {
    const text = session(r)
    const { ring, place, signed, sealed, now } = this.setting(r)
    const { cookie } = await this.node.encode({ keys: [ring[place]], json: text, now: sealed, signed })
    await check('random session from Node', async () => {
      const wanted = { data: trip(JSON.parse(text)), ts: Math.round(Math.round(sealed * 1000) / 1000) }
      await this.compare({ header: `session=${cookie}`, keys: ring, signed, now, place, wanted, text: undefined })
    }, `number ${n}: ${text}`)
  }

  async toNode (n, r) {
    const text = session(r)
    const { ring, place, signed, sealed, now } = this.setting(r)
    const answer = await this.rust.encode({ keys: [ring[place]], json: text, now: sealed, signed })
    await check('random session from Rust', async () => {
      const time = Math.floor(sealed)
      const empty = JSON.stringify(JSON.parse(text)) === '{}'
      const json = Buffer.byteLength(text) + (empty ? -1 : 0) + `,"__ts":${time}`.length
      const size = 'session'.length + Math.ceil((16 + json) * 4 / 3) + 35 + (signed ? 44 : 0)
      if (size > 4096) {
        holds(answer.reason?.includes('TooLarge'), `${size} bytes were sealed: ${JSON.stringify(answer)}`)
        return
      }
      holds(answer.cookie !== undefined, `${size} bytes were not sealed: ${JSON.stringify(answer)}`)
      holds('session'.length + answer.cookie.length <= size, `a cookie of ${answer.cookie.length}, not ${size}`)
      holds(/^[A-Za-z0-9+/]+%3B[A-Za-z0-9+/]{32}(\.[A-Za-z0-9+/]{43})?$/.test(answer.cookie), `spelt ${answer.cookie}`)
      const wanted = { data: JSON.parse(text), ts: time }
      await this.compare({ header: `session=${answer.cookie}`, keys: ring, signed, now, place, wanted, text })
    }, `number ${n}: ${text}`)
  }

  /** A good cookie: both read it alike, or both refuse it, or the reason is one of the list. */
  async compare ({ header, keys, signed, now, place, wanted, text }) {
    const [node, rust] = await this.ask({ header, keys, signed, now })
    const expired = Math.round(now * 1000) >= (wanted.ts + EXPIRY) * 1000
    if (expired) {
      same([node.data, rust.data], [null, null], 'an expired session was read')
      return
    }
    const spelling = laxSpelling(header, 'session', keys, signed)
    if (rust.data === null) {
      holds(spelling === 'larger than a browser keeps', `Rust refused ${rust.reason} (${spelling})`)
      met(spelling)
      return
    }
    same(spelling, undefined, 'spelt as Node does not spell')
    same(JSON.parse(rust.data), wanted.data, 'Rust read other data')
    same([rust.ts, rust.key], [wanted.ts, place], 'Rust read another time or key')
    if (text !== undefined) {
      same(rust.data, text, 'Rust spelt its own session anew')
      for (const kind of lossy(text)) met(kind)
    }
    if (signed && place > 0) {
      same(node.data, null, 'Node read a signature of an older key')
      met('signature of an older key')
      return
    }
    holds(node.data !== null, `Node refused: ${node.reason}`)
    same(JSON.parse(node.data), trip(wanted.data), 'Node read other data')
    same([node.ts, node.changed], [wanted.ts, place > 0], 'Node read another time or key')
    same([rust.reseal !== null, node.reseal !== null], [place > 0, place > 0], 'who seals anew')
    if (place > 0) await this.resealed(node.reseal, rust.reseal, { keys: keys.slice(0, 1), now, wanted })
  }

  /** Both sealed it anew under the first key: each reads the other's, with the time kept. */
  async resealed (byNode, byRust, { keys, now, wanted }) {
    const [node, rust] = [await this.node.decode({ cookie: byRust, keys, now, expiry: EXPIRY }), await this.rust.decode({ cookie: byNode, keys, now, expiry: EXPIRY })]
    if (rust.data === null) {
      holds(byNode.length + 7 > 4096, `Rust refused what Node sealed anew: ${rust.reason}`)
      met('larger than a browser keeps')
    } else {
      same([JSON.parse(rust.data), rust.ts], [trip(wanted.data), wanted.ts], "Rust on Node's new seal")
    }
    same([JSON.parse(node.data), node.ts], [trip(wanted.data), wanted.ts], "Node on Rust's new seal")
  }

  async payload (n, r) {
    const now = START + 1000
    const plaintext = tamper(r, session(r), now)
    const keys = r.pick(this.rings)
    const header = `session=${encodeURIComponent(token(plaintext, Buffer.from(keys[0], 'hex'), r.bytes(24)))}`
    await check('authentic payload', () => this.verdict(header, keys, false, now, plaintext), `number ${n}: ${plaintext.toString('latin1')}`)
  }

  async damaged (n, r) {
    const text = session(r)
    const { ring, signed } = this.setting(r)
    const maker = r.chance(50) ? this.node : this.rust
    const { cookie } = await maker.encode({ keys: [ring[0]], json: text.length > 2500 ? '{"a":1}' : text, now: START, signed })
    const others = await this.node.encode({ keys: [r.pick(ring)], json: '{"b":2}', now: START, signed })
    const header = damage(r, cookie, others.cookie, ring)
    await check('damaged cookie', () => this.verdict(header, ring, signed, START + 5), `number ${n}: ${header}`)
  }

  async ask ({ header, keys, signed, now }) {
    const question = { header, keys, now, expiry: EXPIRY, signed }
    const [node, rust] = await Promise.all([this.node.decode(question), this.rust.decode(question)])
    return [hasCookie(header, 'session') ? node : { data: null, reason: 'no cookie' }, rust]
  }

  /** Any cookie: if the sides differ, the reason is one of the list. */
  async verdict (header, keys, signed, now, plaintext) {
    const [node, rust] = await this.ask({ header, keys, signed, now })
    if (rust.error !== undefined || node.error !== undefined) throw new Error(`${rust.error} ${node.error}`)
    if (node.status === 500) met('Node answers 500')
    if (node.data === null && rust.data === null) return
    if (node.data !== null && rust.data !== null) {
      same(trip(JSON.parse(rust.data)), JSON.parse(node.data), 'two readings')
      same(rust.ts, node.ts, 'two times')
      const lax = laxSpelling(header, 'session', keys, signed) ?? (plaintext && laxPayload(plaintext, now))
      same(lax, undefined, 'Rust is as lax as Node')
      return
    }
    if (rust.data === null) {
      const reason = laxSpelling(header, 'session', keys, signed) ?? (plaintext && laxPayload(plaintext, now))
      holds(reason !== undefined, `Node reads it (${node.data}), Rust refuses (${rust.reason})`)
      met(reason)
      return
    }
    const values = header.split(';').filter(pair => pair.trimStart().startsWith('session='))
    const alone = async value => (await this.ask({ header: value, keys, signed, now }))[0].data !== null
    if (values.length > 1 && await alone(values.at(-1))) met('second cookie of the name')
    else if (signed && rust.key > 0) met('signature of an older key')
    else holds(false, `Rust reads it (${rust.data}), Node refuses (${node.reason})`)
  }
}
