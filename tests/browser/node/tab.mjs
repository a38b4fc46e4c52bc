// One tab: requests as scripts send them, and the ways to another page.

export class Tab {
  constructor (page, server, origin) {
    Object.assign(this, { page, server, origin })
  }

  /** Sends a request as a script does, and gives its text. */
  async get (path, options = {}) {
    const { status, text } = await this.ask(path, options)
    if (status !== 200) throw new Error(`${path} is answered with ${status}: ${text}`)
    return text
  }

  async ask (path, options = {}) {
    return await this.page.evaluate(async (path, options) => {
      const response = await fetch(path, options)
      return { status: response.status, text: await response.text() }
    }, path, options)
  }

  async post (path) {
    return await this.get(path, { method: 'POST' })
  }

  /** Begins a request, and returns once the server has it. Its `answer` comes when the server lets it go. */
  async begin (path) {
    return await this.#begin(path, () => this.get(path))
  }

  async #begin (target, send) {
    const count = this.server.requests(target).length + 1
    const request = { answered: false }
    request.answer = send().finally(() => { request.answered = true })
    await Promise.race([this.server.arrived(target, count), request.answer])
    return request
  }

  /** Goes to a page as if its address was typed. */
  async go (path) {
    const response = await this.page.goto(new URL(path, this.origin).href)
    // From the history or a cache, there is no response.
    if (response !== null && response.status() !== 200) throw new Error(`${path} is answered with ${response.status()}`)
  }

  async beginGoing (path) {
    return await this.#begin(path, () => this.go(path))
  }

  /** Clicks a link to an address, which may be of another site. */
  async link (url) {
    await this.page.evaluate(url => {
      document.body.innerHTML = '<a>a link</a>'
      document.querySelector('a').href = url
    }, url)
    await this.#leave('a')
  }

  /** Sends an HTML form, as a click on its button does. */
  async form (url, method = 'post') {
    await this.page.evaluate((url, method) => {
      document.body.innerHTML = '<form><button>a button</button></form>'
      const form = document.querySelector('form')
      Object.assign(form, { action: url, method })
      // A form with GET replaces the query.
      for (const [name, value] of new URL(url).searchParams) {
        form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }))
      }
    }, url, method)
    await this.#leave('button')
  }

  async #leave (selector) {
    await Promise.all([this.page.waitForNavigation(), this.page.click(selector)])
  }

  /** Presses the browser's button. The page that comes back may be one that is shown again without a load. */
  async back () {
    await this.page.evaluate(() => { setTimeout(() => history.back()) })
  }

  async press (selector) {
    await this.#leave(selector)
  }

  /** Embeds a page, and waits until it is there. */
  async embed (url) {
    await this.#load('iframe', url)
  }

  /** The same, and gives the frame, which sends requests like a tab. */
  async frame (url) {
    await this.embed(url)
    const frame = this.page.frames().find(frame => frame.url() === url)
    return new Tab(frame, this.server, new URL(url).origin)
  }

  async image (url) {
    await this.#load('img', url)
  }

  async #load (element, url) {
    await this.page.evaluate(async (name, url) => {
      const element = document.createElement(name)
      const loaded = new Promise(resolve => { element.onload = element.onerror = resolve })
      element.src = url
      document.body.append(element)
      await loaded
    }, element, url)
  }

  /** Sends a request to another origin with its cookies; the answer stays hidden from the script. */
  async fetch (url, method = 'GET') {
    await this.page.evaluate(async (url, method) => {
      await fetch(url, { method, mode: 'no-cors', credentials: 'include' })
    }, url, method)
  }

  /** Tries to open a websocket. */
  async socket (url) {
    await this.page.evaluate(async url => {
      await new Promise(resolve => { new WebSocket(url.replace('http', 'ws')).onerror = resolve })
    }, url)
  }

  /** The words of an element, by default of the whole page. */
  async words (selector = 'body') {
    return await this.page.$eval(selector, element => element.innerText.trim())
  }
}
