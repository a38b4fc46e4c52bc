// What the browser did, row by row, and the same tables in docs/guide/browsers.md: they must agree. A cell has one
// text if both browsers did the same, and otherwise `Chromium …, Firefox …`.

const BROWSERS = { chromium: 'Chromium', firefox: 'Firefox' }

export class Tables {
  #tables = new Map()

  /** `browser` is `chromium` or `firefox`, `version` has its digits. */
  constructor (browser, version) {
    this.browser = BROWSERS[browser]
    this.version = version.match(/\d[\d.]*/)[0]
  }

  /** Notes a row: what was done, in one column or a list of them, and what came of it in each further one. */
  row (table, done, ...came) {
    const key = [done].flat().join(' | ')
    if (!this.#tables.has(table)) this.#tables.set(table, new Map())
    const rows = this.#tables.get(table)
    if (rows.has(key)) throw new Error(`the table ${table} has ${key} twice`)
    rows.set(key, came)
  }

  toString () {
    const lines = [...this.#tables].flatMap(([table, rows]) =>
      ['', `${table}:`, ...[...rows].map(([key, came]) => `| ${[key, ...came].join(' | ')} |`)])
    return lines.join('\n')
  }

  /** Where the page says something else; without `all`, only of the rows that were noted. */
  differences (page, all) {
    const found = []
    for (const [table, rows] of this.#tables) {
      const { lines } = rowsOf(page, table)
      for (const [key, came] of rows) {
        const cells = lines.map(line => cellsBehind(line, key)).find(cells => cells !== undefined)
        const says = cells?.map(cell => parsed(cell)[this.browser]).join(' | ')
        if (says === undefined) found.push(`the table ${table} lacks the row: ${key}`)
        else if (says !== came.join(' | ')) found.push(`${table}, ${key}: the page says ${says}, found ${came.join(' | ')}`)
      }
      for (const line of all ? lines : []) {
        if (![...rows.keys()].some(key => cellsBehind(line, key))) found.push(`nothing was seen of the row ${line}`)
      }
    }
    for (const [, table] of all ? page.matchAll(/<!-- table: (.*) -->/g) : []) {
      if (!this.#tables.has(table)) found.push(`nothing was seen of the table ${table}`)
    }
    return found
  }

  /** A hint if the page is about another version. */
  otherVersion (page) {
    const [, says] = page.match(this.#versionPattern()) ?? []
    return says === this.version ? undefined : `the page is about ${this.browser} ${says}, this is ${this.version}`
  }

  /** The page with what this browser did, and what it says about the other one. */
  updated (page) {
    for (const [table, rows] of this.#tables) {
      const { lines, before, after } = rowsOf(page, table)
      const updated = [...rows].map(([key, came]) => {
        const old = lines.map(line => cellsBehind(line, key)).find(cells => cells !== undefined) ?? []
        const cells = came.map((text, column) => {
          return written({ ...(old[column] === undefined ? {} : parsed(old[column])), [this.browser]: text })
        })
        return `| ${[key, ...cells].join(' | ')} |`
      })
      page = [...before, ...updated, ...after].join('\n')
    }
    return page.replace(this.#versionPattern(), `${this.browser} ${this.version}`)
  }

  #versionPattern () {
    return new RegExp(`${this.browser} (\\d[\\d.]*\\d)`)
  }
}

/** The lines of a table without its head, and all lines around them. */
function rowsOf (page, table) {
  const lines = page.split('\n')
  const mark = lines.indexOf(`<!-- table: ${table} -->`)
  if (mark === -1) throw new Error(`the page has no table ${table}`)
  const first = lines.findIndex((line, at) => at > mark && /^\|[-|]+\|$/.test(line)) + 1
  const end = lines.findIndex((line, at) => at >= first && !line.startsWith('|'))
  return { lines: lines.slice(first, end), before: lines.slice(0, first), after: lines.slice(end) }
}

function cellsBehind (line, key) {
  const start = `| ${key} | `
  return line.startsWith(start) ? line.slice(start.length, -2).split(' | ') : undefined
}

function parsed (cell) {
  const [, chromium, firefox] = cell.match(/^Chromium (.*), Firefox (.*)$/) ?? []
  if (chromium !== undefined) return { Chromium: chromium, Firefox: firefox }
  const [, only, text] = cell.match(/^(Chromium|Firefox) (.*)$/) ?? []
  return only === undefined ? { Chromium: cell, Firefox: cell } : { [only]: text }
}

function written (seen) {
  const all = Object.values(BROWSERS)
  const alike = all.every(browser => seen[browser] === seen[all[0]])
  if (alike) return seen[all[0]]
  return all.filter(browser => seen[browser] !== undefined).map(browser => `${browser} ${seen[browser]}`).join(', ')
}
