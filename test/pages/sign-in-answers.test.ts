// What a sign-in page answers, at a real server: the same bytes whoever is meant, also when it is throttled, and a short flood that leaves
// tokens and known browsers alone. Counts and bytes, no times: `npm run login-flood` and `npm run login-timing` have those.

import t from 'tap'
import { createAccountImport } from '../../src/accounts/import.ts'
import { basic, createRequests } from '../protocol/requests.ts'
import { createBrowser } from '../support/browser.ts'
import { person, startTestServer } from '../support/server.ts'

const server = await startTestServer(t, { trustedProxies: ['127.0.0.1', '::1'] })
const { issuer, store } = server
const accounts = server.server.accounts.service
const bcrypt = '$2y$04$6HKe1u1NR7bAe.lRBhvxYevMBFH0NUYqpjbSZ1m3TAC5tXwPFTx8y'
for (const login of ['disabled@example.com', 'throttled@example.com']) {
  const made = await accounts.create({ login, password: 'kestrel lantern moss' }, 'cli')
  if (made.ok && login.startsWith('disabled')) await accounts.disable(made.account.id, 'cli')
}
await accounts.create({ login: 'passwordless@example.com' }, 'cli')
await createAccountImport({ database: store.database }).take(
  [JSON.stringify({ login: 'imported@example.com', password_hash: bcrypt })],
  'write'
)

/** A browser on its sign-in page; `from` as the proxy tells it. */
async function atSignIn(from: string) {
  const browser = createBrowser({ origin: issuer, headers: { 'x-forwarded-for': from } })
  const page = await browser.get('/sign-in')
  const tryOne = (login: string, password: string) =>
    browser.submitForm(page, { login, password }, { form: form => form.fields.has('prompt') })
  return { browser, tryOne }
}
type Tried = Awaited<ReturnType<Awaited<ReturnType<typeof atSignIn>>['tryOne']>>

/** All that an answer tells, without what is of the request itself. */
function told({ status, headers, html }: Tried, login: string) {
  const own = new Set(['date', 'x-request-id', 'content-length', 'retry-after'])
  return {
    status,
    headers: [...headers].filter(([name]) => !own.has(name)),
    html: html
      .replaceAll(/name="csrf" value="[^"]*"/g, 'csrf')
      .replaceAll(/data-passkey="[^"]*"/g, 'challenge')
      .replaceAll(login, 'LOGIN')
      .replaceAll(/\d+ minutes?/g, 'N minutes')
  }
}

t.test(
  'unknown, wrong, disabled, passwordless and imported: the same bytes (check 162, L-5)',
  async t => {
    const { tryOne } = await atSignIn('198.51.100.1')
    const logins = ['nobody', 'ada', 'disabled', 'passwordless', 'imported'].map(
      name => `${name}@example.com`
    )
    const [first = '', ...others] = logins
    const usual = told(await tryOne(first, 'a wrong password'), first)
    t.equal(usual.status, 422)
    for (const login of others) {
      t.strictSame(told(await tryOne(login, 'a wrong password'), login), usual, login)
    }
  }
)

t.test('a throttled answer is the same for whoever is there and for nobody (L-6)', async t => {
  const answers = []
  for (const login of ['nobody-else@example.com', 'throttled@example.com']) {
    const { tryOne } = await atSignIn('198.51.100.2')
    for (let n = 0; n < 10; n += 1) t.equal((await tryOne(login, `wrong ${n}`)).status, 422)
    const answer = await tryOne(login, 'kestrel lantern moss')
    t.equal(answer.status, 429)
    t.match(answer.headers.get('retry-after'), /^\d+$/)
    answers.push(told(answer, login))
  }
  t.strictSame(answers[0], answers[1])
})

t.test(
  'a flood at one account: no more hashes than attempts, tokens for all, and its owner gets in (L-1, L-3)',
  async t => {
    const owner = await atSignIn('203.0.113.1')
    t.equal((await owner.tryOne(person.login, person.password)).status, 303)
    const cookie = owner.browser.cookie('mintmark_device')
    t.match(cookie, { httpOnly: true, sameSite: 'Lax', path: '/' })
    t.match(cookie?.value, /^[A-Za-z0-9_-]{43}$/, 'random, with nothing about the account')
    owner.browser.clearCookies()
    const { queue } = server.server.accounts
    const run = queue.run
    let hashes = 0
    queue.run = (work, ...rest) =>
      run(
        () => {
          hashes += 1
          return work()
        },
        ...rest
      )
    t.teardown(() => {
      queue.run = run
    })

    const known = await atSignIn('203.0.113.2')
    const flooding = await atSignIn('198.51.100.3')
    const { token } = createRequests({ issuer, store })
    const flood = Array.from({ length: 100 }, (_, n) => flooding.tryOne(person.login, `wrong ${n}`))
    const tokens = Array.from({ length: 20 }, () =>
      token(basic('billing'), {
        grant_type: 'client_credentials',
        resource: 'https://api.example.com'
      })
    )
    const statuses = (await Promise.all(flood)).map(({ status }) => status)
    const answered = (await Promise.all(tokens)).map(({ status }) => status)
    t.ok(
      statuses.every(status => [422, 429, 503].includes(status)),
      'refused in good order'
    )
    t.ok(statuses.filter(status => status === 422).length <= 10)
    t.ok(hashes <= 10, `${hashes} hashes`)
    t.strictSame(
      answered,
      Array.from({ length: 20 }, () => 200)
    )
    for (let n = 0; n < 10; n += 1) await flooding.tryOne(person.login, `wrong again ${n}`)
    t.equal(
      (await known.tryOne(person.login, person.password)).status,
      429,
      'an unknown browser waits'
    )
    const form = await fetch(`${issuer}/sign-in`)
    const html = await form.text()
    const csrf = /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? ''
    const formCookie = form.headers.getSetCookie()[0]?.split(';')[0]
    const answer = await fetch(`${issuer}/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'x-forwarded-for': '198.51.100.3',
        cookie: `${formCookie}; mintmark_device=${cookie?.value}`
      },
      body: new URLSearchParams({
        csrf,
        return_to: '',
        prompt: 'login',
        login: person.login,
        password: person.password
      })
    })
    t.equal(answer.status, 303, 'the owner, even at the address of the flood')
  }
)
