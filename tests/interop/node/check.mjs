// Counts what held and what did not, and says it. The first failures are shown in full; of many of
// one kind, the rest are only counted.

import { isDeepStrictEqual } from 'node:util'

const SHOWN = 5
const totals = { passed: 0, failed: 0 }
const shown = new Map()

export class Wrong extends Error {}

export function pass () { totals.passed++ }

export function fail (what, detail) {
  totals.failed++
  const before = shown.get(what) ?? 0
  shown.set(what, before + 1)
  if (before < SHOWN) console.log(`FAIL ${what}: ${detail}`)
}

export function same (found, wanted, what) {
  if (isDeepStrictEqual(found, wanted)) return
  throw new Wrong(`${what}: found ${brief(found)}, wanted ${brief(wanted)}`)
}

export function holds (condition, what) {
  if (!condition) throw new Wrong(what)
}

/** One case of a suite: it passes unless it throws. `which` tells the case among those of its kind. */
export async function check (what, run, which = '') {
  try {
    await run()
    pass()
    return true
  } catch (error) {
    fail(what, `${error instanceof Wrong ? error.message : error.stack}${which === '' ? '' : `\n     ${which}`}`)
    return false
  }
}

/** A named test, one line of output. */
export async function test (name, run) {
  const before = totals.failed
  await check(name, run)
  if (totals.failed === before) console.log(`ok   ${name}`)
}

export function summary () {
  console.log(`${totals.passed} passed, ${totals.failed} failed`)
  return totals.failed === 0 && totals.passed > 0
}

export function brief (value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (text === undefined) return 'undefined'
  return text.length > 400 ? `${text.slice(0, 400)}… (${text.length})` : text
}
