// The example `demo`, clicked through.

import { everywhere } from '../visitor.mjs'

const LONG_NAME = 'Wolfeschlegelsteinhausenbergerdorff'.repeat(2)

async function demo (visitor, origin) {
  await visitor.go(origin)
  await visitor.sees('No cookie yet')

  await visitor.fill('Name', 'Ada Lovelace')
  await visitor.tick('Remember me')
  await visitor.press('Log in')
  await visitor.sees('Hello, Ada Lovelace')
  await visitor.sees('You are logged in.')
  await visitor.follow('Visit again')
  await visitor.sees('2 visits since you logged in')
  await visitor.sees('Remembered: it lasts 14 days')
  await visitor.picture('login')

  await visitor.choose('Language of the greeting', 'de')
  await visitor.press('Save preferences')
  await visitor.sees('Hallo, Ada Lovelace')
  await visitor.sees('preferences')

  await visitor.press('Rotate the key')
  await visitor.sees('This response re-seals it under the new key.')
  await visitor.follow('Visit again')
  await visitor.lacks('opened by the previous key')

  await visitor.press('Log out')
  await visitor.lacks('Ada Lovelace')
  await visitor.sees('Any name will do')

  // A theme that is not the system's, and back.
  const other = visitor.scheme === 'light' ? 'Dark' : 'Light'
  visitor.scheme = other.toLowerCase()
  await visitor.tick(other)
  await visitor.press('Save preferences')
  visitor.scheme = other === 'Dark' ? 'light' : 'dark'
  await visitor.tick('Like the system')
  await visitor.press('Save preferences')

  await visitor.go(origin)
  await visitor.fill('Name', LONG_NAME)
  await visitor.press('Log in')
  await visitor.sees(LONG_NAME.slice(0, 50))
  await visitor.go(`${origin}/nowhere`)
  await visitor.sees('There is nothing here')
  await visitor.follow('Back to the page')
  await visitor.press('Log out')
}

export default [
  ['the demo, clicked through at two widths, light and dark', everywhere('demo', 'examples/demo', demo)]
]
