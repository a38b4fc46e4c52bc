// Which requests carry a cookie of each `SameSite`, and from which answers one is kept.

import { same } from '../../../interop/node/check.mjs'

const COOKIES = ['strict', 'lax', 'none', 'silent']

// Ways to a page of a.test. The second column is where the tab is before.
const PAGES = [
  ['the address, typed', 'a.test', (tab, to) => tab.go(to)],
  ['a link of a sibling, `sub.a.test`', 'sub.a.test', (tab, to) => tab.link(to)],
  ['a form with POST of a sibling', 'sub.a.test', (tab, to) => tab.form(to)],
  ['a link of `http://a.test` to `https://a.test`', 'http a.test', (tab, to) => tab.link(to)],
  ['a form with POST of `http://a.test` to `https://a.test`', 'http a.test', (tab, to) => tab.form(to)],
  ['a link of another site', 'b.test', (tab, to) => tab.link(to)],
  ['a reload of the page that this link has opened', 'b.test', async (tab, to) => {
    await tab.link(to)
    await tab.page.reload()
  }],
  ['a form with GET of another site', 'b.test', (tab, to) => tab.form(to, 'get')],
  ['a redirect by another site, after a link there (OAuth)', 'b.test',
    (tab, to) => tab.link(redirect(tab, to))],
  ['a redirect by another site, after a form with POST there (OAuth)', 'b.test',
    (tab, to) => tab.form(redirect(tab, to))],
  ['a link of this site to another one, which redirects back at once (OAuth)', 'a.test',
    (tab, to) => tab.link(redirect(tab, to))],
  ['a form with POST of another site (OAuth with `form_post`)', 'b.test', (tab, to) => tab.form(to)],
  ['the same, when a handler has answered 303 and sent on to a page of its own', 'b.test',
    (tab, to) => tab.form(to.replace('/seen', '/forward'))]
]

const OF_A_SIBLING = [
  ['a script of a sibling', 'sub.a.test', (tab, to) => tab.fetch(to, 'POST')],
  ['a frame in a page of a sibling', 'sub.a.test', (tab, to) => tab.embed(to)]
]

const EMBEDDED = [
  ['a script of another site', 'b.test', (tab, to) => tab.fetch(to, 'POST')],
  ['an image in a page of another site', 'b.test', (tab, to) => tab.image(to)],
  ['a frame in a page of another site', 'b.test', (tab, to) => tab.embed(to)],
  ['a websocket of another site', 'b.test', (tab, to) => tab.socket(to)]
]

const ANSWERS = [
  PAGES.find(([name]) => name === 'a link of another site'),
  PAGES.find(([name]) => name.includes('form_post')),
  ...EMBEDDED.slice(0, 3)
]

function redirect (tab, to) {
  return `${tab.server.origin('b.test')}/go?to=${encodeURIComponent(to)}`
}

/** Goes to a path of a.test in one of the ways, and gives the tab and the last request that came. */
async function goes (site, [name, from, way], path) {
  const target = `${path}?way=${name.replace(/\W+/g, '-')}`
  const [host, scheme] = from.split(' ').reverse()
  const tab = await site.tab(site.server.origin(host, scheme))
  await way(tab, site.server.origin() + target)
  await site.server.answers(target)
  return { tab, request: site.server.requests(target).at(-1) }
}

async function carried (site, way) {
  const { tab, request } = await goes(site, way, '/same-site/seen')
  if (PAGES.includes(way)) {
    const sessions = request.cookies.filter(name => name !== 'silent')
    same(await tab.words(), sessions.join(' '), `the sessions that open after ${way[0]}`)
  }
  await tab.page.close()
  return COOKIES.map(name => request.cookies.includes(name) ? 'yes' : 'no')
}

async function pages (site) {
  await (await site.tab()).get('/same-site/begin')
  for (const way of [...PAGES, ...OF_A_SIBLING]) site.row('request', way[0], ...await carried(site, way))
}

/** As the browser is installed, and for users who have allowed third-party cookies. */
async function byPolicy (site, run) {
  for (const [allowed, where] of [[false, ''], [true, ', third-party cookies allowed']]) {
    const browser = await site.ownBrowser({ thirdPartyCookies: allowed })
    await run(where, allowed)
    await browser.close()
  }
}

async function embedded (site) {
  await byPolicy(site, async where => {
    await (await site.tab()).get('/same-site/begin')
    for (const way of EMBEDDED) site.row('request', way[0] + where, ...await carried(site, way))
  })
}

async function stored (site) {
  await byPolicy(site, async (where, allowed) => {
    for (const way of allowed ? ANSWERS.filter(way => EMBEDDED.includes(way)) : ANSWERS) {
      await site.anotherJar()
      await goes(site, way, '/same-site/begin')
      const [jar, own] = [await site.cookies(), (await goes(site, PAGES[0], '/page')).request.cookies]
      site.row('answer to', way[0] + where, ...COOKIES.map(name => {
        const kept = jar.some(cookie => cookie.name === name)
        return kept ? own.includes(name) ? 'yes' : 'within that site' : 'no'
      }))
    }
  })
}

/** A frame of a.test in a page of b.test, and a page of a.test by itself: who is where after a log-in. */
async function frames (site) {
  await byPolicy(site, async where => {
    for (const [shape, what] of [['none', '`SameSite=None`'], ['partitioned', '`SameSite=None; Partitioned`']]) {
      const seen = []
      for (const begins of [0, 1]) {
        await site.anotherJar()
        const outer = await site.tab(site.server.origin('b.test'))
        const tabs = [await outer.frame(`${site.server.origin()}/page`), await site.tab()]
        await tabs[begins].post(`/shapes/${shape}/begin?user=7`)
        for (const tab of tabs) {
          seen.push(await tab.get(`/shapes/${shape}/who`) === 'user 7' ? 'yes' : 'no')
        }
      }
      site.row('frame', what + where, ...seen)
    }
  })
}

export default [
  ['which pages and scripts get the cookies of each SameSite', pages],
  ['which requests of other sites get them', embedded],
  ['from which answers they are kept', stored],
  ['a frame in another site keeps its session if it is partitioned', frames]
]
