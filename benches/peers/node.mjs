// Times Node's peer on its own token, for the row of the table that is about it. Prints nanoseconds
// (the median of many short runs) and its cookies, as they stand in Set-Cookie.
//
//   node node.mjs '[{session}, …]'     after `npm ci` in tests/interop

import { createRequire } from 'node:module'

const require = createRequire(new URL('../../tests/interop/package.json', import.meta.url))
const sessions = JSON.parse(process.argv[2])
const app = require('fastify')()
await app.register(require('@fastify/secure-session'), { key: Buffer.alloc(32, 7) })
await app.ready()

const made = sessions.map(session => app.createSecureSession(session))
const tokens = made.map(session => app.encodeSecureSession(session))
const log = { debug () {}, info () {}, error () {}, trace () {}, warn () {} }

function median (op, inputs) {
  const times = []
  for (let round = 0; round < 300; round++) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < 256; i++) op(inputs[i % inputs.length])
    times.push(Number(process.hrtime.bigint() - start) / 256)
  }
  // The first rounds are the compiler's.
  return times.slice(100).sort((a, b) => a - b)[100]
}

const opened = app.decodeSecureSession(tokens[0], log)
if (opened === null || opened.get('user_id') !== sessions[0].user_id) throw new Error('it does not open')
console.log(JSON.stringify({
  decode: median(token => app.decodeSecureSession(token, log).get('user_id'), tokens),
  encode: median(session => app.encodeSecureSession(session), made),
  cookies: tokens.map(encodeURIComponent)
}))
