// Passkeys in a real browser, with the virtual authenticator of its debugging protocol (Web Authentication Level 3 §11): made on the account's
// page, used by the button, from the login field and as a second factor, inside a client's request and at our own sign-in page.

import { setTimeout as sleep } from 'node:timers/promises'
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
import { addAuthenticator } from '../support/passkey-device.ts'
import { startServerAsUsersDo } from '../support/started-server.ts'
import { startApp } from './relying-party.ts'

const grace = { login: 'grace', password: 'a compiler of my own making' }
const light: Look = { script: 'on', width: 1280 }
const dark: Look = { script: 'on', width: 320, colorScheme: 'dark', locale: 'ko-KR' }
const bare: Look = { script: 'off', width: 320, colorScheme: 'dark' }

/** What the page asked its browser for, and what became of it; kept over pages. */
const watchCredentials = `{
  const get = navigator.credentials.get.bind(navigator.credentials)
  const asked = JSON.parse(sessionStorage.getItem('asked') ?? '[]')
  const keep = () => sessionStorage.setItem('asked', JSON.stringify(asked))
  navigator.credentials.get = options => {
    const one = { mediation: options.mediation ?? 'modal', outcome: 'waiting' }
    asked.push(one)
    keep()
    return get(options).then(
      credential => { one.outcome = 'answered'; keep(); return credential },
      error => { one.outcome = error.name; keep(); throw error }
    )
  }
}`
const noAutofill = 'PublicKeyCredential.isConditionalMediationAvailable = async () => false'

async function press(page: Page, label: string) {
  await page.getByRole('button', { name: label, exact: true }).first().click()
}

async function signIn(page: Page, { login, password }: { login: string; password: string }) {
  await page.fill('[name=login]', login)
  await page.fill('[name=password]', password)
  await page.click('#sign-in')
}

/** Waits for what the page does by itself, however slow the machine is; in the page nothing may be evaluated by its own timers (CSP). */
async function until(come: () => Promise<boolean>): Promise<void> {
  for (let tried = 0; tried < 300; tried += 1) {
    if (await come()) return
    await sleep(50)
  }
  throw new Error('what was waited for did not come')
}

const outcomes = (page: Page) =>
  page.evaluate(
    `JSON.parse(sessionStorage.getItem('asked') ?? '[]').map(one => one.mediation + ' ' + one.outcome)`
  ) as Promise<string[]>

