// Two tabs of one user, and the way back after a log-out.

import { same } from '../../../interop/node/check.mjs'

async function together (site) {
  const [one, other] = [await site.tab(), await site.tab()]
  await one.post('/log-in')
  same(await other.get('/who'), 'user 7, 0', 'who the other tab is')
  await other.post('/count')
  same(await one.get('/who'), 'user 7, 1', 'the count in the first tab')
  await other.post('/log-out')
  same(await one.get('/who'), 'nobody', 'who the first tab is after the log-out in the other')
}

/** Both tabs read the same cookie; the slow one answers last. */
async function twoWrites (site) {
  const [one, other] = [await site.tab(), await site.tab()]
  await one.post('/log-in')
  const slow = await one.begin('/slow-count')
  await other.post('/count')
  await other.post('/count')
  same(await other.get('/who'), 'user 7, 2', 'the count before the slow answer')
  await site.server.release()
  await slow.answer
  same(await other.get('/who'), 'user 7, 1', 'the count of the answer that came last')
}

const CACHE_CONTROLS = [null, 'private', 'no-cache', 'no-store']

/** What the account page shows next. */
async function shown (site) {
  const count = shown.counts.get(site) ?? 1
  shown.counts.set(site, count + 1)
  const { target } = await site.server.arrived(/^\/shown/, count)
  return new URLSearchParams(target.split('?')[1]).get('who')
}
shown.counts = new WeakMap()

/** Log in, open the account, log out with its form, and go back. */
async function back (site) {
  for (const cache of CACHE_CONTROLS) {
    const path = cache === null ? '/account' : `/account?cache=${cache}`
    const tab = await site.tab()
    await tab.post('/log-in')
    await tab.go(path)
    same(await shown(site), 'user 7, 0', 'the page before the log-out')
    await tab.press('button')
    same(await site.cookie('login'), undefined, 'the cookie after the log-out')
    await tab.back()
    const who = await shown(site)
    const asked = site.server.requests(path).length > 1
    same(who, asked ? 'nobody' : 'user 7, 0', 'the page after the log-out')
    site.row('back', cache === null ? 'none' : `\`${cache}\``, asked ? 'asked for again: nobody is logged in' : 'shown as it was')
    // What the user does next is refused, whatever the page shows.
    same(await (await site.tab()).get('/who'), 'nobody', 'who is logged in after going back')
  }
}

export default [
  ['two tabs are one user', together],
  ['of two tabs that write, the answer that comes last wins', twoWrites],
  ['the way back after a log-out leads to no session', back]
]
