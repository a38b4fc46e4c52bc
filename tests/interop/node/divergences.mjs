// Every way in which the two sides may differ, each with its reason, and the words that document it in a
// section of the guide's page. The driver fails on any other, and if the page does not have the words.
// It counts how often each was met.

import { readFileSync } from 'node:fs'

const PAGE = '../../../docs/guide/moving_from_node.md'
const [CHANGES, EDGES, STRICTER] = ['What changes', 'JSON at the edges', 'Where this side is stricter']

/** `rust`: what Rust does that Node does not, or the other way round. */
export const divergences = {
  // Spellings that only a lenient decoder takes: Node reads, Rust refuses.
  'escaped letter': { rust: 'refuses', reason: 'no writer escapes anything but `+ / = ;`; one text form less to know', section: STRICTER, says: 'accepts any character escaped' },
  'junk in the base64': { rust: 'refuses', reason: 'Node skips characters that are not base64, so a cookie has endless text forms', section: STRICTER, says: 'accepts junk in the base64' },
  'url-safe base64': { rust: 'refuses', reason: 'the format is the standard alphabet; Node writes no other', section: STRICTER, says: 'the URL-safe alphabet' },
  padding: { rust: 'refuses', reason: 'padding is whole or absent; Node takes any, and nothing behind it', section: STRICTER, says: 'half or misplaced padding' },
  'slack bits': { rust: 'refuses', reason: 'the unused bits of a last character are zero', section: STRICTER, says: 'any value of unused bits' },
  'third part': { rust: 'refuses', reason: 'Node ignores what follows a second semicolon', section: STRICTER, says: 'ignores what follows a second `;`' },
  'spaces round the name': { rust: 'refuses', reason: 'no browser sends them', section: STRICTER, says: "trims spaces around a cookie's name" },
  'larger than a browser keeps': { rust: 'refuses', reason: 'name and value over 4096 bytes; browsers have dropped it', section: STRICTER, says: 'A cookie of more than 4096 bytes' },

  // Signatures.
  'signature missing': { rust: 'refuses', reason: 'where signing is configured a valid signature is required; Node takes a cookie whose signature was stripped', section: STRICTER, says: 'accepts a `signed: true` cookie without its signature' },
  'signature of an older key': { rust: 'accepts', reason: 'a rotation keeps sessions; Node checks with the first key alone and drops them', section: STRICTER, says: 'drops all sessions at a rotation if they are `signed`' },

  // Times.
  'time missing': { rust: 'refuses', reason: 'Node never expires it', section: STRICTER, says: 'whose `__ts` is missing' },
  'time not a number': { rust: 'refuses', reason: 'Node never expires a text, an object or an array', section: STRICTER, says: 'a text, a list or an object' },
  'time not whole': { rust: 'refuses', reason: 'Node writes whole seconds in digits; a fraction or an exponent is not its own', section: STRICTER, says: 'a `__ts` with a fraction or an exponent' },
  'time in the future': { rust: 'refuses', reason: 'beyond a minute of clock skew; Node lets it live as long as it says', section: STRICTER, says: 'at any time in the future' },

  // Payloads.
  'payload an array': { rust: 'refuses', reason: 'a session is an object; Node never expires an array', section: EDGES, says: 'a list, `null`, a number, not JSON' },
  'names twice': { rust: 'refuses', reason: 'a reader of the first and a reader of the last would see two sessions; Node takes the last and writes none', section: EDGES, says: 'two members of one name' },
  'not UTF-8': { rust: 'refuses', reason: 'Node reads U+FFFD in its place and never writes it', section: EDGES, says: 'text that is not UTF-8' },

  // Values that both read, and Node writes on otherwise.
  'minus zero': { rust: 'keeps', reason: 'Node reads -0 and writes 0', section: EDGES, says: 'writes `0`, so the sign is lost' },
  'integer beyond 2^53': { rust: 'keeps', reason: 'Node reads the nearest double, and writes that at its next write', section: EDGES, says: 'Integers beyond 2⁵³ do not survive Node' },
  'number beyond doubles': { rust: 'keeps', reason: 'Node reads 1e400 as Infinity and writes null at its next write', section: EDGES, says: '| `1e400` |' },

  // Whole cookies.
  'second cookie of the name': { rust: 'accepts', reason: 'up to four cookies of one name are tried; Node looks at the first alone', section: STRICTER, says: 'takes the first of two cookies of one name' },
  'Node answers 500': { rust: 'refuses', reason: 'an authentic payload that is no object is a refusal like any other', section: STRICTER, says: 'answers 500 to an authentic cookie' },

  // Behaviour, met on the sockets.
  'write after a deletion': { rust: 'begins a session', reason: 'what was answered without an error takes effect: a session of entries begins again with that entry alone. In Node the write is lost', section: CHANGES, says: '| a write after `delete` | is lost |' },
  'empty session': { rust: 'removes', reason: 'a session of no entries is no session: its cookie is removed; Node sends an empty one', section: CHANGES, says: '| an empty session |' },
  'write of the same': { rust: 'is silent', reason: 'writing what is there changes nothing; Node sends the cookie again with a new time', section: CHANGES, says: 'after every `set`, even if the value is unchanged' },
  'reading refreshes': { rust: 'sends', reason: 'a read counts as activity once a tenth of the timeout is used up; in Node only writes do', section: CHANGES, says: 'also reading, once a tenth of the idle timeout has passed' }
}

const page = readFileSync(new URL(PAGE, import.meta.url), 'utf8')
for (const [name, { section, says }] of Object.entries(divergences)) {
  const text = page.split(/^## /m).find(part => part.startsWith(`${section}\n`)) ?? ''
  if (!text.includes(says)) throw new Error(`${name}: “${section}” of ${PAGE} does not say “${says}”`)
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
