// The site as one user sees it: tabs that share a cookie jar.

import { Wire } from './wire.mjs'

export class Site {
  static async open (browser, origin) {
    const site = new Site()
    site.origin = origin
    site.context = await browser.createBrowserContext()
    return site
  }

  /** A tab on an empty page of the site, from which it sends requests. */
  async tab () {
    const page = await this.context.newPage()
    await page.goto(this.origin)
    return new Tab(page, this.origin, await Wire.tap(page))
  }

  /** The value of a cookie in the browser's jar. */
  async cookie (name) {
    const cookies = await this.context.cookies()
    return cookies.find(cookie => cookie.name === name)?.value
  }

  async close () {
    await this.context.close()
  }
}

class Tab {
  constructor (page, origin, wire) {
    Object.assign(this, { page, origin, wire })
  }

  /** Sends a request as a script does, and gives its text. */
  async get (path, options = {}) {
    const [status, text] = await this.page.evaluate(async (path, options) => {
      const response = await fetch(path, options)
      return [response.status, await response.text()]
    }, path, options)
    if (status !== 200) throw new Error(`${path} answered ${status}: ${text}`)
    return text
  }

  async post (path) {
    return await this.get(path, { method: 'POST' })
  }

  /** Begins a request, and returns once it has left with its cookies. Its `answer` comes later. */
  async begin (path) {
    const request = { answered: false }
    request.answer = this.get(path).finally(() => { request.answered = true })
    await Promise.race([this.wire.sent(path), request.answer])
    return request
  }

  /** Goes to a page as a click on a link does. */
  async go (path) {
    const response = await this.page.goto(this.origin + path)
    if (response.status() !== 200) throw new Error(`${path} answered ${response.status()}`)
  }

  /** What came from the network for a path, in order: each status, and the cookies that were set. */
  async received (path) {
    return await this.wire.received(path)
  }
}