t.test('people sign in with passkeys', { skip, timeout: 110_000 }, async t => {
  const app = await startApp(t)
  const client = { redirect_uris: [app.redirectUri], client_uri: 'https://app.example.com/' }
  const { issuer, person } = await startServerAsUsersDo(t, {
    clients: [{ client_id: 'spa', type: 'spa', client_name: 'Browser app', ...client }],
    accounts: [{ ...grace, name: 'Grace Hopper' }]
  })
  const chromium = await launchChromium(t)
  const passkeysPage = `${issuer}/account/security/passkeys`

  async function sound(t: Test, visitor: Person, name: string) {
    await picture(visitor.page, `passkeys-${name}`)
    t.strictSame(await flawsOf(visitor), [], `${name} is accessible`)
    // the icon of a page that was left while it was on its way
    const complaints = visitor.complaints.filter(each => !each.endsWith('net::ERR_ABORTED'))
    t.strictSame(complaints, [], `${name}: no policy was violated`)
    t.strictSame([...visitor.origins], [issuer], `${name}: nobody else was asked`)
  }

  async function signOut(page: Page) {
    await page.goto(`${issuer}/logout`)
    await page.locator('button[name=logout]').click()
    await page.waitForURL(/logout\/success|\/logout/)
  }

  t.test('made, renamed, used by the button and from the field, removed', async t => {
    const visitor = await openBrowser(chromium, light)
    const { page } = visitor
    await page.addInitScript(watchCredentials)
    const device = await addAuthenticator(page)
    await page.goto(passkeysPage)
    t.ok(await page.locator('#use-passkey').isVisible(), 'the button is there')
    await sound(t, visitor, 'sign-in')
    await signIn(page, person)
    await page.waitForURL(passkeysPage)
    t.equal(await headingOf(page), 'Passkeys')
    await sound(t, visitor, 'none')
    await press(page, 'Add a passkey')
    await page.getByRole('heading', { name: 'Save your recovery codes' }).waitFor()
    await sound(t, visitor, 'codes')
    await page.click('#go-on')
    t.equal(await headingOf(page), 'Sign-in and security')
    t.equal(await device.count(), 1)
    await sound(t, visitor, 'section')
    // who has a factor uses it before managing it: here by itself, from the login field
    await page.getByRole('link', { name: 'Manage passkeys' }).click()
    await page.locator('section.app').waitFor()
    await sound(t, visitor, 'one')
    await press(page, 'Add a passkey')
    const known = page.getByText('You have a passkey there already.')
    await known.waitFor()
    t.equal(await device.count(), 1, 'the same device makes no second one (excludeCredentials)')
    await page.locator('section.app input[name=name]').fill('My laptop')
    await page.getByRole('button', { name: 'Rename' }).click()
    await page.getByRole('heading', { name: 'My laptop' }).waitFor()

    await device.setPresent('no')
    await signOut(page)
    await page.evaluate('sessionStorage.clear()')
    await page.goto(passkeysPage)
    await until(async () => (await outcomes(page)).length === 1)
    await page.click('#use-passkey')
    await until(async () => (await outcomes(page)).length === 2)
    t.strictSame(
      await outcomes(page),
      ['conditional AbortError', 'modal waiting'],
      'what the field offered ended before the button’s turn'
    )

    await device.setPresent('yes')
    await page.goto(`${issuer}/account/security`)
    await page.waitForURL(`${issuer}/account/security`)
    t.equal(await headingOf(page), 'Sign-in and security', 'signed in from the login field')
    t.match(await page.locator('main').textContent(), 'My laptop')

    await page.getByRole('link', { name: 'Manage passkeys' }).click()
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByText('You have no passkey yet.').waitFor()
    await until(async () => (await device.count()) === 0)
    t.pass('and the device was told (signalAllAcceptedCredentials)')
    await sound(t, visitor, 'removed')
    await page.context().close()
  })

  t.test('as a second factor, in Korean; cancelled is no error', async t => {
    const visitor = await openBrowser(chromium, dark)
    const { page } = visitor
    await page.addInitScript(noAutofill)
    await page.addInitScript(watchCredentials)
    const device = await addAuthenticator(page)
    await page.goto(passkeysPage)
    await sound(t, visitor, 'sign-in-ko')
    await signIn(page, grace)
    await page.waitForURL(passkeysPage)
    await press(page, '패스키 추가')
    await page.click('#go-on')
    await page.goto(passkeysPage)
    await page.click('#use-passkey')
    await page.locator('section.app').waitFor()
    await sound(t, visitor, 'one-ko')
    await signOut(page)

    await page.goto(passkeysPage)
    await signIn(page, grace)
    t.equal(await headingOf(page), '본인 확인')
    await sound(t, visitor, 'second-ko')
    await device.setVerified('no')
    await page.click('#use-passkey')
    await until(async () => (await outcomes(page)).includes('modal NotAllowedError'))
    t.equal(await headingOf(page), '본인 확인')
    t.equal(await page.locator('[data-passkey-problem]:visible').count(), 0, 'nothing is said')
    await device.setVerified('yes')
    await page.click('#use-passkey')
    await page.waitForURL(passkeysPage)
    t.equal(await headingOf(page), '패스키')

    t.test('and alone, for an app', async t => {
      await signOut(page)
      await page.goto(app.authorizationUrl(issuer, { client_id: 'spa' }))
      t.equal(await headingOf(page), '로그인')
      await page.click('#use-passkey')
      await page.getByRole('heading', { name: /접근하려고 합니다/ }).waitFor()
      await press(page, '허용')
      await page.waitForURL('http://127.0.0.1:*/**')
      t.match(Object.fromEntries(new URL(page.url()).searchParams), { code: String, iss: issuer })
      await page.context().close()
    })
  })

  t.test('a page that stands open asks for a new challenge before the old one is over', async t => {
    const visitor = await openBrowser(chromium, light)
    const { page } = visitor
    await page.addInitScript(watchCredentials)
    const device = await addAuthenticator(page)
    await device.setPresent('no')
    await page.clock.install()
    await page.goto(passkeysPage)
    const options = () => page.locator('form[data-passkey]').getAttribute('data-passkey')
    const first = await options()
    await until(async () => (await outcomes(page)).length === 1)
    await page.clock.fastForward(4 * 60_000 + 100)
    await until(async () => (await outcomes(page)).length === 2)
    t.strictSame(await outcomes(page), ['conditional AbortError', 'conditional waiting'])
    t.not(await options(), first)
    t.strictSame(visitor.complaints, [])
    await page.context().close()
  })

  t.test('without script there is no button, and the password works', async t => {
    const visitor = await openBrowser(chromium, bare)
    const { page } = visitor
    await page.goto(passkeysPage)
    t.notOk(await page.locator('#use-passkey').isVisible())
    await signIn(page, person)
    t.equal(await headingOf(page), 'Passkeys')
    t.match(await page.locator('main').innerText(), 'Passkeys need JavaScript')
    await sound(t, visitor, 'bare')
    await page.context().close()
  })
})
