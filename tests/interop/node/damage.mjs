// What may befall a cookie, and payloads that only somebody with the key can have sealed.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

const cut = (text, at, remove, insert = '') => text.slice(0, at) + insert + text.slice(at + remove)
const printable = r => String.fromCharCode(r.pick([33, 35 + r.below(9), 45 + r.below(14), 60 + r.below(67)]))

const damages = [
  (r, cookie) => {
    const at = r.below(cookie.length)
    const code = cookie.charCodeAt(at) ^ (1 << r.below(8))
    // A server's HTTP parser lets no control character through.
    return cut(cookie, at, 1, code < 32 || code === 127 ? '!' : String.fromCharCode(code))
  },
  (r, cookie) => cut(cookie, r.below(cookie.length), 1, r.pick(ALPHABET)),
  (r, cookie) => cut(cookie, r.below(cookie.length), 1, printable(r)),
  (r, cookie) => cut(cookie, r.below(cookie.length + 1), 0, printable(r)),
  (r, cookie) => cut(cookie, r.below(cookie.length + 1), 0, r.pick(['%20', '%0A', '%00', '%C3%BC', '%3B', '%3D', '%2B', '%zz', '%', '.', '==', '"'])),
  (r, cookie) => cut(cookie, r.below(cookie.length), 1 + r.below(4)),
  (r, cookie) => cookie.slice(0, r.below(cookie.length)),
  (r, cookie) => cookie.slice(r.below(cookie.length)),
  (r, cookie) => {
    const at = r.below(cookie.length)
    return cut(cookie, at, 1, `%${cookie.charCodeAt(at).toString(16)}`)
  },
  (_r, cookie) => cookie.replace(/%2B/gi, '+').replace(/%2F/gi, '/').replace(/%3D/gi, '='),
  (_r, cookie) => cookie.replace(/%[0-9A-F]{2}/g, escape => escape.toLowerCase()),
  (r, cookie) => cookie.replace(/%[0-9A-F]{2}/g, escape => r.chance(50) ? escape.toLowerCase() : escape),
  (_r, cookie) => encodeURIComponent(cookie),
  (_r, cookie) => `"${cookie}"`,
  (_r, cookie) => cookie.replace(/%2B/g, '-').replace(/%2F/g, '_').replace(/\+/g, '-').replace(/\//g, '_'),
  (_r, cookie) => cookie.replace(/%3D|=/g, ''),
  (_r, cookie) => cookie.replace('%3B', '%3D%3B'),
  (r, cookie) => {
    const at = cookie.search(/(%3D)*%3B/) - 1
    return cut(cookie, at, 1, r.pick(ALPHABET))
  },
  (r, cookie) => cut(cookie, cookie.length - 1, 1, r.pick(ALPHABET)),
  (r, cookie) => `${cookie}${r.pick(['%3B', '%3Bjunk', '%3D', '%3D%3D', '=', 'A', 'AA', 'AAAA', '.', '.A', '%2E', ' ', '%3B.AAAA'])}`,
  (_r, cookie) => cookie.replace(/\.[^.]*$/, ''),
  (_r, cookie) => cookie.replace(/\.[^.]*$/, '.'),
  (r, cookie) => `${cookie.replace(/\.[^.]*$/, '')}.${Array.from({ length: 43 }, () => r.pick(ALPHABET)).join('')}`,
  (_r, cookie) => `${cookie}%3D`,
  (r, cookie, other) => {
    const [box, nonce] = [cookie.split('%3B')[0], other.split('%3B')[1]]
    return r.chance(50) ? `${box}%3B${nonce}` : `${nonce}%3B${box}`
  },
  (r, cookie, other) => other
]

/** A Cookie header with a damaged cookie in it. */
export function damage (r, cookie, other) {
  if (r.chance(4)) {
    const junk = r.pick(['junk', '', other.slice(3), 'a%3Bb'])
    return r.pick([`session=${junk}; session=${cookie}`, `x=1; session=${cookie}; session=${junk}`, `session =${cookie}`, `session= ${cookie} `, `session=${junk};session=${junk}; session=${cookie}`, `xsession=${cookie}`])
  }
  let value = cookie
  for (let n = r.chance(75) ? 1 : 2; n > 0 && value.length > 0; n--) value = r.pick(damages)(r, value, other)
  return `session=${value}`
}

const TIMES = now => [
  'null', 'true', 'false', '""', '"soon"', `"${now}"`, '{}', '[]', `[${now}]`, '0', '-1', '-0', `${now}.0`, `${now}.25`, '1.7e9', `${now * 1000}`, '1e300', '1e400', '-1e400',
  '18446744073709551615', '18446744073709551616', `${now + 59}`, `${now + 60}`, `${now + 61}`, `${now + 1e9}`, `${now - 86400}`, `${now - 86401}`, `${now - 86402}`, '9007199254740993'
]

/** A plaintext that Node did not write. */
export function tamper (r, text, now) {
  const inner = text.slice(1, -1)
  const time = `"__ts":${now}`
  const join = (...parts) => `{${parts.filter(part => part.trim() !== '').join(',')}}`
  const good = r.pick([join(time, inner), join(inner, time), join(inner, `"\\u005f_ts" : ${now}`)])
  switch (r.below(12)) {
    case 0: return Buffer.from(text)
    case 1: case 2: return Buffer.from(join(inner, `"__ts":${r.pick(TIMES(now))}`))
    case 3: return Buffer.from(join(time, inner, `"__ts":${r.pick([now - 5, 1, '"x"'])}`))
    case 4: return Buffer.from(join('"a":1', inner, time, r.pick(['"a":2', '"\\u0061":2'])))
    case 5: return Buffer.from(r.pick(['null', '1', 'true', '"x"', '', '[]', '[1,2]', `[{${time}}]`, 'hello', `${good}x`, `${good}{}`, `\ufeff${good}`, good.slice(0, -1), `${good.slice(0, -1)},}`]))
    case 6: {
      const bytes = Buffer.from(good)
      bytes[r.below(bytes.length)] = r.below(256)
      return bytes
    }
    case 7: {
      const bytes = Buffer.from(good)
      return Buffer.concat([bytes.subarray(0, r.below(bytes.length)), r.bytes(1), bytes.subarray(r.below(bytes.length))])
    }
    case 8: {
      const at = r.below(good.length)
      return Buffer.from(good.slice(0, at) + r.pick(['"', '\\', ',', ':', '{', '}', '[', ']', '0', '-', '.', 'e', 'null', '\\ud800', '\\x', '\n', '\u0001', ' ', '/**/', "'", '\u00a0']) + good.slice(at + r.below(2)))
    }
    case 9: return Buffer.from(`${r.pick([' ', '\n', '\t\r', '\u000b', '\u00a0', '\u0000'])}${good}${r.pick(['', ' ', '\n', '\u0000', '\u2028'])}`)
    default: return Buffer.from(good)
  }
}
