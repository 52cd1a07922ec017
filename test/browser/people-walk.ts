// The whole way of one person, from signing up to deleting the account, in a real Chromium over two server processes (`npm run browser`; pictures of
// each page: SCREENSHOTS=folder). Twice, as different people look at it, and shorter without script. Not part of `npm test`.

import { createHash, randomBytes } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { mailTo } from '../mail/setting.ts'
import {
  flawsOf,
  type Look,
  launchChromium,
  openBrowser,
  type Person,
  picture,
  skip
} from '../support/chromium.ts'
import { secretOf } from '../support/configuration.ts'
import { linkOf, startMailServer } from '../support/mail-server.ts'
import { addAuthenticator } from '../support/passkey-device.ts'
import { startServerProcess } from '../support/processes.ts'
import { appWith } from '../support/second-factor.ts'
import { startTestServer } from '../support/server.ts'
import { startApp } from './relying-party.ts'

interface Walk {
  name: string
  email: string
  look: Look
  /** what is typed to delete the account */
  word: string
}

const walks: readonly Walk[] = [
  {
    name: 'en-light-1280',
    email: 'grace@example.com',
    look: { script: 'on', width: 1280, locale: 'en-GB', colorScheme: 'light' },
    word: 'delete'
  },
  {
    name: 'ko-dark-320',
    email: 'hana@example.com',
    look: { script: 'on', width: 320, locale: 'ko-KR', colorScheme: 'dark' },
    word: '삭제'
  }
]
const bare: Walk = {
  name: 'bare',
  email: 'mary@example.com',
  look: { script: 'off', width: 320, locale: 'en-GB', colorScheme: 'light' },
  word: 'delete'
}
const first = 'a compiler of my own making'
const second = 'a nanosecond of copper wire'

