// The browser is closed, and opened again with the same profile.

import { same } from '../../../interop/node/check.mjs'
import { beginAll } from './attributes.mjs'

async function restart (site) {
  const browser = await site.ownBrowser()
  for (const [remember, what, wanted] of [
    [false, 'a login', 'nobody'],
    [true, 'a login with `remember()`', 'user 7, 0']
  ]) {
    await (await site.tab()).post(`/log-in?remember=${remember}`)
    await browser.restart()
    const kept = await site.cookie('login') !== undefined
    same(await (await site.tab()).get('/who'), wanted, `who is logged in after ${what} and a restart`)
    site.row('restart', what, kept ? 'kept' : 'gone')
  }
  await (await site.tab()).post('/log-out')
  await browser.restart()
  same(await (await site.tab()).get('/who'), 'nobody', 'who is logged in after the log-out and a restart')
  site.row('restart', 'a login with `remember()`, logged out', 'gone')
}

async function kept (site) {
  const browser = await site.ownBrowser()
  await beginAll(await site.tab(), ['kept', 'host'])
  await browser.restart()
  const tab = await site.tab()
  same(await tab.get('/shapes/kept/who'), 'user 7', 'a session with Max-Age')
  same(await tab.get('/shapes/host/who'), 'nobody', 'a session without')
  site.row('restart', '`CookieOptions::max_age`', 'kept')
}

export default [
  ['a login ends with the browser, and a remembered one does not', restart],
  ['a cookie with Max-Age outlives the browser', kept]
]
