// Runs each journey on a site and in a browser profile of its own: `node drive.mjs [WORD]` those whose
// name has the word in it. Ends with `N passed, N failed`.

import { summary, test } from '../../interop/node/check.mjs'
import { launch } from './chromium.mjs'
import { journeys } from './journeys.mjs'
import { Server } from './server.mjs'
import { Site } from './site.mjs'

const [word = ''] = process.argv.slice(2)
const browser = await launch()
console.log(await browser.version())
for (const [name, journey] of journeys.filter(([name]) => name.includes(word))) {
  const server = await Server.start()
  const site = await Site.open(browser, server.origin)
  await test(name, () => journey(site))
  await site.close()
  server.stop()
}
await browser.close()
process.exit(summary() ? 0 : 1)
