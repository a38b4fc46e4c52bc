// What either side has to make of a session: one model, and where the two differ by design.

import { isDeepStrictEqual } from 'node:util'
import { met } from './divergences.mjs'

/** A session in the browser: `null` where there is none. `key`: the place of its key in the ring. */
export class Model {
  data = null
  ts = null
  key = 0

  constructor (expiry) { this.expiry = expiry }

  get live () { return this.data !== null }

  opens (now) { return this.live && now < this.ts + this.expiry }

  /**
   * Takes a request through one side. `typed`: a Rust kind that may be empty.
   *
   * @returns {{accepted, data, sends}} what the handler sees at its end, and whether a cookie is sent
   */
  request (side, typed, ops, now, primary = 0) {
    const accepted = this.opens(now)
    const came = this.live
    const before = accepted ? structuredClone(this.data) : null
    const state = { data: accepted ? structuredClone(this.data) : null, written: false, forced: false, fresh: !accepted, deleted: false, side, typed }
    settle(state)
    for (const op of ops) apply(state, op)
    const seen = state.data ?? {}
    const moved = accepted && this.key > primary
    const sends = side === 'node' ? this.finishNode(state, moved, now) : this.finishRust(state, { before, came, moved, now })
    if (sends && this.live) this.key = primary
    return { accepted, data: state.deleted ? undefined : seen, sends }
  }

  finishNode (state, moved, now) {
    if (state.deleted) {
      this.data = null
      return true
    }
    if (!state.written && !moved) return false
    this.data = state.data ?? {}
    if (state.written) this.ts = Math.round(now)
    return true
  }

  finishRust (state, { before, came, moved, now }) {
    const { data } = state
    if (state.deleted || (state.written && data === null)) {
      if (!state.deleted) met('empty session')
      this.data = null
      return came
    }
    if (data === null) return false
    const stored = !state.fresh
    const differs = !stored || !isDeepStrictEqual(data, before)
    const due = stored && (Math.floor(now) - this.ts) * 10 >= this.expiry
    if (state.written && (state.forced || differs)) this.ts = Math.floor(now)
    else if (due) {
      met('reading refreshes')
      this.ts = Math.floor(now)
    } else if (!moved) {
      if (state.written) met('write of the same')
      return false
    }
    this.data = data
    return true
  }
}

function apply (state, op) {
  const rust = state.side === 'rust'
  if (state.deleted && !rust) return
  const put = (key, value) => {
    if (state.deleted) {
      // For the typed kinds it is an error, and the peer goes on without it.
      if (state.typed) return
      met('write after a deletion')
      state.deleted = false
    }
    state.data ??= {}
    state.data[key] = value
    state.written = true
  }
  switch (op.op) {
    case 'set':
      if ('value' in op) put(op.key, op.value)
      else if (!rust) {
        state.data ??= {}
        delete state.data[op.key]
        state.written = true
      } else if (state.data !== null && (state.typed || Object.hasOwn(state.data, op.key))) {
        delete state.data[op.key]
        state.written = true
      }
      break
    case 'nested': put(op.path[0], place(state.data?.[op.path[0]], op.path.slice(1), op.value)); break
    case 'touch':
      if (!rust) state.written = true
      else if (state.data !== null) state.written = state.forced = true
      break
    case 'regenerate': {
      state.deleted = false
      const kept = Object.entries(state.data ?? {}).filter(([name]) => op.ignore?.includes(name))
      state.fresh = rust || state.fresh
      state.written = true
      state.data = rust && (op.ignore === undefined || (kept.length === 0 && !state.typed)) ? null : Object.fromEntries(kept)
      break
    }
    case 'delete':
      state.deleted = true
      if (rust) {
        state.data = null
        state.fresh = true
      }
      break
    default: break
  }
  settle(state)
}

/** A Rust session of named entries that is empty is none. */
function settle (state) {
  if (state.side === 'rust' && !state.typed && state.data !== null && Object.keys(state.data).length === 0) state.data = null
}

function place (found, path, value) {
  if (path.length === 0) return value
  const top = typeof found === 'object' && found !== null && !Array.isArray(found) ? structuredClone(found) : {}
  top[path[0]] = place(top[path[0]], path.slice(1), value)
  return top
}
