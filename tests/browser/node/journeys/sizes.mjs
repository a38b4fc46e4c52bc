// The largest cookie, the longest attribute and the latest expiry that a browser keeps.

import { holds, same } from '../../../interop/node/check.mjs'
import { described } from './attributes.mjs'

const LIMIT = 4096

async function save (tab, bytes) {
  return await tab.ask(`/draft?bytes=${bytes}`, { method: 'POST' })
}

/** What is in an empty jar after this Set-Cookie. */
async function planted (site, cookie) {
  await site.anotherJar()
  await (await site.tab()).get(`/plant?cookie=${encodeURIComponent(cookie)}`)
  return (await site.cookies())[0]
}

/** The size of a cookie as our error counts it: name and value. */
const size = cookie => cookie.name.length + cookie.value.length

async function largest (site) {
  const tab = await site.tab()
  // The most data that the handler may save.
  let [fits, refused] = [0, LIMIT]
  while (refused - fits > 1) {
    const middle = (fits + refused) >> 1
    if ((await save(tab, middle)).status === 200) fits = middle
    else refused = middle
  }
  const { text } = await save(tab, refused)
  const says = 'the cookie `draft` would have 4097 bytes, 1 more than the 4096 that browsers store'
  holds(text.includes(says), `the error says: ${text}`)

  same((await save(tab, fits)).status, 200, 'the status')
  const [draft] = await site.named('draft')
  same(size(draft), LIMIT, 'the size of the largest session')

  // And what would become of it without the error.
  for (const bytes of [LIMIT, LIMIT + 1]) {
    const cookie = await planted(site, `draft=${'x'.repeat(bytes - 'draft'.length)}; Secure; HttpOnly; Path=/`)
    const became = cookie === undefined ? 'dropped' : size(cookie) === bytes ? 'kept' : 'cut'
    site.row('limit', `name and value of ${bytes} bytes`, became)
  }
}

/** A write that is too large is an error, and the browser keeps what it has. */
async function tooLarge (site) {
  const tab = await site.tab()
  await save(tab, 1)
  const before = await site.cookie('draft')
  same((await save(tab, LIMIT)).status, 413, 'the status')
  same(await site.cookie('draft'), before, 'the cookie')
}

async function attributes (site) {
  for (const bytes of [1024, 1025]) {
    const path = `/${'p'.repeat(bytes - 1)}`
    const cookie = await planted(site, `long=x; Secure; Path=${path}`)
    const became = cookie === undefined ? 'dropped' : cookie.path === path ? 'kept' : `the attribute is ignored: \`Path=${cookie.path}\``
    site.row('limit', `\`Path\` of ${bytes} bytes`, became)
  }
  for (const days of [400, 401]) {
    const cookie = await planted(site, `old=x; Secure; Path=/; Max-Age=${days * 24 * 60 * 60}`)
    site.row('limit', `\`Max-Age\` of ${days} days`, `kept for ${described(cookie).split(', ').at(-1)}`)
  }
}

export default [
  ['the largest session that we seal is the largest cookie that is kept', largest],
  ['a session that is too large leaves the cookie as it was', tooLarge],
  ['long attributes, and an expiry in more than 400 days', attributes]
]
