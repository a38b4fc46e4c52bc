// The example `site`, clicked through: a cart, an account, an order, the settings.

import { everywhere } from '../visitor.mjs'

const NAME = 'ada'
const LONG_NAME = 'Wolfeschlegelsteinhausenberger'
const PASSWORD = 'three or four words'

async function shop (visitor, origin) {
  await visitor.go(origin)
  await visitor.sees('For letters that only one person opens')
  await visitor.picture('shop')

  await visitor.press('Add to cart: Sealing wax')
  await visitor.sees('Sealing wax is in your cart.')
  await visitor.reload()
  await visitor.lacks('Sealing wax is in your cart.')
  await visitor.follow('Cart 1')
  await visitor.fill('How many: Sealing wax', '3')
  await visitor.press('Change how many: Sealing wax')
  await visitor.sees('Total €22.50')

  // The cart and the page that was wanted survive the registration.
  await visitor.follow('Order')
  await visitor.sees('No account yet?')
  await visitor.follow('Register')
  await visitor.fill('Name', NAME)
  await visitor.fill('Password', PASSWORD)
  await visitor.press('Register')
  await visitor.sees(`Welcome, ${NAME}.`)
  await visitor.sees('Your order')
  await visitor.sees('Cart 3')
  await visitor.picture('order')
  await visitor.press('Place the order')
  await visitor.sees(`Thank you, ${NAME}: 3 ordered.`)

  // Who goes back after a log-out sees nothing of the account.
  await visitor.follow(NAME)
  await visitor.sees('Change the password')
  await visitor.press('Log out')
  await visitor.sees('You are logged out.')
  await visitor.goBack()
  await visitor.lacks(NAME)

  await visitor.go(`${origin}/settings`)
  await visitor.fill('Name', NAME)
  await visitor.fill('Password', 'not the password')
  await visitor.press('Log in')
  await visitor.sees('This name and this password do not belong together.')
  await visitor.fill('Password', PASSWORD)
  await visitor.tick('Remember me for 30 days')
  await visitor.press('Log in')
  await visitor.sees(`Welcome back, ${NAME}.`)
  await visitor.sees('Change the password')

  await visitor.follow('Accounts')
  await visitor.sees('administrator')
  await visitor.follow(NAME)
  await visitor.follow('Log out everywhere else')
  await visitor.press('Log out everywhere else')
  await visitor.sees('You are logged out everywhere else.')
  await visitor.follow('Change the password')
  await visitor.fill('Current password', PASSWORD)
  await visitor.fill('New password', `${PASSWORD} again`)
  await visitor.press('Change the password')
  await visitor.sees('Your password is changed.')
  await visitor.go(`${origin}/nowhere`)
  await visitor.sees('There is no such page.')
  await visitor.follow('To the shop')
  await visitor.follow(NAME)
  await visitor.follow('Delete the account')
  await visitor.sees(`Delete the account ${NAME}?`)
  await visitor.press('Delete the account')
  await visitor.sees(`The account ${NAME} is deleted.`)

  // A name that has no place to break a line.
  await visitor.follow('Register')
  await visitor.fill('Name', LONG_NAME)
  await visitor.fill('Password', PASSWORD)
  await visitor.press('Register')
  await visitor.follow('Accounts')
  await visitor.follow(LONG_NAME)
  await visitor.follow('Delete the account')
  await visitor.press('Delete the account')
  await visitor.sees(`The account ${LONG_NAME} is deleted.`)
}

export default [
  ['the shop, clicked through at two widths, light and dark', everywhere('site', 'site', shop)]
]
