// Starts Chromium. Puppeteer makes it a new profile, and deletes that when it ends.

import puppeteer from 'puppeteer-core'

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'
]

export async function launch () {
  return await puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    args: FLAGS,
    // No step of a journey takes as long.
    protocolTimeout: 30_000
  })
}
