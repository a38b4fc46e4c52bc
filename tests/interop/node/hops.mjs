// Random sessions hopping between the two servers over sockets, with one jar; after each hop both
// sides' readers look at the cookie in it.

import { Browser } from './browser.mjs'
import { brief, check, holds, same, test } from './check.mjs'
import { derivedSecret } from './classify.mjs'
import { session as sessionText } from './generate.mjs'
import { Model } from './model.mjs'
import { Server } from './sides.mjs'

export const START = 1700000000
const EXPIRY = 900
const HOPS = 400
const NAMES = ['user', 'cart', 'lang', 'n', '7', '']

/** The servers of both sides with the same sessions, and one browser. */
export class Pair {
  static async start (sessions, { rust = sessions, now = START, cookieSecret } = {}) {
    const pair = new Pair()
    pair.sessions = sessions
    pair.rustSessions = rust
    const sides = [['node', sessions], ['rust', rust]]
    const [node, other] = await Promise.all(sides.map(([side, list]) => Server.start(side, { sessions: list, now, cookieSecret })))
    pair.servers = { node, rust: other }
    pair.browser = new Browser()
    pair.now = now
    pair.models = Object.fromEntries(sessions.map(s => [s.sessionName, new Model(s.expiry ?? 86401)]))
    return pair
  }

  async clock (now) {
    this.now = now
    await Promise.all(Object.values(this.servers).map(server => server.clock(now)))
  }

  stop () { for (const server of Object.values(this.servers)) server.stop() }

  /** One request to one side; everything that it says and sends is compared with the model. */
  async hop (side, sessions, readers, { primary = 0 } = {}) {
    const { status, text, setCookie, headers } = await this.browser.post(this.servers[side], { sessions })
    const what = `${side} ${brief(sessions)}`
    same(status, 200, `${what}: ${text}`)
    const answers = JSON.parse(text).sessions
    let sent = 0
    for (const [name, ops] of Object.entries(sessions)) {
      const model = this.models[name]
      const typed = this.sessions[0].sessionName !== name
      const ts = model.ts
      const wanted = model.request(side, typed, ops, this.now, primary)
      sent += wanted.sends ? 1 : 0
      const answer = answers[name]
      same(answer.accepted, wanted.accepted, `${what}: ${name} accepted`)
      if (wanted.data !== undefined) same(answer.data, wanted.data, `${what}: ${name} data`)
      if (side === 'rust') same(answer.ts, wanted.accepted ? ts : null, `${what}: ${name} ts`)
      await this.look(name, readers, `after ${what}`)
    }
    same(setCookie.length, sent, `${what}: cookies sent: ${setCookie}`)
    if (side === 'rust') {
      same(headers.vary, Object.keys(sessions).length > 0 ? 'Cookie' : undefined, 'Vary')
      same(headers['cache-control'], sent > 0 ? 'no-store' : undefined, 'Cache-Control')
    }
    return answers
  }

  /** Both sides' readers agree with the model on the cookie in the jar. */
  async look (name, readers, what) {
    const model = this.models[name]
    const at = this.sessions.findIndex(s => s.sessionName === name)
    const cookieName = this.sessions[at].cookieName ?? name
    const cookie = this.browser.value(cookieName)
    same(cookie !== undefined, model.live, `${what}: a cookie of ${name} in the jar`)
    if (cookie === undefined || !model.opens(this.now)) return
    for (const [side, list] of [['node', this.sessions], ['rust', this.rustSessions]]) {
      const reader = readers[side]
      if (reader === undefined) continue
      const { sessionName, key, ...config } = list[at]
      if (key !== undefined) config.keys = [Buffer.from(key, 'base64').toString('hex')]
      const { data, ts, reason } = await reader.decode({ ...config, cookieName, cookie, now: this.now })
      holds(data !== null && data !== undefined, `${what}: ${side} refuses the cookie: ${reason}`)
      same(JSON.parse(data), model.data, `${what}: ${side} reads`)
      same(ts, model.ts, `${what}: ${side} reads the time`)
    }
  }
}

function randomOps (r, read) {
  const values = () => JSON.parse(JSON.stringify(Object.values(JSON.parse(sessionText(r)))[0] ?? null))
  const small = () => {
    for (;;) {
      const value = values()
      if (JSON.stringify(value).length < 200) return value
    }
  }
  // Node's arrays take named properties and lose them; what is changed inside is an object.
  const noArray = () => {
    const value = small()
    return Array.isArray(value) ? { list: value } : value
  }
  const name = () => r.pick(NAMES)
  return Array.from({ length: r.below(4) }, () => {
    switch (r.below(14)) {
      case 0: case 1: return { op: 'set', key: 'user', value: noArray() }
      case 2: return { op: 'set', key: r.pick(NAMES.slice(1)), value: small() }
      case 3: return { op: 'set', key: name() }
      case 4: case 5: return { op: 'nested', path: ['user', 'a', r.pick(['b', 'ü', 'c'])].slice(0, 1 + r.below(3)), value: noArray() }
      case 6: return { op: 'touch' }
      case 7: return r.chance(30) ? { op: 'regenerate' } : { op: 'regenerate', ignore: [name(), name()] }
      case 8: return r.chance(25) ? { op: 'delete' } : { op: 'data' }
      case 9: return { op: 'set', key: 'n', value: 1 }
      default: return { op: 'get', key: read }
    }
  })
}

export async function run (random, node, rust) {
  const key = () => random.bytes(32).toString('hex')
  const last = key()
  const secret = derivedSecret(last)
  const list = [
    { sessionName: 'session', keys: [key()], expiry: EXPIRY },
    { sessionName: 'login', cookieName: 'sid', keys: [key(), key()], expiry: EXPIRY },
    { sessionName: 'admin', keys: [last], expiry: EXPIRY }
  ]
  await test(`${HOPS} random hops with three sessions`, () => randomHops(random, list, list, { node, rust }))
  // In one registration the last session's key signs every cookie, so the readers cannot be Node's
  // for one session alone.
  const signed = list.map(session => ({ ...session, signed: true }))
  const told = signed.map(session => ({ ...session, signingSecret: secret }))
  await test(`${HOPS} random hops with three signed sessions`, () => randomHops(random, signed, told, { rust }))
}

async function randomHops (random, sessions, rustSessions, readers) {
  const pair = await Pair.start(sessions, { rust: rustSessions })
  try {
    for (let n = 0; n < HOPS; n++) {
      if (random.chance(60)) await pair.clock(Math.floor(pair.now) + random.pick([1, 5, 60, 89, 90, 91, 300, random.chance(20) ? EXPIRY : 2]) + random.pick([0, 0, 0.25, 0.5, 0.75]))
      const names = sessions.map(s => s.sessionName).filter(() => random.chance(60))
      const ops = Object.fromEntries(names.map(name => [name, randomOps(random, random.pick(NAMES))]))
      if (!await check('random hop', () => pair.hop(random.pick(['node', 'rust']), ops, readers), `number ${n}`)) return
    }
  } finally {
    pair.stop()
  }
}
