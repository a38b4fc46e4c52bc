// Every way in which the two sides may differ, each with its reason and the page that documents it.
// The driver fails on any other. It counts how often each was met.

const GUIDE = 'docs/guide/moving_from_node.md'

/** `rust`: what Rust does that Node does not, or the other way round. */
export const divergences = {
  // Spellings that only a lenient decoder takes: Node reads, Rust refuses.
  'escaped letter': { rust: 'refuses', reason: 'no writer escapes anything but `+ / = ;`; one spelling less to know', page: GUIDE },
  'junk in the base64': { rust: 'refuses', reason: 'Node skips characters that are not base64, so a cookie has endless spellings', page: GUIDE },
  'url-safe base64': { rust: 'refuses', reason: 'the format is the standard alphabet; Node writes no other', page: GUIDE },
  padding: { rust: 'refuses', reason: 'padding is whole or absent; Node takes any, and nothing behind it', page: GUIDE },
  'slack bits': { rust: 'refuses', reason: 'the unused bits of a last character are zero', page: GUIDE },
  'third part': { rust: 'refuses', reason: 'Node ignores what follows a second semicolon', page: GUIDE },
  'spaces round the name': { rust: 'refuses', reason: 'no browser sends them', page: GUIDE },
  'larger than a browser keeps': { rust: 'refuses', reason: 'name and value over 4096 bytes; browsers have dropped it', page: GUIDE },

  // Signatures.
  'signature missing': { rust: 'refuses', reason: 'where signing is configured a valid signature is required; Node takes a cookie whose signature was stripped', page: GUIDE },
  'signature of an older key': { rust: 'accepts', reason: 'a rotation keeps sessions; Node checks with the first key alone and drops them', page: GUIDE },

  // Times.
  'time missing': { rust: 'refuses', reason: 'Node never expires it', page: GUIDE },
  'time not a number': { rust: 'refuses', reason: 'Node never expires a text, an object or an array', page: GUIDE },
  'time not whole': { rust: 'refuses', reason: 'Node writes whole seconds in digits; a fraction or an exponent is not its own', page: GUIDE },
  'time in the future': { rust: 'refuses', reason: 'beyond a minute of clock skew; Node lets it live as long as it says', page: GUIDE },

  // Payloads.
  'payload an array': { rust: 'refuses', reason: 'a session is an object; Node never expires an array', page: GUIDE },
  'names twice': { rust: 'refuses', reason: 'whoever reads the first and whoever reads the last would see two sessions; Node takes the last and writes none', page: GUIDE },
  'not UTF-8': { rust: 'refuses', reason: 'Node reads U+FFFD in its place and never writes it', page: GUIDE },

  // Values that both read, and Node writes on otherwise.
  'minus zero': { rust: 'keeps', reason: 'Node reads -0 and writes 0', page: GUIDE },
  'integer beyond 2^53': { rust: 'keeps', reason: 'Node reads the nearest double, and writes that at its next write', page: GUIDE },
  'number beyond doubles': { rust: 'keeps', reason: 'Node reads 1e400 as Infinity and writes null at its next write', page: GUIDE },

  // Whole cookies.
  'second cookie of the name': { rust: 'accepts', reason: 'up to four cookies of one name are tried; Node looks at the first alone', page: GUIDE },
  'Node answers 500': { rust: 'refuses', reason: 'an authentic payload that is no object is a refusal like any other', page: GUIDE },

  // Behaviour, met on the sockets.
  'empty session': { rust: 'removes', reason: 'a session of no entries is no session: its cookie is removed; Node sends an empty one', page: GUIDE },
  'write of the same': { rust: 'is silent', reason: 'writing what is there changes nothing; Node sends the cookie anew with a new time', page: GUIDE },
  'reading refreshes': { rust: 'sends', reason: 'a read counts as activity once a tenth of the timeout is used up; in Node only writes do', page: GUIDE }
}

const counts = new Map()

export function met (name) {
  if (divergences[name] === undefined) throw new Error(`no such divergence is documented: ${name}`)
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

export function report () {
  console.log('documented divergences, and how often each was met:')
  for (const [name, { rust, reason }] of Object.entries(divergences)) {
    console.log(`  ${String(counts.get(name) ?? 0).padStart(6)}  ${name}: Rust ${rust}. ${reason[0].toUpperCase()}${reason.slice(1)}.`)
  }
  return Object.keys(divergences).filter(name => !counts.has(name))
}
