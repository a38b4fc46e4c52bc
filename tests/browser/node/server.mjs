// The Rust server of a journey, in a process of its own: which requests it got, what it answered, and the
// orders that the test gives it.

import { execFileSync, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../../target/debug/browser-server', import.meta.url))
const PATIENCE = 10_000

export function makeCertificate (directory) {
  execFileSync(PROGRAM, ['certificate', directory])
}

export class Server {
  #news = new EventEmitter()
  #requests = []

  static async start (directory, flags = []) {
    const server = new Server()
    server.child = spawn(PROGRAM, [directory, ...flags], { stdio: ['pipe', 'pipe', 'inherit'] })
    const listening = new Promise((resolve, reject) => {
      server.#news.once('listening', resolve)
      server.child.on('exit', code => reject(new Error(`the server ended with ${code}`)))
      server.child.on('error', reject)
    })
    createInterface({ input: server.child.stdout }).on('line', line => server.#note(JSON.parse(line)))
    server.ports = await listening
    return server
  }

  #note ({ event, ...details }) {
    if (event === 'listening') return this.#news.emit(event, details)
    if (event === 'request') this.#requests[details.id] = details
    else this.#requests[details.id].answer = details
    this.#news.emit('news')
  }

  /** `https://a.test:PORT`, or the same with another host or over HTTP. */
  origin (host = 'a.test', scheme = 'https') {
    return `${scheme}://${host}:${this.ports[scheme]}`
  }

  /** The requests until now for a target (path and query), or for those like it. Each gets an `answer` later. */
  requests (target) {
    const like = target instanceof RegExp ? text => target.test(text) : text => text === target
    return this.#requests.filter(request => like(request.target))
  }

  /** Waits until a request for the target has come. */
  async arrived (target, count = 1) {
    return await this.#until(() => this.requests(target)[count - 1], `request ${count} for ${target}`)
  }

  /** Waits until all requests for the target are answered: `{ status, set }`, where `set` names cookies. */
  async answers (target) {
    await this.arrived(target)
    const all = () => this.requests(target).every(request => request.answer !== undefined)
    await this.#until(all, `the answers to ${target}`)
    return this.requests(target).map(({ answer: { status, set } }) => ({ status, set }))
  }

  async #until (holds, what) {
    const deadline = AbortSignal.timeout(PATIENCE)
    for (;;) {
      const found = holds()
      if (found) return found
      await new Promise((resolve, reject) => {
        this.#news.once('news', resolve)
        deadline.addEventListener('abort', () => reject(new Error(`the server does not see ${what}`)), { once: true })
      })
    }
  }

  /** Lets the sessions' clock go on. */
  async advance (seconds) {
    await this.#order(`advance?milliseconds=${1000 * seconds}`)
  }

  /** Lets one answer go that the server holds back. */
  async release () {
    await this.#order('release')
  }

  /** From now on a new key seals; the old one opens. */
  async rotate () {
    await this.#order('rotate')
  }

  async #order (order) {
    const response = await fetch(`${this.origin('127.0.0.1', 'http')}/control/${order}`, { method: 'POST' })
    if (!response.ok) throw new Error(`${order} is answered with ${response.status}`)
  }

  stop () {
    this.child.stdin.end()
  }
}
