// Starts a browser as its users have it: what Puppeteer would change about cookies is changed back.

import { createHash, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import puppeteer from 'puppeteer-core'

const CHROMIUM = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP *.test 127.0.0.1'
]

const FIREFOX = {
  'network.dns.forceResolve': '127.0.0.1',
  // As it is shipped. Puppeteer accepts every third-party cookie.
  'network.cookie.cookieBehavior': 5,
  'browser.contentblocking.features.standard': '-tp,tpPrivate,cookieBehavior5,-cryptoTP,-fp',
  // No guesses at connections, and no pages on the network.
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false
}

export class Browsers {
  /** `name` is `chromium` or `firefox`, `directory` has the certificate of the run. */
  constructor (name, directory) {
    this.name = name
    this.certificate = new X509Certificate(readFileSync(join(directory, 'certificate.pem')))
  }

  /**
   * With a profile that is kept in a directory, or with a new one; with a light or dark system (Firefox alone,
   * Chromium can be told for each page); as it is installed, or with third-party cookies allowed.
   */
  async launch ({ profile, dark = false, thirdPartyCookies = false } = {}) {
    // No step of a journey takes as long.
    const options = { headless: true, protocolTimeout: 30_000, userDataDir: profile, defaultViewport: null }
    if (this.name === 'chromium') {
      if (thirdPartyCookies) allowThirdPartyCookies(profile)
      const key = this.certificate.publicKey.export({ type: 'spki', format: 'der' })
      const trusted = createHash('sha256').update(key).digest('base64')
      return await puppeteer.launch({
        ...options,
        executablePath: process.env.CHROMIUM,
        // Accepts this certificate as if it were anybody's, so that pages and cookies are as on a real site.
        args: [...CHROMIUM, `--ignore-certificate-errors-spki-list=${trusted}`]
      })
    }
    return await puppeteer.launch({
      ...options,
      browser: 'firefox',
      executablePath: process.env.FIREFOX,
      acceptInsecureCerts: true,
      extraPrefsFirefox: {
        ...FIREFOX,
        ...(thirdPartyCookies ? { 'network.cookie.cookieBehavior': 0 } : {}),
        'layout.css.prefers-color-scheme.content-override': dark ? 0 : 1
      }
    })
  }
}

/** What the switch in Chromium's settings does. Debian's package has it off. */
function allowThirdPartyCookies (profile) {
  const directory = join(profile, 'Default')
  mkdirSync(directory, { recursive: true })
  const preferences = { profile: { block_third_party_cookies: false, cookie_controls_mode: 0 } }
  writeFileSync(join(directory, 'Preferences'), JSON.stringify(preferences))
}
