// A removal reaches its cookie and no other: the path, the domain, the partition.

import { same } from '../../../interop/node/check.mjs'
import { beginAll, described, nameOf } from './attributes.mjs'

const SHAPES = ['default', 'host', 'domain', 'path', 'strict', 'none', 'partitioned', 'script', 'plain', 'kept']

// A cookie of the same name that a browser takes for another one.
const TWINS = [
  ['path', 'another path', 'path=twin; Secure; HttpOnly; Path=/'],
  ['domain', 'no domain', '__Secure-domain=twin; Secure; HttpOnly; Path=/'],
  ['default', 'a domain', 'default=twin; Secure; HttpOnly; Path=/; Domain=a.test'],
  ['partitioned', 'no partition', 'partitioned=twin; Secure; HttpOnly; SameSite=None; Path=/'],
  ['none', 'a partition', 'none=twin; Secure; HttpOnly; SameSite=None; Path=/; Partitioned']
]

async function removed (site) {
  const tab = await site.tab()
  await beginAll(tab, SHAPES)
  same((await site.cookies()).length, SHAPES.length, 'how many cookies are in the jar')
  for (const shape of SHAPES) {
    const before = (await site.cookies()).map(cookie => cookie.name)
    await tab.post(`/shapes/${shape}/end`)
    const after = (await site.cookies()).map(cookie => cookie.name)
    same(after.toSorted(), before.filter(name => name !== nameOf(shape)).toSorted(), `the jar after ${shape}`)
  }
  site.row('removal', `the session's own cookie, each of ${SHAPES.length} forms`, 'removed')
}

async function twins (site) {
  for (const [shape, twin, cookie] of TWINS) {
    await site.anotherJar()
    const tab = await site.tab()
    await beginAll(tab, [shape])
    await tab.get(`/plant?cookie=${encodeURIComponent(cookie)}`)
    const both = (await site.named(nameOf(shape))).map(cookie => cookie.value === 'twin').toSorted()
    same(both, [false, true], `whether ${nameOf(shape)} and its twin with ${twin} are in the jar`)
    await tab.post(`/shapes/${shape}/end`)
    const left = await site.named(nameOf(shape))
    same(left.some(cookie => cookie.value !== 'twin'), false, `whether ${nameOf(shape)} is left beside its twin with ${twin}`)
    site.row('removal', `one of the same name with ${twin}`, left.length === 1 ? 'stays' : 'removed')
  }
}

async function remembered (site) {
  const tab = await site.tab()
  await tab.post('/log-in?remember=true')
  const [login] = await site.named('login')
  site.row('options', 'a login with `remember()`, 14 days', described(login))
  await tab.post('/log-out')
  same(await site.named('login'), [], 'what is left of the login')
}

export default [
  ['a removal removes the cookie of each form, and no other', removed],
  ['a removal leaves the twin that differs in path, domain or partition', twins],
  ['a remembered login is removed as well', remembered]
]
