// A real HTTP server with the real plugin, for the interop driver.
//
//   node server.mjs '{"port":0, "sessions":[{"sessionName":"session", "cookieName":"sid",
//     "keys":[hex…] | "secret":text, "salt":text, "expiry":s, "signed":bool, "cookie":{…}}],
//     "cookieSecret":text?, "now":s?, "exitWithStdin":bool?}'
//
// It prints `listening PORT` once it listens. `cookieSecret` registers @fastify/cookie first, as an
// app with signed cookies of its own does. `exitWithStdin` ends it when its stdin closes, so that a
// driver that dies leaves no server behind.
//
// POST /op     {"session":name, "ops":[…]} or {"sessions":{name:[ops…], …}}
//   {"op":"set","key":k,"value":v}       without a value: undefined, which removes the key
//   {"op":"get","key":k}                 -> [value], or [] if it is undefined
//   {"op":"nested","path":[…],"value":v} changes a value inside session.get(path[0]) and sets it again
//   {"op":"mutate","path":[…],"value":v} the same in place, without setting it again
//   {"op":"touch"} {"op":"regenerate","ignore":[…]?} {"op":"delete"} {"op":"options","options":{…}}
//   {"op":"data"}                        -> the data
//   -> {"results":[one an op, null where it says nothing], "data":{…}, "ts":…, "changed":bool,
//       "deleted":bool, "accepted":bool} or {"sessions":{name: that, …}}
// `accepted` says whether a cookie was opened, as against an empty session begun in its place.
// POST /clock  {"now":s} sets the clock, with a fraction if wanted; {"now":null} gives the real one.

import Fastify from 'fastify'
import { fastifyCookie, secureSession, sessionOptions, setClock } from './peer.mjs'

const config = JSON.parse(process.argv[2] ?? '{}')
const app = Fastify()

// Fastify's own parser refuses __proto__, which must be able to travel here.
app.removeContentTypeParser('application/json')
app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
  try {
    done(null, JSON.parse(body))
  } catch (error) {
    done(error)
  }
})

if (config.cookieSecret !== undefined) await app.register(fastifyCookie, { secret: config.cookieSecret })
await app.register(secureSession, config.sessions.map(sessionOptions))

const isObject = value => typeof value === 'object' && value !== null
function place (session, [first, ...rest], value) {
  if (rest.length === 0) return value
  const found = session.get(first)
  const top = isObject(found) ? found : {}
  let at = top
  const last = rest.pop()
  for (const step of rest) {
    if (!isObject(at[step])) at[step] = {}
    at = at[step]
  }
  at[last] = value
  return top
}

function apply (session, op) {
  switch (op.op) {
    case 'set': session.set(op.key, op.value); return null
    case 'get': {
      const value = session.get(op.key)
      return value === undefined ? [] : [value]
    }
    case 'nested': session.set(op.path[0], place(session, op.path, op.value)); return null
    case 'mutate': place(session, op.path, op.value); return null
    case 'touch': session.touch(); return null
    case 'regenerate': session.regenerate(op.ignore); return null
    case 'delete': session.delete(); return null
    case 'options': session.options(op.options); return null
    case 'data': return session.data()
    default: throw new Error(`no such op: ${op.op}`)
  }
}

// The plugin does not say whether it opened the cookie or began anew, so it is asked again; a good
// signature is taken off first, as its hook does.
function accepted (request, name) {
  const { cookieName = name, signed } = config.sessions.find(session => (session.sessionName ?? 'session') === name)
  let cookie = request.cookies[cookieName]
  if (cookie === undefined) return false
  if (signed === true) {
    const unsigned = app.unsignCookie(cookie)
    if (unsigned.valid) cookie = unsigned.value
  }
  return app.decodeSecureSession(cookie, undefined, name) !== null
}

function run (request, name, ops) {
  const session = request[name]
  if (!isObject(session)) throw new Error(`no such session: ${name}`)
  const results = ops.map(op => apply(session, op))
  return {
    results,
    data: session.data(),
    ts: session.get('__ts'),
    changed: session.changed,
    deleted: session.deleted,
    accepted: accepted(request, name)
  }
}

app.post('/op', (request, reply) => {
  const { session, ops, sessions } = request.body
  const answer = sessions === undefined
    ? run(request, session ?? 'session', ops)
    : { sessions: Object.fromEntries(Object.entries(sessions).map(([name, list]) => [name, run(request, name, list)])) }
  reply.type('application/json').send(JSON.stringify(answer))
})

app.post('/clock', (request, reply) => {
  setClock(request.body.now)
  reply.send('')
})

if (config.now !== undefined) setClock(config.now)
if (config.exitWithStdin === true) process.stdin.on('end', () => process.exit(0)).resume()
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0))
await app.listen({ port: config.port ?? 0, host: '127.0.0.1' })
console.log(`listening ${app.server.address().port}`)
