// Somebody who looks at a page and clicks: finds fields by their labels and buttons by their words, and notices
// a page that is wider than the window.

import { join } from 'node:path'
import { holds } from '../../interop/node/check.mjs'
import { Program } from './program.mjs'

export class Visitor {
  /** `name`, `width` and `scheme` (light or dark) are in the names of the pictures. */
  constructor (page, { name, width, scheme, screenshots }) {
    Object.assign(this, { page, name, width, scheme, screenshots })
  }

  async go (url) {
    await this.page.goto(url)
    await this.look()
  }

  /** Types into the field with this label. */
  async fill (label, text) {
    const field = await this.#find('label', label)
    await field.evaluate((field, text) => {
      field.select()
      // As pasted: key by key a long name takes seconds.
      document.execCommand('insertText', false, text)
    }, text)
  }

  /** Ticks a box, or chooses a button of a group. */
  async tick (label) {
    await (await this.#find('label', label)).click()
  }

  async choose (label, value) {
    await (await this.#find('label', label)).select(value)
  }

  /** Presses the button with these words. */
  async press (words) {
    await this.#leave('button', words)
  }

  /** Follows the link with these words. */
  async follow (words) {
    await this.#leave('a', words)
  }

  async #leave (what, words) {
    const element = await this.#find(what, words)
    await Promise.all([this.page.waitForNavigation(), element.click()])
    await this.look()
  }

  async reload () {
    await this.page.reload()
    await this.look()
  }

  /** Presses the browser's own button. */
  async goBack () {
    await this.page.goBack()
    await this.look()
  }

  /** What is in the page's main part goes before what is round it. Labels may go on after the words. */
  async #find (what, words) {
    const handle = await this.page.evaluateHandle((what, words) => {
      const all = [document.querySelector('main'), document].flatMap(part => [...part.querySelectorAll(what)])
      const name = element => (element.ariaLabel ?? element.innerText).trim().replace(/\s+/g, ' ')
      if (what === 'label') return all.find(label => name(label).startsWith(words))?.control
      return all.find(element => name(element) === words)
    }, what, words)
    const element = handle.asElement()
    holds(element !== null, `${this.#where()}: there is no ${what} “${words}”`)
    return element
  }

  async sees (text) {
    holds((await this.#text()).includes(text), `${this.#where()}: the page does not say “${text}”`)
  }

  async lacks (text) {
    holds(!(await this.#text()).includes(text), `${this.#where()}: the page says “${text}”`)
  }

  async #text () {
    return await this.page.evaluate(() => document.body.innerText.replace(/\s+/g, ' '))
  }

  /** Whether the page fits, and whether it is as light or dark as the system. */
  async look () {
    const { window, widest, light } = await this.page.evaluate(() => {
      const elements = [...document.querySelectorAll('body *')]
        .map(element => ({ element, right: element.getBoundingClientRect().right }))
      const root = document.scrollingElement
      const outside = elements.find(({ right }) => right > root.clientWidth + 1 && root.scrollWidth > root.clientWidth)
      const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).map(Number)
      return { window: innerWidth, widest: outside?.element.outerHTML.slice(0, 120), light: red + green + blue > 384 }
    })
    holds(window === this.width, `${this.#where()}: the window has ${window} px`)
    holds(widest === undefined, `${this.#where()}: the page is wider than the window: ${widest}`)
    holds(light === (this.scheme === 'light'), `${this.#where()}: the page is ${light ? 'light' : 'dark'}`)
  }

  /** Keeps a picture, if pictures are wanted. */
  async picture (step) {
    if (this.screenshots === undefined) return
    await this.page.evaluate(() => scrollTo(0, 0))
    const path = join(this.screenshots, `${this.name}-${step}-${this.width}-${this.scheme}.png`)
    await this.page.screenshot({ path })
  }

  #where () {
    return `at ${this.width} px, ${this.scheme}`
  }
}

/** A journey through a program, at the width of a telephone and of a desk, with a light and a dark system. */
export function everywhere (name, path, journey) {
  return async site => {
    const program = await Program.start(path)
    try {
      for (const scheme of ['light', 'dark']) await inScheme(site, scheme, name, program.origin, journey)
    } finally {
      await program.stop()
    }
  }
}

async function inScheme (site, scheme, name, origin, journey) {
  const browser = await site.ownBrowser({ dark: scheme === 'dark' })
  for (const [width, height] of [[390, 844], [1280, 800]]) {
    await site.anotherJar()
    const page = await site.jar.newPage()
    await page.setViewport({ width, height })
    // Firefox has it from its profile.
    if (site.name === 'chromium') await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
    await journey(new Visitor(page, { name, width, scheme, screenshots: site.screenshots }), origin)
  }
  await browser.close()
}
