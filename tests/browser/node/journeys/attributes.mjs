// What a browser makes of the attributes, and of names with a prefix.

import { isDeepStrictEqual } from 'node:util'
import { holds, same } from '../../../interop/node/check.mjs'

const DAY = 24 * 60 * 60

const OPTIONS = [
  ['default', 'CookieOptions::new()'],
  ['host', 'host_prefixed()'],
  ['domain', 'secure_prefixed().domain("a.test")'],
  ['path', 'path("/shapes/path")'],
  ['strict', 'same_site(SameSite::Strict)'],
  ['none', 'same_site(SameSite::None)'],
  ['script', 'danger_allow_script_access()'],
  ['plain', 'danger_allow_plain_http()'],
  ['kept', 'max_age(400 days)']
]
const PREFIXES = { host: '__Host-', domain: '__Secure-' }

/** The cookie's name of a shape. */
export const nameOf = shape => (PREFIXES[shape] ?? '') + shape

/** A session of each shape, user 7. */
export async function beginAll (tab, shapes = OPTIONS.map(([shape]) => shape)) {
  for (const shape of shapes) await tab.post(`/shapes/${shape}/begin?user=7`)
}

export function described (cookie) {
  const days = Math.round((cookie.expires - Date.now() / 1000) / DAY)
  return [
    cookie.httpOnly && 'HttpOnly', cookie.secure && 'Secure', `SameSite=${cookie.sameSite}`,
    `Path=${cookie.path}`,
    cookie.domain.startsWith('.') ? 'with subdomains' : 'this host alone',
    cookie.expires === -1 ? 'ends with the browser' : `${days} days`
  ].filter(Boolean).join(', ')
}

async function attributes (site) {
  await beginAll(await site.tab())
  for (const [shape, options] of OPTIONS) {
    const [cookie, ...others] = await site.named(nameOf(shape))
    holds(cookie !== undefined && others.length === 0, `not one cookie of the name ${nameOf(shape)}`)
    site.row('options', `\`${options}\``, described(cookie))
  }
}

/** The cookies of a request that a page of this origin sends to its own path. */
async function sent (site, origin, path) {
  const tab = await site.tab(origin)
  await tab.ask(path)
  await tab.page.close()
  const request = site.server.requests(path).findLast(({ host }) => host === new URL(origin).hostname)
  return request.cookies.toSorted()
}

async function reach (site) {
  const { server } = site
  await beginAll(await site.tab(), ['default', 'host', 'domain', 'path', 'plain'])
  const everywhere = ['__Host-host', '__Secure-domain', 'default', 'plain']
  const cases = [
    ['the path of the cookie', server.origin(), '/shapes/path/who', [...everywhere, 'path'].toSorted()],
    ['a path that only begins alike', server.origin(), '/shapes/pathological', everywhere],
    ['a subdomain', server.origin('sub.a.test'), '/page', ['__Secure-domain']],
    ['plain HTTP', server.origin('a.test', 'http'), '/page', ['plain']],
    ['another site', server.origin('b.test'), '/page', []]
  ]
  for (const [what, origin, path, wanted] of cases) same(await sent(site, origin, path), wanted, what)
}

async function hidden (site) {
  const tab = await site.tab()
  await beginAll(tab, ['default', 'host', 'script'])
  const seen = await tab.page.evaluate(() => document.cookie.split('; ').map(pair => pair.split('=')[0]))
  same(seen, ['script'], 'what a script sees')
}

// On the developer's machine: what plain HTTP keeps, by host.
async function plainHttp (site) {
  for (const host of ['a.test', 'localhost', '127.0.0.1']) {
    await site.anotherJar()
    const tab = await site.tab(site.server.origin(host, 'http'))
    await beginAll(tab, ['default', 'host', 'plain'])
    const who = async shape => await tab.get(`/shapes/${shape}/who`) === 'user 7' ? 'kept' : 'dropped'
    site.row('over plain HTTP', `\`http://${host}\``, await who('default'), await who('host'), await who('plain'))
  }
}

// What somebody plants who has a sibling host, or the network: NAME is the session's cookie, THEIRS a session of
// their own, which they got as everybody gets one.
const PLANTED = [
  ['default', 'https://sub.a.test', 'NAME=x; Secure; Path=/; Domain=a.test'],
  ['host', 'https://sub.a.test', 'NAME=x; Secure; Path=/; Domain=a.test'],
  ['host', 'https://sub.a.test', '__HOST-host=x; Secure; Path=/; Domain=a.test'],
  ['default', 'https://sub.a.test', 'NAME=THEIRS; Secure; Path=/shapes/default; Domain=a.test'],
  ['host', 'https://sub.a.test', 'NAME=THEIRS; Secure; Path=/shapes/host; Domain=a.test'],
  ['domain', 'https://sub.a.test', 'NAME=x; Secure; Path=/; Domain=a.test'],
  ['default', 'http://a.test', 'NAME=x; Path=/'],
  ['default', 'http://sub.a.test', 'NAME=x; Path=/; Domain=a.test'],
  ['host', 'http://a.test', 'NAME=x; Secure; Path=/'],
  ['domain', 'http://sub.a.test', 'NAME=x; Secure; Path=/; Domain=a.test'],
  ['plain', 'http://a.test', 'NAME=x; Path=/'],
  ['host', 'https://a.test', 'NAME=x; Path=/'],
  ['host', 'https://a.test', 'NAME=x; Secure; Path=/shapes'],
  ['default', 'http://a.test', 'NAME=THEIRS; Path=/', 'before the login'],
  ['domain', 'http://a.test', 'NAME=THEIRS; Path=/', 'before the login'],
  ['host', 'http://a.test', 'NAME=THEIRS; Path=/', 'before the login'],
  ['host', 'https://sub.a.test', 'NAME=THEIRS; Secure; Path=/; Domain=a.test', 'before the login']
]

async function planted (site) {
  for (const [shape, from, text, when] of PLANTED) {
    await site.anotherJar()
    const tab = await site.tab()
    await tab.post(`/shapes/${shape}/begin?user=9`)
    const theirs = await site.cookie(nameOf(shape))
    holds(theirs !== undefined, `there is no cookie ${nameOf(shape)}`)
    await tab.post(`/shapes/${shape}/end`)
    if (when === undefined) await beginAll(tab, [shape])
    const before = await site.cookies()
    const named = text.replace('NAME', nameOf(shape))
    const [scheme, host] = from.split('://')
    const other = await site.tab(site.server.origin(host, scheme))
    await other.get(`/plant?cookie=${encodeURIComponent(named.replace('THEIRS', theirs))}`)
    const kept = isDeepStrictEqual(await site.cookies(), before) ? 'refused' : 'kept'
    const who = await tab.get(`/shapes/${shape}/who`)
    site.row('planted', [`\`${from}\`${when === undefined ? '' : `, ${when}`}`, `\`${named}\``], kept, who === 'user 9' ? 'user 9, theirs' : who)
  }
}

export default [
  ['a browser keeps each attribute as it was set', attributes],
  ['a cookie goes to its path, its hosts and over TLS, and nowhere else', reach],
  ['scripts see only the cookie that is meant for them', hidden],
  ['over plain HTTP a Secure cookie is for the own machine', plainHttp],
  ['what a sibling or the network can plant beside a session', planted]
]