t.test('a person’s whole way, over two processes', { skip, timeout: 840_000 }, async t => {
  const app = await startApp(t)
  const smtp = await startMailServer(t)
  const clientSecret = secretOf('shop')
  const overrides = {
    ...mailTo(smtp),
    clients: [
      {
        client_id: 'shop',
        type: 'web',
        client_name: 'The shop',
        client_secret: clientSecret,
        redirect_uris: [app.redirectUri],
        refresh_tokens: 'always'
      }
    ]
  }
  const server = await startTestServer(t, overrides)
  const { issuer } = server
  const sibling = await startServerProcess(t, server, overrides)
  const chromium = await launchChromium(t)
  // the same address in this one is the other process
  const elsewhere = await launchChromium(
    t,
    `--host-resolver-rules=MAP localhost:${new URL(issuer).port} 127.0.0.1:${sibling.port}`
  )
  let visited = 0

  /** One person at one browser, who looks at each page as it comes. */
  async function enter(t: Test, browser: Browser, { name, email, look }: Walk, where = '') {
    const visitor: Person = await openBrowser(browser, look)
    const { page } = visitor
    let codes: string[] = []
    let app2: ReturnType<typeof appWith> | undefined

    async function sound(what: string) {
      visited += 1
      await page.waitForLoadState()
      const number = String(visited).padStart(3, '0')
      await picture(page, `${name}-${number}-${what}${where}`)
      t.strictSame(await flawsOf(visitor), [], `${what} is accessible and fits`)
      const complaints = visitor.complaints
        .splice(0)
        .filter(each => !each.endsWith('net::ERR_ABORTED'))
      t.strictSame(complaints, [], `${what}: no complaint in the console`)
    }

    async function go(path: string, what: string) {
      await page.goto(issuer + path)
      await sound(what)
    }

    async function choose(password: string) {
      await page.fill('[name=password]', password)
      await page.fill('[name=password_again]', password)
      await page.click('#go-on')
    }

    async function mailed(path: string) {
      const mail = await smtp.next(each => each.to.includes(email) && each.text.includes(path))
      return linkOf(mail, path).href
    }

    async function keepCodes() {
      await page.locator('.recovery-codes code').first().waitFor()
      codes = await page.locator('.recovery-codes code').allTextContents()
    }

    return {
      page,
      sound,
      go,
      choose,
      mailed,
      keepCodes,
      takeCode: () => codes.shift() ?? '',
      lend: (from: string[]) => {
        codes = from
      },
      close: () => page.context().close(),

      async signUp() {
        await go('/sign-up', 'sign-up')
        await page.fill('[name=email]', email)
        await page.click('#go-on')
        await sound('sign-up-asked')
        await page.goto(await mailed('/sign-up/finish'))
        await sound('sign-up-finish')
        await page.fill('[name=name]', 'Grace Hopper')
        await choose(first)
        await page.waitForURL('**/sign-up/done*')
        await sound('sign-up-done')
        await page.click('#go-on')
        await page.locator('#sign-in').waitFor()
        await sound('sign-in')
      },

      async password(password: string) {
        await page.fill('[name=login]', email)
        await page.fill('[name=password]', password)
        await page.click('#sign-in')
      },

      /** The second step, by a code, whatever is offered first. */
      async factor(kind: 'totp' | 'recovery_code') {
        await page.locator('#other-account').waitFor()
        await sound('second-step')
        const other = page.locator(`ul.links a[href*="${kind}"]`)
        if ((await other.count()) > 0) await other.first().click()
        await page.locator('[name=code]').waitFor()
        await sound(kind)
        const code = kind === 'totp' ? app2?.code(1) : codes.shift()
        await page.fill('[name=code]', code ?? '')
        await page.click('#go-on')
        if (kind === 'totp') return
        await page.locator('[role=status]').waitFor()
        await sound('recovery-code-used')
        await page.click('#go-on')
      },

      async setUpTotp() {
        await go('/account/security/totp', 'totp-set-up')
        app2 = appWith((await page.locator('code.secret').textContent()) ?? '')
        await page.fill('[name=code]', app2.code())
        await page.click('#go-on')
      },

      async signOut() {
        await go('/logout', 'sign-out')
        await page.click('#sign-out')
        await page.locator('#signed-out').waitFor()
        await sound('signed-out')
      },

      async accountPages() {
        const security = ['', '/password', '/email', '/events'].map(path => `/security${path}`)
        for (const path of ['', ...security, '/sessions', '/grants', '/data'])
          await go(`/account${path}`, `account${path.replaceAll('/', '-')}`)
      },

      async reset() {
        await go('/reset-password', 'reset')
        await page.fill('[name=login]', email)
        await page.click('#go-on')
        await sound('reset-asked')
        await page.goto(await mailed('/reset-password/new'))
        await sound('reset-new')
        await choose(second)
        await page.waitForURL('**/reset-password/done*')
        await sound('reset-done')
      },

      async deleteAccount(word: string) {
        await go('/account/data/delete', 'delete')
        await page.fill('[name=word]', word)
        await page.locator('main form button.equal').first().click()
        await page.locator('nav.account-menu').waitFor({ state: 'detached' })
        await sound('deleted')
      }
    }
  }

  const atToken = async (port: number | undefined, fields: Record<string, string>) => {
    const headers = {
      authorization: `Basic ${Buffer.from(`shop:${encodeURIComponent(clientSecret)}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded'
    }
    const body = new URLSearchParams(fields).toString()
    if (port !== undefined)
      return JSON.parse(
        (await sibling.fetch('/oauth/token', { method: 'POST', headers, body })).text
      )
    return (await fetch(`${issuer}/oauth/token`, { method: 'POST', headers, body })).json()
  }
  const refresh = (port: number | undefined, token: string) =>
    atToken(port, { grant_type: 'refresh_token', refresh_token: token })

  /** The app gets a refresh token; `allow` is called at the consent page. */
  async function useApp(page: Page, port: number | undefined, allow: () => Promise<void>) {
    const verifier = randomBytes(32).toString('base64url')
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const request = { client_id: 'shop', scope: 'openid profile', code_challenge: challenge }
    await page.goto(app.authorizationUrl(issuer, request))
    await allow()
    await page.waitForURL(`${app.origin}/**`)
    return atToken(port, {
      grant_type: 'authorization_code',
      code: new URL(page.url()).searchParams.get('code') ?? '',
      redirect_uri: app.redirectUri,
      code_verifier: verifier
    })
  }

  for (const walk of walks) {
    await t.test(walk.name, async t => {
      const here = await enter(t, chromium, walk)
      const { page } = here
      const device = await addAuthenticator(page)
      await here.signUp()
      await here.password(first)
      await page.waitForURL(`${issuer}/sign-in*`)
      await here.sound('signed-in')
      await here.accountPages()

      await here.go('/account/security/passkeys', 'passkeys')
      await page.click('#use-passkey')
      await here.keepCodes()
      await here.sound('recovery-codes')
      t.equal(await device.count(), 1)
      await here.signOut()

      await page.goto(`${issuer}/account/security`)
      await page.locator('nav.account-menu').waitFor()
      t.equal(new URL(page.url()).pathname, '/account/security', 'signed in from the login field')
      await here.sound('signed-in-by-passkey')
      await device.setPresent('no')

      await here.setUpTotp()
      await page.waitForURL(`${issuer}/account/security`)
      await here.sound('totp-is-on')
      await here.go('/account/security/recovery-codes', 'recovery-codes-left')
      await page.click('#renew')
      await here.keepCodes()
      await here.sound('recovery-codes-new')
      await here.signOut()

      for (const kind of ['recovery_code', 'totp'] as const) {
        await page.goto(`${issuer}/account/security`)
        await here.password(first)
        await here.factor(kind)
        await page.waitForURL(`${issuer}/account/security`)
        await here.sound(`signed-in-by-${kind}`)
        await here.signOut()
      }

      await here.reset()
      await page.goto(`${issuer}/account/security/events`)
      await here.password(second)
      await here.factor('recovery_code')
      await page.waitForURL(`${issuer}/account/security/events`)
      await here.sound('security-events')

      const removed = await useApp(page, undefined, async () => {
        await page.locator('#allow').waitFor()
        await here.sound('consent')
        await page.click('#allow')
      })
      t.type((await refresh(undefined, removed.refresh_token)).refresh_token, 'string')
      await here.go('/account/grants', 'connected-apps')
      t.equal(await page.locator('section.app').count(), 1)
      await page.locator('section.app button').click()
      await page.locator('section.app').waitFor({ state: 'detached' })
      await here.sound('connected-apps-none')
      t.match(await refresh(undefined, removed.refresh_token), { error: 'invalid_grant' })

      const there = await enter(t, elsewhere, walk, '-there')
      there.lend([here.takeCode()])
      await there.page.goto(`${issuer}/account/sessions`)
      await there.password(second)
      await there.factor('recovery_code')
      await there.page.waitForURL(`${issuer}/account/sessions`)
      await there.sound('sessions')
      const bound = await useApp(there.page, sibling.port, async () => {
        await there.page.locator('#allow').waitFor()
        await there.page.click('#allow')
      })
      t.type(bound.refresh_token, 'string')

      await here.go('/account/sessions', 'sessions-two')
      const other = page.locator('section.app', { hasNot: page.locator('.badge') }).first()
      const began = performance.now()
      await other.locator('button').click()
      await page.locator('p.note[role=status]').waitFor()
      const told = performance.now()
      const answer = await there.page.goto(`${issuer}/account`)
      const milliseconds = (from: number) => Math.round(performance.now() - from)
      t.comment(
        `${walk.name}: signed out in ${Math.round(told - began)} ms, refused by the other process ${milliseconds(told)} ms after`
      )
      t.equal(new URL(answer?.url() ?? '').pathname, '/sign-in', 'the next request is refused')
      t.match(await refresh(sibling.port, bound.refresh_token), { error: 'invalid_grant' })
      await here.sound('session-ended')
      await there.sound('session-over')
      await there.close()

      await here.deleteAccount(walk.word)
      await page.goto(`${issuer}/account`)
      await here.password(second)
      await here.factor('recovery_code')
      await page.locator('[name=keep]').waitFor()
      await here.sound('keep-account')
      await here.close()
    })
  }

  await t.test('without script', async t => {
    const here = await enter(t, chromium, bare)
    const { page } = here
    await here.signUp()
    await here.password(first)
    await here.sound('signed-in')
    await here.accountPages()
    await here.go('/account/security/passkeys', 'passkeys')
    await here.setUpTotp()
    await here.keepCodes()
    await here.sound('recovery-codes')
    await here.signOut()
    await here.reset()
    await page.goto(`${issuer}/account/security`)
    await here.password(second)
    await here.factor('totp')
    await page.waitForURL(`${issuer}/account/security`)
    await useApp(page, undefined, async () => {
      await here.sound('consent')
      await page.click('#allow')
    })
    await here.go('/account/grants', 'connected-apps')
    await here.deleteAccount(bare.word)
    await here.close()
  })

  t.comment(`${visited} pages were looked at`)
})
