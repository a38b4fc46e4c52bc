// Answers that come after a log-out, a log-in or a write. Nothing is late by chance: the server holds an answer
// back until it is told to let it go, and its clock goes on when it is told to.

import { holds, same } from '../../../interop/node/check.mjs'

const LONG = 4

/** Begins a slow request, acts in a second tab, and lets the slow answer go. */
async function whileWaiting (site, path, act) {
  const [one, other] = [await site.tab(), await site.tab()]
  const request = await one.begin(path)
  await act(other)
  holds(!request.answered, `${path} was answered too early`)
  await site.server.advance(LONG)
  await site.server.release()
  await request.answer
  const [{ set }] = await site.server.answers(path)
  return { tab: other, set: `${path} has set [${set}]` }
}

async function logOut (site, tab) {
  await tab.post('/log-out')
  same(await site.cookie('login'), undefined, 'the cookie after the log-out')
}

async function isLoggedOut (site, tab, set) {
  same(await tab.get('/who'), 'nobody', `who is logged in after the log-out (${set})`)
  same(await site.cookie('login'), undefined, 'the cookie at the end')
}

async function longPoll (site) {
  await (await site.tab()).post('/log-in/before?minutes=10')
  const { tab, set } = await whileWaiting(site, '/poll', tab => logOut(site, tab))
  await isLoggedOut(site, tab, set)
}

async function anonymousPoll (site) {
  await (await site.tab()).post('/visitor/begin?minutes=10')
  const { tab, set } = await whileWaiting(site, '/visitor/poll', tab => tab.post('/visitor/log-in'))
  same(await tab.get('/visitor'), 'user 7', `who the visitor is after the log-in (${set})`)
}

async function logOutInRotation (site) {
  await (await site.tab()).post('/log-in/before?minutes=0')
  await site.server.rotate()
  const { tab, set } = await whileWaiting(site, '/slow', tab => logOut(site, tab))
  await isLoggedOut(site, tab, set)
}

async function writeInRotation (site) {
  await (await site.tab()).post('/log-in/before?minutes=0')
  await site.server.rotate()
  const { tab, set } = await whileWaiting(site, '/slow', tab => tab.post('/count'))
  same(await tab.get('/who'), 'user 7, 1', `the count after the write (${set})`)
}

async function slowWrite (site) {
  await (await site.tab()).post('/log-in')
  const { tab } = await whileWaiting(site, '/slow-count', tab => logOut(site, tab))
  same(await tab.get('/who'), 'user 7, 1', 'the session that was written last')
}

async function markedDeletion (site) {
  await (await site.tab()).post('/log-in')
  const { tab } = await whileWaiting(site, '/slow-count', tab => logOut(site, tab))
  holds(await site.cookie('login') !== undefined, 'the late write has not brought the cookie back')
  await isLoggedOut(site, tab, 'marked')
}

/** Whether the slow page, asked for in some way, refreshes a session that was last used so long ago. */
async function isRefreshed (site, minutes, begin) {
  const tab = await site.tab()
  await tab.post(`/log-in/before?minutes=${minutes}`)
  const before = await site.cookie('login')
  const request = await begin(tab, '/slow-page')
  await site.server.advance(2)
  await site.server.release()
  await request.answer
  return before !== await site.cookie('login')
}

const navigate = (tab, path) => tab.beginGoing(path)
const script = (tab, path) => tab.begin(path)
const slowPage = (begin, minutes, refreshed) => async site =>
  same(await isRefreshed(site, minutes, begin), refreshed, 'whether it was refreshed')

async function nextAnswer (site) {
  same(await isRefreshed(site, 20, navigate), false, 'whether the slow page refreshed it')
  const before = await site.cookie('login')
  const tab = await site.tab()
  same(await tab.get('/who'), 'user 7, 0', 'who is logged in')
  holds(await site.cookie('login') !== before, 'the next answer did not refresh it')
}

async function cacheableFile (site) {
  const tab = await site.tab()
  await tab.post('/log-in/before?minutes=0')
  await site.server.rotate()
  await tab.get('/style.css')
  // As after a reload: the browser asks whether the file is still the same.
  await tab.get('/style.css', { cache: 'no-cache' })
  const answers = await site.server.answers('/style.css')
  same(answers, [{ status: 200, set: [] }, { status: 304, set: [] }], 'the file')
  // And the rotation is on: an answer that is not cacheable brings the cookie sealed again.
  same(await tab.get('/who'), 'user 7, 0', 'who is logged in')
  same(await site.server.answers('/who'), [{ status: 200, set: ['login'] }], 'an ordinary answer')
}

export default [
  ['a long poll does not undo a log-out', longPoll],
  ['an anonymous long poll does not undo a log-in', anonymousPoll],
  ['during a rotation, a slow answer does not undo a log-out', logOutInRotation],
  ['during a rotation, a slow answer does not undo a write', writeInRotation],
  ['a slow handler that writes after the log-out brings the cookie back: the last write wins', slowWrite],
  ['the same, but deletions are marked: the next request is logged out again', markedDeletion, '--mark-deletions'],
  ['going to a slow page refreshes a session with more than half of its time used', slowPage(navigate, 40, true)],
  ['going to a slow page does not refresh one with less than half used', slowPage(navigate, 20, false)],
  ['the next quick answer refreshes what a slow page did not', nextAnswer],
  ['a slow answer to a script does not refresh one with less than three quarters used', slowPage(script, 40, false)],
  ['a slow answer to a script refreshes one with more than three quarters used', slowPage(script, 50, true)],
  ['during a rotation, neither a cacheable file nor its 304 carries a cookie', cacheableFile]
]
