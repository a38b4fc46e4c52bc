// Both sides as programs: servers on sockets, and the two line protocols.

import { spawn } from 'node:child_process'
import http from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const here = name => fileURLToPath(new URL(name, import.meta.url))
const RUST = process.env.INTEROP_PEER ?? here('../../../target/checked/interop-peer')

const commands = {
  node: { serve: [process.execPath, here('server.mjs')], tokens: [process.execPath, here('tokens.mjs')] },
  rust: { serve: [RUST, 'serve'], tokens: [RUST, 'tokens'] }
}

/** A server of one side. */
export class Server {
  static async start (side, config) {
    const server = new Server()
    server.side = side
    const [command, ...args] = commands[side].serve
    const text = JSON.stringify({ ...config, port: 0, exitWithStdin: true })
    server.child = spawn(command, [...args, text], { stdio: ['pipe', 'pipe', 'inherit'] })
    const port = await new Promise((resolve, reject) => {
      createInterface({ input: server.child.stdout }).on('line', line => {
        if (line.startsWith('listening ')) resolve(Number(line.slice(10)))
      })
      server.child.on('exit', code => reject(new Error(`the ${side} server ended with ${code}`)))
      server.child.on('error', reject)
    })
    server.port = port
    server.agent = new http.Agent({ keepAlive: true })
    return server
  }

  /** @returns {{status, text, setCookie}} */
  post (path, body, cookieHeader) {
    const data = Buffer.from(JSON.stringify(body))
    const headers = { 'content-type': 'application/json', 'content-length': data.length }
    if (cookieHeader !== undefined) headers.cookie = cookieHeader
    const options = { host: '127.0.0.1', port: this.port, path, method: 'POST', headers, agent: this.agent }
    return new Promise((resolve, reject) => {
      const request = http.request(options, response => {
        const parts = []
        response.on('data', part => parts.push(part))
        response.on('end', () => resolve({
          status: response.statusCode,
          text: Buffer.concat(parts).toString('utf8'),
          setCookie: response.headers['set-cookie'] ?? [],
          headers: response.headers
        }))
      })
      request.on('error', reject)
      request.end(data)
    })
  }

  async clock (now) {
    const { status } = await this.post('/clock', { now })
    if (status !== 200) throw new Error(`the ${this.side} server's clock: ${status}`)
  }

  async ring (config) {
    const { status, text } = await this.post('/ring', config)
    if (status !== 200) throw new Error(text)
  }

  stop () {
    this.agent.destroy()
    this.child.removeAllListeners('exit')
    this.child.stdin.end()
  }
}

/** A line protocol; answers come in the order of the questions. */
export class Tokens {
  constructor (side) {
    const [command, ...args] = commands[side].tokens
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.waiting = []
    createInterface({ input: this.child.stdout }).on('line', line => this.waiting.shift()(JSON.parse(line)))
    this.child.on('exit', code => {
      if (this.waiting.length > 0) {
        console.error(`the ${side} tokens ended with ${code} while ${this.waiting.length} answers were due`)
        process.exit(1)
      }
    })
  }

  ask (question) {
    return new Promise(resolve => {
      this.waiting.push(resolve)
      this.child.stdin.write(JSON.stringify(question) + '\n')
    })
  }

  encode (question) { return this.ask({ op: 'encode', ...question }) }
  decode (question) { return this.ask({ op: 'decode', ...question }) }
  stop () { this.child.stdin.end() }
}
