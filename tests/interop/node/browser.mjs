// A browser's cookie jar: by name and path, `Max-Age=0` removes, what is over 4096 bytes is dropped.
// Ports share cookies, as RFC 6265 has it, so both servers see the same jar.

const LIMIT = 4096

export class Browser {
  jar = new Map()
  /** The names of cookies that were too large to keep. */
  dropped = []

  get header () {
    const pairs = [...this.jar.values()].map(({ name, value }) => `${name}=${value}`)
    return pairs.length === 0 ? undefined : pairs.join('; ')
  }

  value (name) {
    return [...this.jar.values()].find(cookie => cookie.name === name)?.value
  }

  put (name, value) {
    this.jar.set(`${name} /`, { name, value })
  }

  keep (lines) {
    for (const line of lines) {
      const [pair, ...attributes] = line.split('; ')
      const name = pair.slice(0, pair.indexOf('='))
      const value = pair.slice(name.length + 1)
      if (name.length + value.length > LIMIT) {
        this.dropped.push(name)
        continue
      }
      const attribute = wanted => attributes.find(a => a.toLowerCase().startsWith(`${wanted}=`))?.split('=')[1]
      // Every request goes to a path of one level, whose default path is the root.
      const id = `${name} ${attribute('path') ?? '/'}`
      if (Number(attribute('max-age') ?? 1) <= 0) this.jar.delete(id)
      else this.jar.set(id, { name, value })
    }
  }

  /** A request to a server, with this jar. */
  async post (server, body) {
    const response = await server.post('/op', body, this.header)
    this.keep(response.setCookie)
    return response
  }
}
