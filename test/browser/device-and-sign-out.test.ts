// The device pages and sign-out in a real browser without script: the link with the code in it (RFC 8628 §3.3.1), a sign-out that nobody is
// signed in for, and one that comes from an app on another origin (OpenID Connect RP-Initiated Logout §2). Everywhere our pages.

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

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const looks: Look[] = [
  { script: 'off', width: 320, colorScheme: 'dark' },
  { script: 'on', width: 1280 }
]

async function press(page: Page, label: string) {
  await page.getByRole('button', { name: label, exact: true }).first().click()
}

async function post(url: string, form: Record<string, string>): Promise<Record<string, string>> {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  return (await answer.json()) as Record<string, string>
}

/** One of our pages, and sound. */
async function shows(t: Test, visitor: Person, name: string, title: string) {
  t.equal(await headingOf(visitor.page), title)
  t.equal(await visitor.page.locator('header.site').count(), 1, 'the page is ours')
  await picture(visitor.page, name)
  t.strictSame(await flawsOf(visitor), [], `${name} is accessible`)
}

t.test('devices and sign-out', { skip, timeout: 110_000 }, async t => {
  const app = await startApp(t)
  const { issuer, person } = await startServerAsUsersDo(t, {
    clients: [
      {
        client_id: 'tv',
        type: 'native',
        client_name: 'Living room TV',
        redirect_uris: [app.redirectUri],
        grant_types: ['authorization_code', 'refresh_token', deviceCode]
      },
      {
        client_id: 'spa',
        type: 'spa',
        client_name: 'Browser app',
        redirect_uris: [app.redirectUri],
        post_logout_redirect_uris: [app.postLogoutRedirectUri]
      }
    ]
  })
  const chromium = await launchChromium(t)

  async function signIn(page: Page) {
    await page.fill('[name=login]', person.login)
    await page.fill('[name=password]', person.password)
    await press(page, 'Sign in')
  }

  for (const look of looks) {
    t.test(`a device is connected by the link with its code, script ${look.script}`, async t => {
      const visitor = await openBrowser(chromium, look)
      const { page, complaints, origins } = visitor
      const shot = `device-${look.script}`
      const begun = await post(`${issuer}/oauth/device`, {
        client_id: 'tv',
        scope: 'openid profile offline_access'
      })
      t.match(begun, { user_code: String, verification_uri: `${issuer}/device` })
      t.equal(
        begun['verification_uri_complete'],
        `${issuer}/device?user_code=${begun['user_code']}`
      )
      await page.goto(begun['verification_uri_complete'] ?? '')
      await shows(t, visitor, `${shot}-1`, 'Connect a device')
      t.equal(await page.inputValue('[name=user_code]'), begun['user_code'])
      await press(page, 'Continue')
      await shows(t, visitor, `${shot}-2`, 'Does this code match your device?')
      t.equal(await page.locator('p.code').textContent(), begun['user_code'])
      await press(page, 'Continue')
      t.equal(await headingOf(page), 'Sign in')
      await signIn(page)
      if (/wants to access/.test(await headingOf(page))) {
        await shows(t, visitor, `${shot}-3`, 'Living room TV wants to access your mintmark account')
        t.notMatch(await page.locator('main').textContent(), 'You will be sent')
        await press(page, 'Allow')
      }
      await shows(t, visitor, `${shot}-4`, 'You’re connected')
      const tokens = await post(`${issuer}/oauth/token`, {
        grant_type: deviceCode,
        client_id: 'tv',
        device_code: begun['device_code'] ?? ''
      })
      t.match(tokens, { access_token: String, id_token: String, refresh_token: String })
      t.strictSame(complaints, [])
      t.strictSame([...origins], [issuer])
      await page.context().close()
    })
  }

  t.test('a declined device is told so, and a wrong code is explained', async t => {
    const visitor = await openBrowser(chromium, { ...looks[0], script: 'off', width: 320 })
    const { page } = visitor
    const begun = await post(`${issuer}/oauth/device`, { client_id: 'tv', scope: 'openid' })
    await page.goto(`${issuer}/device?user_code=NOPE-NOPE`)
    await press(page, 'Continue')
    await shows(t, visitor, 'device-wrong', 'Connect a device')
    t.match(await page.locator('[role=alert]').textContent(), 'That code is not one of ours')
    await page.fill('[name=user_code]', begun['user_code'] ?? '')
    await press(page, 'Continue')
    await press(page, 'Cancel')
    await shows(t, visitor, 'device-declined', 'Device not connected')
    const answer = await post(`${issuer}/oauth/token`, {
      grant_type: deviceCode,
      client_id: 'tv',
      device_code: begun['device_code'] ?? ''
    })
    t.match(answer, { error: 'access_denied' })
    await page.context().close()
  })

  for (const look of looks) {
    t.test(`signing out without a session shows our page, script ${look.script}`, async t => {
      const visitor = await openBrowser(chromium, look)
      const { page, complaints, origins } = visitor
      await page.goto(`${issuer}/logout`)
      await shows(t, visitor, `sign-out-nobody-${look.script}-1`, 'Sign out of mintmark?')
      await press(page, 'Sign out')
      await shows(t, visitor, `sign-out-nobody-${look.script}-2`, 'You are signed out')
      t.strictSame(complaints, [])
      t.strictSame([...origins], [issuer])
      await page.context().close()
    })
  }

  t.test(
    'an app elsewhere asks to sign out: who stays signed in is so, who signs out is not',
    async t => {
      const visitor = await openBrowser(chromium, { script: 'on', width: 1280 })
      const { page, complaints } = visitor
      await page.goto(app.authorizationUrl(issuer, { client_id: 'spa' }))
      await signIn(page)
      await press(page, 'Allow')
      await page.waitForURL(`${app.redirectUri}?*`)
      const query = new URLSearchParams({
        client_id: 'spa',
        post_logout_redirect_uri: app.postLogoutRedirectUri,
        state: 'bye'
      })
      for (const [answer, asked] of [
        ['Stay signed in', 'wants to access'],
        ['Sign out', 'Sign in']
      ] as const) {
        await page.goto(`${issuer}/logout?${query}`)
        t.match(await page.locator('main').textContent(), 'Browser app asks to sign you out.')
        await picture(page, 'sign-out-app')
        await press(page, answer)
        await page.waitForURL(`${app.postLogoutRedirectUri}?state=bye`)
        await page.goto(app.authorizationUrl(issuer, { client_id: 'spa' }))
        t.match(await headingOf(page), asked, answer)
      }
      t.strictSame(complaints, [], 'no policy was violated')
      await page.context().close()
    }
  )

  t.test('Back after signing out shows nothing of the account (R-74)', async t => {
    const visitor = await openBrowser(chromium, { script: 'on', width: 1280 })
    const { page } = visitor
    await page.goto(`${issuer}/account`)
    await signIn(page)
    await page.locator('nav.account-menu').waitFor()
    for (const path of ['/account/security', '/account/data']) {
      await page.goto(issuer + path)
      t.equal(await page.locator('nav.account-menu').count(), 1, path)
    }
    await page.goto(`${issuer}/logout`)
    await press(page, 'Sign out')
    await page.locator('#signed-out').waitFor()
    for (let steps = 0; steps < 5; steps += 1) {
      await page.goBack()
      t.equal(await page.locator('nav.account-menu').count(), 0, page.url())
      t.notMatch(await page.content(), person.login, page.url())
    }
    await page.context().close()
  })
})
