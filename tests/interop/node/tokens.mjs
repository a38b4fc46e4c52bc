// Bulk work for the interop driver: one JSON object a line on stdin, one a line on stdout, in order.
// Every line is a whole request through the real plugin's hooks.
//
//   {"op":"encode", "keys":[hex…], "json":text | "value":any, "now":s, "signed":bool}
//     -> {"cookie": value as it stands in Set-Cookie}
//   {"op":"decode", "keys":[hex…], "cookie":value as in the Cookie header, "now":s, "expiry":s, "signed":bool}
//     -> {"data": JSON text without __ts, "ts":…, "changed":bool, "reseal": cookie or null}
//     -> {"data":null, "reason":text}            the plugin refused it and began an empty session
//     -> {"data":null, "status":500, "reason":text} it threw
//
// `secret` and `salt` stand in for `keys`; `cookieName` (default "session") changes nothing but the
// name; `header` is a whole Cookie header in place of `cookie`. `now` is in seconds, a fraction is
// allowed, the real time if absent. A line that asks nonsense is answered {"error":text}.
// `json` may carry __ts anywhere; without one the plugin appends it.

import { createInterface } from 'node:readline'
import { peer, sessionOptions, setClock, valueOf } from './peer.mjs'

const peers = new Map()
async function peerFor ({ keys, secret, salt, expiry, signed, cookieName }) {
  const id = JSON.stringify([keys, secret, salt, expiry, signed, cookieName])
  let found = peers.get(id)
  if (found === undefined) {
    if (peers.size >= 500) peers.clear()
    found = await peer(sessionOptions({ keys, secret, salt, expiry, signed, cookieName }))
    peers.set(id, found)
  }
  return found
}

async function encode (line, node) {
  const data = line.json === undefined ? line.value : JSON.parse(line.json)
  const { status, error, setCookie } = await node.use((_session, app, request) => {
    request.session = app.createSecureSession(data)
    request.session.changed = true
  })
  return status === 200 ? { cookie: valueOf(setCookie[0]) } : { status, reason: error }
}

async function decode (line, node) {
  const header = line.header ?? `${line.cookieName ?? 'session'}=${line.cookie}`
  const { status, error, reason, value, setCookie } = await node.use(session => ({
    data: JSON.stringify(session.data()),
    ts: session.get('__ts'),
    changed: session.changed
  }), header)
  if (status !== 200) return { data: null, status, reason: error }
  if (reason !== null) return { data: null, reason }
  return { ...value, reseal: setCookie.length === 0 ? null : valueOf(setCookie[0]) }
}

for await (const text of createInterface({ input: process.stdin })) {
  let answer
  try {
    const line = JSON.parse(text)
    const node = await peerFor(line)
    setClock(line.now)
    if (line.op === 'encode') answer = await encode(line, node)
    else if (line.op === 'decode') answer = await decode(line, node)
    else throw new Error(`no such op: ${line.op}`)
  } catch (error) {
    answer = { error: error.message }
  }
  if (!process.stdout.write(JSON.stringify(answer) + '\n')) {
    await new Promise(resolve => process.stdout.once('drain', resolve))
  }
}
