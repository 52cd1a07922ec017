// Sign-in and consent in a real browser, for apps on another origin: the way back is not stopped by the CSP, wrong passwords, Cancel, the
// language menu, and another person at the same browser.

import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import {
  flawsOf,
  headingOf,
  type Look,
  launchChromium,
  openBrowser,
  type Person,
  picture,
  skip
} from '../support/chromium.ts'
import { startServerAsUsersDo } from '../support/started-server.ts'
import { startApp } from './relying-party.ts'

const grace = { login: 'grace', password: 'a compiler of my own making' }
const light: Look = { script: 'on', width: 1280 }
const bare: Look = { script: 'off', width: 320, colorScheme: 'dark' }

async function press(page: Page, label: string) {
  await page.getByRole('button', { name: label, exact: true }).first().click()
}

async function signIn(page: Page, { login, password }: { login: string; password: string }) {
  await page.fill('[name=login]', login)
  await page.fill('[name=password]', password)
  await press(page, 'Sign in')
}

/** Where the app was told what came of it. */
async function answerAt(page: Page): Promise<{ at: string; parameters: Record<string, string> }> {
  await page.waitForURL('http://127.0.0.1:*/**')
  const url = new URL(page.url())
  return { at: url.origin + url.pathname, parameters: Object.fromEntries(url.searchParams) }
}

