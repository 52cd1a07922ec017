// Every sequence of what a browser can send while somebody signs in who has a second factor: forms right, wrong, empty, of another step, sent
// twice; addresses opened directly; beginning anew; two tabs. The oracle knows nothing of the server: a session exists only once the password
// and the factor of one account were proved in this sign-in, and every answer is a page or a redirect that leads to one (Must show 4, checks
// 129 and 170, R-49). A normal run tries a part of them,
// `npm run sign-in-sequences` all.

import t from 'tap'
import { createRequests } from '../protocol/requests.ts'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { giveTotp } from '../support/second-factor.ts'
import { person, startTestServer } from '../support/server.ts'

const server = await startTestServer(t)
const { issuer, store } = server
const requests = createRequests(server)
const app = await giveTotp(server, server.accountId)
const bob = { login: 'bob@example.com', password: 'another long passphrase of his' }
const made = await server.server.accounts.service.create(bob, 'cli')
if (!made.ok) throw new Error(made.reason)
const bobsApp = await giveTotp(server, made.account.id)
const all = process.env['MINTMARK_SEQUENCES'] === 'all'
const longest = 3

/** One browser on its way, and what it has proved since it last began anew. */
interface Run {
  browser: Browser
  address: string
  csrf: string
  proved: { ada: Set<string>; bob: Set<string> }
  /** whose password was proved last: a code is judged for that account */
  who: 'ada' | 'bob' | undefined
  last: Page | undefined
}

type Step = (run: Run) => Promise<void>

const post = (fields: (run: Run) => Record<string, string>): Step => {
  return async run => {
    run.last = await run.browser.post(run.address.split('?')[0] ?? '', {
      csrf: run.csrf,
      ...fields(run)
    })
  }
}

function password(name: 'ada' | 'bob', given: { login: string; password: string }): Step {
  const send = post(() => ({ prompt: 'login', ...given }))
  return async run => {
    await send(run)
    // a password counts where a sign-in begins; later the form is one of another step
    if (run.who !== undefined) return
    run.who = name
    run.proved[name].add('password')
  }
}

function code(prompt: string, value: () => string, of?: 'ada' | 'bob'): Step {
  const send = post(() => ({ prompt, code: value() }))
  return async run => {
    await send(run)
    if (of !== undefined && run.who === of) run.proved[of].add('factor')
  }
}

/** Nothing is proved any more; at another page, that is where forms go from now on. */
function begins(run: Run, page?: Page) {
  run.who = undefined
  run.proved = { ada: new Set(), bob: new Set() }
  if (page === undefined) return
  run.address = page.url.pathname
  run.csrf = page.forms.find(form => form.fields.has('csrf'))?.fields.get('csrf') ?? ''
}

const wayBack = 'the way back to the app'

const steps: Record<string, Step> = {
  password: password('ada', person),
  "another's password": password('bob', bob),
  'a wrong password': post(() => ({ prompt: 'login', ...person, password: 'not hers' })),
  'the code': code('totp', () => app.code(), 'ada'),
  "another's code": code('totp', () => bobsApp.code(), 'bob'),
  'no code': code('totp', () => ''),
  'a wrong recovery code': code('recovery_code', () => '0000-0000-0000-0000'),
  'an app that nobody asked for': post(() => ({ prompt: 'enrol_totp', offer: 'AAAA', code: '1' })),
  'an empty form': post(() => ({})),
  'a form of no step': post(() => ({ prompt: 'consent' })),
  'the page': async run => {
    run.last = await run.browser.get(run.address)
  },
  'another method': async run => {
    const sign = run.address.includes('?') ? '&' : '?'
    run.last = await run.browser.get(`${run.address}${sign}with=recovery_code`)
  },
  'another account': async run => {
    await post(() => ({ restart: 'yes' }))(run)
    begins(run)
  },
  // the engine finds no result there, and asks again: a sign-in of its own, in which nothing is proved yet
  [wayBack]: async run => {
    const uid = run.address.split('/').at(-1) ?? ''
    run.last = await run.browser.follow(await run.browser.get(`/authorize/${uid}`))
    begins(run, run.last)
  }
}

async function begun(place: 'a page of ours' | 'an app'): Promise<Run> {
  const browser = createBrowser({ origin: issuer })
  const start =
    place === 'an app'
      ? await browser.follow(await browser.get((await requests.authorizationUrl()).url))
      : await browser.get('/sign-in?return_to=/account/security')
  const csrf = start.forms.find(form => form.fields.has('csrf'))?.fields.get('csrf') ?? ''
  const address = start.url.pathname + start.url.search
  const proved = { ada: new Set<string>(), bob: new Set<string>() }
  return { browser, address, csrf, proved, who: undefined, last: undefined }
}

/** Whom the browser is signed in as. */
async function signedIn({ browser }: Run): Promise<string | undefined> {
  const probe = createBrowser({ origin: issuer, headers: { cookie: cookiesOf(browser) } })
  const page = await probe.get('/sign-in')
  return /<bdi class="name">([^<]+)<\/bdi> 로|Signed in as <bdi class="name">([^<]+)/.exec(
    page.html
  )?.[2]
}

