// The real peer, for the other programs of this folder: a fastify app with @fastify/secure-session in
// it, its own cookie reader and writer, a clock in the hand and secretbox for forging payloads.
// Nothing here re-implements what the plugin does.

import { createRequire } from 'node:module'
import Fastify from 'fastify'

const require = createRequire(import.meta.url)
export const secureSession = require('@fastify/secure-session')
export const fastifyCookie = require('@fastify/cookie')
// The plugin's own copy of sodium-native, whichever folder npm put it in.
export const sodium = createRequire(require.resolve('@fastify/secure-session'))('sodium-native')

export function versions () {
  const version = (name, from = require) => from(`${name}/package.json`).version
  const plugin = createRequire(require.resolve('@fastify/secure-session'))
  const jar = createRequire(require.resolve('@fastify/cookie'))
  return {
    node: process.version,
    fastify: version('fastify'),
    '@fastify/secure-session': version('@fastify/secure-session'),
    '@fastify/cookie': version('@fastify/cookie'),
    // Its package.json is not among its exports.
    cookie: packageOf(jar.resolve('cookie')).version,
    'sodium-native': version('sodium-native', plugin)
  }
}

function packageOf (file) {
  const { readFileSync, existsSync } = require('node:fs')
  const path = require('node:path')
  let dir = path.dirname(file)
  while (!existsSync(path.join(dir, 'package.json'))) dir = path.dirname(dir)
  return JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8'))
}

const realNow = Date.now
/** Sets what `Date.now()` says, in seconds with a fraction; `null` gives the real clock back. */
export function setClock (seconds) {
  if (seconds === null || seconds === undefined) {
    Date.now = realNow
  } else {
    const ms = Math.round(seconds * 1000)
    Date.now = () => ms
  }
}

/**
 * The options of one session as JSON can say them: `keys` (hex) or `key` (any text), `secret` and
 * `salt`, `expiry`, `signed`, `sessionName`, `cookieName`, `cookie`.
 */
export function sessionOptions (config) {
  const { keys, key, signed, cookie, ...rest } = config
  const options = { ...rest, cookie: { ...cookie } }
  if (keys !== undefined) options.key = keys.map(hex => Buffer.from(hex, 'hex'))
  if (key !== undefined) options.key = key
  if (signed !== undefined) options.cookie.signed = signed
  return options
}

/** Keeps the last thing the plugin said: its debug lines are why a cookie was refused. */
class LastWord {
  level = 'debug'
  last = null
  debug (...words) { this.last = words.at(-1) }
  error () {}
  fatal () {}
  warn () {}
  info () {}
  trace () {}
  silent () {}
  child () { return this }
  take () {
    const last = this.last
    this.last = null
    return typeof last === 'string' ? last.replace(/^@fastify\/secure-session: /, '').replace(', creating an empty session', '') : null
  }
}

/**
 * One app with the plugin. `use(handler, cookieHeader)` makes a whole request of it: the plugin's
 * hooks read the header, `handler(session, app, request)` runs, the hooks answer.
 *
 * @returns {{status, reason, value, setCookie}} `reason` is the plugin's word on a refused cookie,
 * `value` what the handler returned, `setCookie` the lines it sent.
 */
export async function peer (options, { cookieSecret } = {}) {
  const log = new LastWord()
  const app = Fastify({ loggerInstance: log })
  if (cookieSecret !== undefined) await app.register(fastifyCookie, cookieSecret === null ? {} : { secret: cookieSecret })
  await app.register(secureSession, options)
  let handler
  let seen
  const first = Array.isArray(options) ? options[0] : options
  const name = first.sessionName ?? 'session'
  app.get('/', (request, reply) => {
    seen.reason = log.take()
    seen.value = handler(request[name], app, request)
    reply.send('')
  })
  await app.ready()
  return {
    app,
    async use (run, header) {
      handler = run
      seen = { reason: null, value: undefined }
      log.take()
      const response = await app.inject({ url: '/', headers: header === undefined ? {} : { cookie: header } })
      const sent = response.headers['set-cookie']
      return {
        status: response.statusCode,
        error: response.statusCode === 200 ? undefined : response.json().message,
        reason: seen.reason,
        value: seen.value,
        setCookie: sent === undefined ? [] : [].concat(sent)
      }
    }
  }
}

/** The value of a `Set-Cookie` line as a browser would send it back. */
export function valueOf (line) {
  return line.slice(line.indexOf('=') + 1).split(';')[0]
}

/** Seals any bytes under a key, as the plugin would: its answer to what it would not write itself. */
export function box (plaintext, key, nonce = Buffer.alloc(24, 1)) {
  const bytes = Buffer.from(plaintext)
  const cipher = Buffer.alloc(bytes.length + sodium.crypto_secretbox_MACBYTES)
  sodium.crypto_secretbox_easy(cipher, bytes, nonce, key)
  return { cipher, nonce }
}

/** The same as the token text, before percent-encoding. */
export function token (plaintext, key, nonce) {
  const { cipher, nonce: n } = box(plaintext, key, nonce)
  return `${cipher.toString('base64')};${n.toString('base64')}`
}

/** Opens a token of ours or of the plugin's, to look at its plaintext. */
export function open (value, key) {
  const [cipher, nonce] = decodeURIComponent(value).split(';').map(part => Buffer.from(part, 'base64'))
  const plaintext = Buffer.alloc(cipher.length - sodium.crypto_secretbox_MACBYTES)
  if (!sodium.crypto_secretbox_open_easy(plaintext, cipher, nonce, key)) throw new Error('does not open')
  return plaintext.toString('utf8')
}