t.test('people sign in for apps on another origin', { skip, timeout: 110_000 }, async t => {
  const app = await startApp(t)
  const client = { redirect_uris: [app.redirectUri], client_uri: 'https://app.example.com/' }
  const { issuer, person } = await startServerAsUsersDo(t, {
    clients: [
      { client_id: 'spa', type: 'spa', client_name: 'Browser app', ...client },
      { client_id: 'native', type: 'native', client_name: 'Desktop app', ...client }
    ],
    accounts: [{ ...grace, name: 'Grace Hopper' }]
  })
  const chromium = await launchChromium(t)

  async function sound(t: Test, visitor: Person, name: string) {
    await picture(visitor.page, name)
    t.strictSame(await flawsOf(visitor), [], `${name} is accessible`)
  }

  for (const [clientId, look] of [
    ['spa', light],
    ['native', bare]
  ] as const) {
    t.test(`consent leads to a ${clientId} app elsewhere, script ${look.script}`, async t => {
      const visitor = await openBrowser(chromium, look)
      const { page, complaints, origins } = visitor
      await page.goto(app.authorizationUrl(issuer, { client_id: clientId }))
      await signIn(page, person)
      t.match(await headingOf(page), /wants to access your mintmark account$/)
      await sound(t, visitor, `elsewhere-${clientId}`)
      t.match(await page.locator('main').textContent(), new URL(app.origin).host)
      await press(page, 'Allow')
      t.match(await answerAt(page), {
        at: app.redirectUri,
        parameters: { code: String, state: 'the-state', iss: issuer }
      })
      t.equal(await headingOf(page), 'Back at the app')
      t.strictSame(complaints, [], 'no policy was violated')
      t.strictSame([...origins], [issuer, app.origin])
      await page.context().close()
    })
  }

  t.test('a wrong password gets the generic sentence, and the name stays', async t => {
    const visitor = await openBrowser(chromium, bare)
    const { page } = visitor
    await page.goto(app.authorizationUrl(issuer, { client_id: 'spa' }))
    for (const login of [person.login, 'nobody@example.com']) {
      await signIn(page, { login, password: 'not the password' })
      t.equal(await page.title(), 'Error: Sign in – mintmark')
      const [alert = ''] = await page.locator('[role=alert]').allTextContents()
      t.equal(
        alert.replace(/\s+/g, ' ').trim(),
        'There is a problem Email or password is incorrect.'
      )
      t.equal(await page.inputValue('[name=login]'), login)
      t.equal(await page.inputValue('[name=password]'), '')
    }
    await sound(t, visitor, 'wrong-password')
    await signIn(page, person)
    t.match(await headingOf(page), /^Browser app wants/, 'and the right one goes on')
    await page.context().close()
  })

  t.test('Cancel sends the person back to the app with access_denied', async t => {
    const { page, complaints } = await openBrowser(chromium, light)
    const denied = {
      at: app.redirectUri,
      parameters: { error: 'access_denied', state: 'the-state', iss: issuer }
    }
    await page.goto(app.authorizationUrl(issuer, { client_id: 'spa' }))
    await press(page, 'Cancel')
    t.match(await answerAt(page), denied, 'at sign-in')
    await page.goto(app.authorizationUrl(issuer, { client_id: 'spa' }))
    await signIn(page, person)
    await press(page, 'Cancel')
    t.match(await answerAt(page), denied, 'at consent')
    t.notOk((await answerAt(page)).parameters['code'])
    t.strictSame(complaints, [])
    await page.context().close()
  })

  t.test('the language menu turns the page, and is remembered', async t => {
    const { page, complaints } = await openBrowser(chromium, bare)
    await page.goto(app.authorizationUrl(issuer, { client_id: 'spa', ui_locales: 'en' }))
    t.equal(await headingOf(page), 'Sign in')
    await press(page, '한국어')
    t.equal(await headingOf(page), '로그인')
    t.equal(await page.locator('html').getAttribute('lang'), 'ko')
    await page.fill('[name=login]', person.login)
    await page.fill('[name=password]', person.password)
    await press(page, '로그인')
    t.match(await headingOf(page), /접근하려고 합니다$/)
    await press(page, 'English')
    t.match(await headingOf(page), /wants to access/)
    t.strictSame(complaints, [])
    await page.context().close()
  })

  for (const look of [light, bare]) {
    t.test(`another person signs in at the same browser, script ${look.script}`, async t => {
      const visitor = await openBrowser(chromium, look)
      const { page, complaints, origins } = visitor
      await page.goto(app.authorizationUrl(issuer, { client_id: 'spa' }))
      await signIn(page, person)
      await press(page, 'Allow')
      await page.goto(app.authorizationUrl(issuer, { client_id: 'spa', prompt: 'login' }))
      await signIn(page, grace)
      t.equal(await headingOf(page), 'Browser app wants to access your mintmark account')
      t.match(await page.locator('.lead').textContent(), 'Signed in as grace')
      await sound(t, visitor, `switch-${look.script}`)
      await press(page, 'Allow')
      t.match(await answerAt(page), { at: app.redirectUri, parameters: { code: String } })

      // the next app meets her, too: it is Grace who is signed in now
      await page.goto(app.authorizationUrl(issuer, { client_id: 'spa', prompt: 'consent' }))
      t.match(await page.locator('.lead').textContent(), 'Signed in as grace')

      // whoever was there before is one press away, and needs no password
      await page.goto(app.authorizationUrl(issuer, { client_id: 'spa', prompt: 'select_account' }))
      t.equal(await headingOf(page), 'Choose an account')
      await sound(t, visitor, `chooser-${look.script}`)
      await press(page, `Sign in as ${person.login}`)
      t.match(await page.locator('.lead').textContent(), `Signed in as ${person.login}`)
      await press(page, 'Allow')
      t.match(await answerAt(page), { at: app.redirectUri, parameters: { code: String } })
      await page.goto(`${issuer}/sign-in`)
      t.match(await page.locator('.lead').textContent(), `Signed in as ${person.login}`)
      await press(page, 'Sign in as grace')
      t.match(await page.locator('.lead').textContent(), 'Signed in as grace')
      await page.goto(`${issuer}/logout`)
      await sound(t, visitor, `sign-out-${look.script}`)
      await press(page, 'Sign out all accounts in this browser')
      t.equal(await headingOf(page), 'You are signed out')
      await page.goto(`${issuer}/sign-in`)
      t.equal(await headingOf(page), 'Sign in', 'nobody is left')
      t.strictSame(complaints, [])
      t.strictSame([...origins], [issuer, app.origin])
      await page.context().close()
    })
  }
})