// the session and its signature alone: with the cookie of the sign-in, looking would be a step of it
const cookiesOf = (browser: Browser) =>
  [...browser.cookies()]
    .filter(([name]) => name.startsWith('mintmark_session'))
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')

/** What the audit trail tells of sign-ins, the oldest first. */
async function recorded(): Promise<{ type: string; amr: string[] }[]> {
  const { rows } = await store.database.run<{ type: string; amr: string[] }>(
    'test.recorded',
    `SELECT type, data->'amr' AS amr FROM audit_events
     WHERE type IN ('sign_in.succeeded', 'sign_in.first_step') ORDER BY id`
  )
  return rows
}

function sequences(length: number, names: readonly string[]): string[][] {
  if (length === 0) return [[]]
  return sequences(length - 1, names).flatMap(before => names.map(step => [...before, step]))
}

/** What can still matter: two steps that change nothing in a row are one of them. */
const idle = new Set([
  'an empty form',
  'a form of no step',
  'the page',
  'another method',
  'no code'
])
const worth = (sequence: string[]) =>
  sequence.filter(step => idle.has(step)).length < 2 && sequence.at(-1) !== 'the page'

/** What a normal run always tries: one step, and one after the password. */
const isShort = (sequence: string[]) =>
  sequence.length === 1 || (sequence.length === 2 && sequence[0] === 'password')

for (const place of ['a page of ours', 'an app'] as const) {
  t.test(
    `no sequence signs in at ${place} without password and factor (Must show 4, check 170)`,
    async t => {
      const names = Object.keys(steps).filter(name => place === 'an app' || name !== wayBack)
      let ended = 0
      let tried = 0
      const before = await recorded()
      for (let length = 1; length <= longest; length++) {
        const every = sequences(length, names).filter(worth)
        const chosen = every.filter(
          (sequence, index) => all || isShort(sequence) || index % 97 === 7
        )
        for (const sequence of chosen) {
          tried++
          await app.refill()
          await bobsApp.refill()
          const run = await begun(place)
          const about = sequence.join(' → ')
          for (const step of sequence) {
            await steps[step]?.(run)
            if (run.last === undefined) continue
            // never a dead end: a page with a form or a link, or on to somewhere
            const { status, html, location } = run.last
            const leads = location !== undefined || /<form method="post"|<a /.test(html)
            if (status >= 500 || !leads) t.fail(`${status} after ${step} of ${about}`)
            if (place === 'an app' && location?.pathname.startsWith('/authorize/')) {
              run.last = await run.browser.follow(run.last, url => url.origin !== issuer)
            }
            const who = await signedIn(run)
            const full = (name: 'ada' | 'bob') => run.proved[name].size === 2
            if (who !== undefined) {
              ended++
              const right = who === person.login ? full('ada') : full('bob')
              if (!right) t.fail(`signed in as ${who} by ${about}`)
              break
            }
            if (full('ada') || full('bob')) t.fail(`not signed in by ${about}`)
          }
        }
      }
      t.ok(ended > 0, `${ended} of ${tried} sequences signed somebody in, each with both`)
      const events = (await recorded()).slice(before.length)
      const whole = events.filter(({ type }) => type === 'sign_in.succeeded')
      t.equal(whole.length, ended, 'the audit trail tells of each, and of no other')
      t.ok(whole.every(({ amr }) => amr.join() === 'pwd,otp,mfa'))
      const half = events.filter(({ type }) => type === 'sign_in.first_step')
      t.ok(half.length > ended && half.every(({ amr }) => amr.join() === 'pwd'))
      t.comment(`${tried} sequences, ${ended} sign-ins`)
    }
  )
}

t.test(
  'two tabs: one signs in as another person, and the other tab’s code is judged for that one',
  async t => {
    const run = await begun('a page of ours')
    await app.refill()
    await bobsApp.refill()
    await steps['password']?.(run)
    const tab = await run.browser.get(run.address)
    t.equal(tab.heading, 'Enter your code')
    await steps['another account']?.(run)
    await steps["another's password"]?.(run)
    const posted = await run.browser.submitForm(tab, { code: app.code() })
    t.equal(posted.status, 422)
    t.equal(await signedIn(run), undefined)
    await steps["another's code"]?.(run)
    t.equal(await signedIn(run), bob.login)
  }
)

t.test(
  'a sign-in that took too long, or whose password was changed meanwhile, begins anew',
  async t => {
    for (const spoil of [
      `UPDATE pending_sign_ins SET expires_at = clock_time() - interval '1 second'`,
      `UPDATE accounts SET valid_after = clock_time()`
    ]) {
      await app.refill()
      const run = await begun('a page of ours')
      await steps['password']?.(run)
      await store.database.run(`test.spoil.${spoil.length}`, spoil, [])
      await steps['the code']?.(run)
      t.equal(await signedIn(run), undefined, spoil)
      const page = await run.browser.follow(run.last as Page)
      t.ok(
        page.forms.some(form => form.fields.has('password')),
        'the first screen'
      )
    }
  }
)

t.test('an interaction that expired has a page that says so', async t => {
  const run = await begun('an app')
  await steps['password']?.(run)
  run.browser.clearCookies()
  await steps['the code']?.(run)
  t.equal(run.last?.status, 404)
  t.equal(await signedIn(run), undefined)
})
