// Why Node reads a cookie that Rust refuses: found from the cookie and the plaintext alone, never from
// what either side says. What finds no reason here is a divergence that nobody has documented.

import { createHmac } from 'node:crypto'
import { sodium } from './peer.mjs'

const SKEW = 60

/** The raw value of the first cookie of that name, as Node parses the header. */
function firstValue (header, name) {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name) return { value: pair.slice(at + 1).trim(), spaced: /[ \t]$/.test(pair.slice(0, at)) }
  }
  return { value: undefined, spaced: false }
}

/** Whether the header has a cookie of that name: without one Node begins an empty session. */
export const hasCookie = (header, name) => firstValue(header, name).value !== undefined

const unescaped = value => {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

export function derivedSecret (hex) {
  const out = Buffer.alloc(sodium.crypto_generichash_BYTES)
  sodium.crypto_generichash(out, Buffer.from(hex, 'hex'))
  return out.toString('hex')
}

function isSigned (value, secrets) {
  const dot = value.lastIndexOf('.')
  return secrets.some(secret => createHmac('sha256', secret).update(value.slice(0, dot)).digest('base64').replace(/=/g, '') === value.slice(dot + 1))
}

/** Why this cookie, which Node reads, is not one that Node writes. */
export function laxSpelling (header, name, keys, signed) {
  const { value, spaced } = firstValue(header, name)
  if (spaced) return 'spaces round the name'
  if (name.length + value.length > 4096) return 'larger than a browser keeps'
  if (/%(?!2[BbFf]|3[BbDd])/.test(value)) return 'escaped letter'
  let token = unescaped(value)
  if (signed) {
    if (!isSigned(token, keys.map(derivedSecret))) return 'signature missing'
    token = token.slice(0, token.lastIndexOf('.'))
  }
  const parts = token.split(';')
  if (parts.length > 2) return 'third part'
  for (const part of parts) {
    if (/[^A-Za-z0-9+/=_-]/.test(part)) return 'junk in the base64'
    if (/[_-]/.test(part)) return 'url-safe base64'
    const bare = part.replace(/=+$/, '')
    if (bare.includes('=') || bare.length % 4 === 1 || (part !== bare && part.length % 4 !== 0) || part.length - bare.length > 2) return 'padding'
    if (Buffer.from(bare, 'base64').toString('base64').replace(/=+$/, '') !== bare) return 'slack bits'
  }
}

/** The names at the top of a JSON object's text, and the text of each value's first token. */
export function topMembers (text) {
  const found = []
  let depth = 0
  let key
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^[\]{}:,"\s]+/gs)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (depth === 1 && token === ',') key = undefined
    else if (depth === 1 && token !== ':') {
      if (key === undefined) key = JSON.parse(token)
      else found.push([key, token])
      continue
    }
    if (depth === 2 && (token === '{' || token === '[')) found.push([key, token])
  }
  return found
}

/** Why this plaintext, which Node reads, is not one that Node writes. */
export function laxPayload (plaintext, now) {
  const text = plaintext.toString('utf8')
  if (!Buffer.from(text).equals(plaintext)) return 'not UTF-8'
  const value = JSON.parse(text)
  if (Array.isArray(value)) return 'payload an array'
  const members = topMembers(text)
  if (new Set(members.map(([name]) => name)).size < members.length) return 'names twice'
  if (!Object.hasOwn(value, '__ts')) return 'time missing'
  if (typeof value.__ts !== 'number') return 'time not a number'
  const literal = members.find(([name]) => name === '__ts')[1]
  if (!/^[0-9]+$/.test(literal)) return 'time not whole'
  if (value.__ts > Math.floor(now) + SKEW) return 'time in the future'
}

/** What of a JSON text Node does not write on as it stands. */
export function lossy (text) {
  const found = new Set()
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs)) {
    if (token[0] === '"') continue
    const number = Number(token)
    if (!Number.isFinite(number)) found.add('number beyond doubles')
    else if (Object.is(number, -0)) found.add('minus zero')
    else if (/^-?\d+$/.test(token) && BigInt(token) !== BigInt(number)) found.add('integer beyond 2^53')
  }
  return found
}
