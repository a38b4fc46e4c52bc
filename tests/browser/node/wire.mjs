// What a tab's network sends and receives, which a script in the page cannot see: 304 and Set-Cookie.

import { setTimeout as sleep } from 'node:timers/promises'

export class Wire {
  #requests = new Map()

  static async tap (page) {
    const wire = new Wire()
    const network = await page.createCDPSession()
    // The events of one request come in any order.
    network.on('Network.requestWillBeSent', ({ requestId, request }) => {
      wire.#request(requestId).path = new URL(request.url).pathname
    })
    network.on('Network.requestWillBeSentExtraInfo', ({ requestId }) => {
      wire.#request(requestId).sent = true
    })
    network.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode, headers }) => {
      wire.#request(requestId).received = { status: statusCode, set: cookies(headers) }
    })
    await network.send('Network.enable')
    return wire
  }

  #request (id) {
    if (!this.#requests.has(id)) this.#requests.set(id, {})
    return this.#requests.get(id)
  }

  /** Waits until something holds of the requests for a path. */
  async #until (path, holds) {
    for (let waited = 0; waited < 5000; waited += 10) {
      const requests = [...this.#requests.values()].filter(request => request.path === path)
      if (requests.length > 0 && requests.every(holds)) return requests
      await sleep(10)
    }
    throw new Error(`nothing on the wire of ${path}`)
  }

  /** Waits until a request has left with its cookies. */
  async sent (path) {
    await this.#until(path, request => request.sent)
  }

  /** The answers to the requests for a path: `{ status, set }`, where `set` names the cookies. */
  async received (path) {
    const requests = await this.#until(path, request => request.received)
    return requests.map(request => request.received)
  }
}

function cookies (headers) {
  const name = Object.keys(headers).find(name => name.toLowerCase() === 'set-cookie')
  if (name === undefined) return []
  return headers[name].split('\n').map(line => line.split('=')[0])
}
