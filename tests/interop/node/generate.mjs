// Random JSON objects as texts, in every spelling that JSON has, from a seed.

/** xorshift128, seeded through splitmix32. */
export class Random {
  constructor (seed) {
    let x = seed >>> 0
    const mix = () => {
      x = (x + 0x9e3779b9) >>> 0
      let z = x
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
      return (z ^ (z >>> 15)) >>> 0
    }
    this.state = [mix(), mix(), mix(), mix() | 1]
  }

  next () {
    const s = this.state
    let t = s[3]
    s[3] = s[2]; s[2] = s[1]; s[1] = s[0]
    t ^= t << 11; t ^= t >>> 8
    s[0] = (t ^ s[0] ^ (s[0] >>> 19)) >>> 0
    return s[0]
  }

  below (n) { return this.next() % n }
  between (low, high) { return low + this.below(high - low + 1) }
  chance (percent) { return this.below(10000) < percent * 100 }
  pick (list) { return list[this.below(list.length)] }
  bytes (n) { return Buffer.from(Array.from({ length: n }, () => this.below(256))) }
}

const hex = (r, n) => {
  const digits = n.toString(16).padStart(4, '0')
  return `\\u${r.chance(50) ? digits : digits.toUpperCase()}`
}

function character (r) {
  switch (r.below(16)) {
    case 0: return r.pick(['\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t'])
    case 1: return hex(r, r.below(0xd800))
    case 2: return hex(r, 0xe000 + r.below(0x2000))
    case 3: return hex(r, 0xd800 + r.below(0x400)) + hex(r, 0xdc00 + r.below(0x400))
    case 4: return r.chance(30) ? hex(r, 0xd800 + r.below(0x800)) : 'x'
    case 5: return String.fromCodePoint(0xa0 + r.below(0xd000))
    case 6: return String.fromCodePoint(0x10000 + r.below(0x100000))
    case 7: return r.pick(['\u2028', '\u2029', '\u007f', '\ufeff', '\ufffd', '\uffff', '<', "'", ';', '%', '+', '='])
    default: return String.fromCharCode(r.pick([32, 33, 35 + r.below(57), 93 + r.below(34)]))
  }
}

function string (r, longest = 24) {
  let text = ''
  for (let n = r.below(r.chance(10) ? longest * 8 : longest); n > 0; n--) text += character(r)
  return `"${text}"`
}

function number (r) {
  const digits = n => String(r.between(1, 9)) + Array.from({ length: n - 1 }, () => r.below(10)).join('')
  const sign = r.chance(30) ? '-' : ''
  switch (r.below(12)) {
    case 0: return r.pick(['0', '-0', '-0.0', '0.0', '1.0', '1e2', '1E+2', '0e0', '5e-324', '2.5e-325', '1.7976931348623157e308'])
    case 1: return r.pick(['9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993', '9223372036854775807', '18446744073709551615', '-9223372036854775808', '18446744073709551616'])
    case 2: return sign + digits(r.between(16, 40))
    case 3: return r.chance(30) ? sign + r.pick(['1e400', '1e309', '2E999999']) : '7'
    case 4: case 5: return `${sign}${digits(r.between(1, 8))}.${digits(r.between(1, 17))}`
    case 6: return `${sign}${digits(r.between(1, 17))}${r.pick(['e', 'E'])}${r.pick(['', '+', '-'])}${r.below(300)}`
    default: return sign + digits(r.between(1, 9))
  }
}

const NAMES = ['a', 'b', 'user', 'id', 'constructor', 'toString', 'get', 'data', 'changed', '', ' ', '__proto__', '__ts2', '$serde_json::private::RawValue']
function name (r) {
  switch (r.below(8)) {
    case 0: return JSON.stringify(String(r.pick([0, 1, 9, 10, 4294967294, 4294967295, r.below(1000), '01', '-1'])))
    case 1: return string(r, 6)
    case 2: case 3: return JSON.stringify(r.pick(NAMES))
    default: return `"${String.fromCharCode(97 + r.below(26))}${r.below(100)}"`
  }
}

const space = r => r.chance(4) ? r.pick([' ', '\n', '\t', '\r\n', '  ']) : ''

function value (r, depth) {
  const kind = r.below(depth > 0 ? 12 : 8)
  if (kind < 3) return string(r)
  if (kind < 6) return number(r)
  if (kind < 8) return r.pick(['null', 'true', 'false'])
  const many = r.below(5)
  if (kind < 10) return `[${space(r)}${Array.from({ length: many }, () => value(r, depth - 1) + space(r)).join(',')}]`
  const nested = () => r.chance(3) ? '"__ts"' : name(r)
  return `{${space(r)}${Array.from({ length: many }, () => `${nested()}${space(r)}:${space(r)}${value(r, depth - 1)}`).join(',')}}`
}

function deep (r) {
  const depth = r.pick([100, 126, 127, 128, 129, 130, 200, r.between(100, 700)])
  return r.chance(50) ? '['.repeat(depth) + value(r, 0) + ']'.repeat(depth) : '{"a":'.repeat(Math.ceil(depth / 2)) + value(r, 0) + '}'.repeat(Math.ceil(depth / 2))
}

/** Members of a session, no two of one name, none of them `__ts`. */
export function members (r) {
  const known = new Set(['__ts'])
  const list = []
  for (let n = r.chance(3) ? 0 : r.below(r.chance(10) ? 40 : 8); n >= 0 && !(n === 0 && list.length === 0 && r.chance(5)); n--) {
    const member = name(r)
    const plain = JSON.parse(member)
    if (known.has(plain)) continue
    known.add(plain)
    list.push(`${space(r)}${member}${space(r)}:${space(r)}${r.chance(1) ? deep(r) : value(r, 4)}`)
  }
  return list
}

/** A session's JSON; some are filled up to about as many bytes as a cookie can carry. */
export function session (r) {
  const text = `{${members(r).join(',')}}`
  if (!r.chance(6)) return text
  const missing = r.between(r.chance(50) ? 2700 : 2985, 3015) - Buffer.byteLength(text)
  if (missing < 20) return text
  const filler = `"filler${r.below(10)}":"${'x'.repeat(missing - 11)}"`
  return text === '{}' ? `{${filler}}` : `${text.slice(0, -1)},${filler}}`
}
