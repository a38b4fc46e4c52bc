// Runs each journey on a server and in a cookie jar of its own, in the browser that BROWSER names.
//
//   node drive.mjs [--update] [--screenshots] [WORD]
//
// WORD: only the journeys with the word in their name. --update writes what the browser did into
// docs/guide/browsers.md instead of comparing it. --screenshots keeps pictures in docs/screenshots/.
// Ends with `N passed, N failed`.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fail, summary, test } from '../../interop/node/check.mjs'
import { Browsers } from './browsers.mjs'
import attributes from './journeys/attributes.mjs'
import demo from './journeys/demo.mjs'
import late from './journeys/late.mjs'
import removal from './journeys/removal.mjs'
import restart from './journeys/restart.mjs'
import sameSite from './journeys/same_site.mjs'
import shop from './journeys/shop.mjs'
import sizes from './journeys/sizes.mjs'
import tabs from './journeys/tabs.mjs'
import { makeCertificate } from './server.mjs'
import { Site } from './site.mjs'
import { Tables } from './tables.mjs'

const DOCS = fileURLToPath(new URL('../../../docs/', import.meta.url))
const PAGE = join(DOCS, 'guide/browsers.md')
const ALL = [...attributes, ...sameSite, ...sizes, ...restart, ...removal, ...tabs, ...late, ...demo, ...shop]

const { values: options, positionals: [word = ''] } = parseArgs({
  allowPositionals: true,
  options: { update: { type: 'boolean' }, screenshots: { type: 'boolean' } }
})
if (options.update && word !== '') throw new Error('--update needs all journeys: no WORD')
const screenshots = options.screenshots ? join(DOCS, 'screenshots') : undefined
if (screenshots !== undefined) mkdirSync(screenshots, { recursive: true })

const directory = mkdtempSync(join(tmpdir(), 'browser-test-'))
makeCertificate(directory)
const browsers = new Browsers(process.env.BROWSER, directory)
const browser = await browsers.launch()
const tables = new Tables(browsers.name, await browser.version())
console.log(`${tables.browser} ${tables.version}`)

for (const [name, journey, ...flags] of ALL.filter(([name]) => name.includes(word))) {
  const site = new Site({ browsers, browser, directory, tables, screenshots })
  await test(name, async () => {
    await site.open(flags)
    await journey(site)
  })
  await site.close()
}
await browser.close()
rmSync(directory, { recursive: true })

console.log(`${tables}\n`)
const page = readFileSync(PAGE, 'utf8')
if (options.update) {
  writeFileSync(PAGE, tables.updated(page))
} else {
  for (const difference of tables.differences(page, word === '')) fail('docs/guide/browsers.md', difference)
  const hint = tables.otherVersion(page)
  if (hint !== undefined) console.log(`note: ${hint}`)
}
process.exit(summary() ? 0 : 1)
