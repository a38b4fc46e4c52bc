// The Rust server, in a process of its own on a free port of 127.0.0.1.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../../target/checked/browser-server', import.meta.url))

export class Server {
  static async start () {
    const server = new Server()
    server.child = spawn(PROGRAM, { stdio: ['pipe', 'pipe', 'inherit'] })
    server.origin = await new Promise((resolve, reject) => {
      createInterface({ input: server.child.stdout }).on('line', line => {
        if (line.startsWith('listening ')) resolve(`http://127.0.0.1:${line.slice(10)}`)
      })
      server.child.on('exit', code => reject(new Error(`the server ended with ${code}`)))
      server.child.on('error', reject)
    })
    return server
  }

  stop () {
    this.child.stdin.end()
  }
}
