// An example of this crate, run as its reader runs it, in a directory of its own: there it keeps its files.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const TARGET = new URL('../../../target/debug/', import.meta.url)

export class Program {
  /** Starts a program of the target directory, and waits for the address that it prints. */
  static async start (path) {
    const program = new Program()
    program.directory = mkdtempSync(join(tmpdir(), 'browser-program-'))
    program.child = spawn(fileURLToPath(new URL(path, TARGET)), {
      cwd: program.directory,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    program.origin = await new Promise((resolve, reject) => {
      createInterface({ input: program.child.stdout }).on('line', line => {
        const [address] = line.match(/http:\/\/127\.0\.0\.1:\d+/) ?? []
        if (address !== undefined) resolve(address)
      })
      program.child.on('exit', code => reject(new Error(`${path} ended with ${code}`)))
      program.child.on('error', reject)
    })
    return program
  }

  async stop () {
    const ended = new Promise(resolve => this.child.once('exit', resolve))
    this.child.kill()
    await ended
    rmSync(this.directory, { recursive: true, force: true })
  }
}
