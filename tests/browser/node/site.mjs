// The sites as one user sees them: tabs that share a cookie jar.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Server } from './server.mjs'
import { Tab } from './tab.mjs'

export class Site {
  #ends = []

  /** `browsers` starts browsers, `browser` runs already; `directory` has the certificate. */
  constructor ({ browsers, browser, directory, tables, screenshots }) {
    Object.assign(this, { browsers, browser, directory, tables, screenshots })
  }

  get name () {
    return this.browsers.name
  }

  /** Notes what the browser did. */
  row (table, done, ...came) {
    this.tables.row(table, done, ...came)
  }

  /** Starts the server, and gives the user a jar of their own. */
  async open (flags) {
    this.server = await Server.start(this.directory, flags)
    this.#ends.push(async () => this.server.stop())
    await this.anotherJar()
  }

  /** From now on the user has an empty jar in the same browser. */
  async anotherJar () {
    await this.#closeJar()
    this.jar = await this.browser.createBrowserContext()
  }

  /** The first jar of a browser ends with it. */
  async #closeJar () {
    if (this.jar !== undefined && this.jar !== this.browser.defaultBrowserContext()) await this.jar.close()
    this.jar = undefined
  }

  /** From now on the user has a browser of their own, which keeps a profile and can be restarted. */
  async ownBrowser (settings) {
    const profile = mkdtempSync(join(tmpdir(), 'browser-profile-'))
    this.#ends.push(async () => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }))
    const shared = this.browser
    await this.#closeJar()
    const start = async () => {
      this.browser = await this.browsers.launch({ ...settings, profile })
      this.jar = this.browser.defaultBrowserContext()
    }
    const close = async () => {
      if (this.browser !== shared) await this.browser.close()
      this.browser = shared
      this.jar = undefined
    }
    this.#ends.push(close)
    await start()
    return { close, restart: async () => { await close(); await start() } }
  }

  /** A tab on an empty page, from which it sends requests. */
  async tab (origin = this.server.origin()) {
    const page = await this.jar.newPage()
    const tab = new Tab(page, this.server, origin)
    await tab.go('/page')
    return tab
  }

  /** The cookies in the jar. */
  async cookies () {
    return (await this.jar.cookies()).map(cookie => ({
      name: cookie.name,
      value: cookie.value,
      domain: cookie.domain,
      path: cookie.path,
      httpOnly: cookie.httpOnly,
      secure: cookie.secure,
      // Chromium leaves it out if it is None, Firefox calls it Default if it is not there.
      sameSite: cookie.sameSite ?? 'None',
      // In seconds since 1970; -1 if it ends with the browser.
      expires: cookie.expires === undefined ? -1 : Math.round(cookie.expires)
    }))
  }

  async named (name) {
    return (await this.cookies()).filter(cookie => cookie.name === name)
  }

  /** The value of a cookie in the jar. */
  async cookie (name) {
    return (await this.named(name))[0]?.value
  }

  async close () {
    await this.#closeJar()
    for (const end of this.#ends.reverse()) await end()
  }
}
