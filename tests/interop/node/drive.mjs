// Drives both sides: `node drive.mjs [--seed N] [--sessions N]`. Ends with `N passed, N failed`.

import { parseArgs } from 'node:util'
import { Bulk } from './bulk.mjs'
import { summary } from './check.mjs'
import { report } from './divergences.mjs'
import { Random } from './generate.mjs'
import { versions } from './peer.mjs'
import { Tokens } from './sides.mjs'

const { values } = parseArgs({ options: { seed: { type: 'string' }, sessions: { type: 'string', default: '20000' } } })
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32))
const sessions = Number(values.sessions)
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(sessions) || seed < 0 || sessions < 1) {
  console.error('error: --seed and --sessions take whole numbers')
  process.exit(2)
}

console.log(Object.entries(versions()).map(([name, version]) => `${name} ${version}`).join(', '))
console.log(`seed ${seed}: run with --seed ${seed} for the same sessions`)
const random = new Random(seed)
const node = new Tokens('node')
const rust = new Tokens('rust')
await (await import('./hops.mjs')).run(random, node, rust)
await (await import('./journeys.mjs')).run(node, rust)
await new Bulk(random, sessions, node, rust).run()
node.stop()
rust.stop()
report()
process.exit(summary() ? 0 : 1)
