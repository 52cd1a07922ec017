// What an identity at a provider may do with accounts here: make one where that is allowed, be linked by somebody who has signed in, be
// unlinked, and nothing else. An equal address never does any of it.

import t from 'tap'
import type { Browser, Page } from '../support/browser.ts'
import { startOpenidProvider } from '../support/openid-provider.ts'
import { startTestServer } from '../support/server.ts'
import { entry, visitsOf } from './visits.ts'

const work = await startOpenidProvider(t)
const plain = await startOpenidProvider(t)
const closed = await startOpenidProvider(t)
const server = await startTestServer(t, {
  upstreams: [
    entry('work', work, { emails: 'trusted', authentication: 'trusted' }),
    entry('plain', plain),
    entry('closed', closed, { signUp: 'refused' }),
    entry('gone', { issuer: 'http://localhost:1/' }, { enabled: false })
  ]
})
const { accountId, store } = server
const { service } = server.server.accounts
const bob = { login: 'bob@example.com', password: 'another long passphrase of his' }
const bobs = await service.create({ ...bob, name: 'Bob' }, 'cli')
if (!bobs.ok) throw new Error(bobs.reason)
const visits = visitsOf(server)
const linked = '/account/security/linked'

const byAct = (act: string, more: Record<string, string> = {}) => ({
  form: (form: Page['forms'][number]) =>
    form.fields.get('act') === act &&
    Object.entries(more).every(([name, value]) => form.fields.get(name) === value)
})

/** Links an identity from the account's own page. */
async function linkFrom(browser: Browser, page: Page, subject: string) {
  const away = await browser.submitForm(page, {}, byAct('begin', { upstream: 'plain' }))
  const back = await browser.get(plain.authorize(away.location, { sub: subject, name: subject }))
  const confirm = await browser.follow(back)
  return browser.follow(await browser.submitForm(confirm, {}, byAct('link')))
}

t.test(
  'a verified address that is an account’s links nothing: the person is told (check 176)',
  async t => {
    const browser = visits.browser()
    const claims = { sub: 'ada-at-work', email: 'Ada@EXAMPLE.com', email_verified: true }
    const page = await visits.comeBack(browser, 'work', work, claims)
    t.equal(page.status, 403)
    t.equal(page.heading, 'You have an account already')
    t.notOk(await visits.isSignedIn(browser))
    t.equal(await visits.owner('ada-at-work'), undefined)
    t.match((await visits.events('sign_in.refused')).at(-1)?.data, {
      ...{ reason: 'unknown_identity', upstream: 'work' }
    })

    t.match(page.html, `href="${linked}">Sign in and link`)
    const confirm = await visits.signedIn(linked, browser)
    t.match(confirm.html, 'Whoever signs in with this <bdi class="name">WORK</bdi> account')
    t.match(confirm.html, 'Ada@example.com', 'it is named')
    t.equal(await visits.owner('ada-at-work'), undefined, 'signing in alone links nothing')
    const done = await browser.submitForm(confirm, {}, byAct('link'))
    t.equal(done.location?.pathname, '/sign-in', 'to where the sign-in was')
    t.equal(await visits.owner('ada-at-work'), accountId)
    const [event] = await visits.events('identity.linked')
    t.same(event, { account_id: accountId, data: { issuer: work.issuer, upstream: 'work' } })
    t.ok(await visits.signsIn('work', work, claims), 'and from now on it signs in')
  }
)

t.test(
  'what says nothing of an address, or is not believed, is another person (check 176)',
  async t => {
    for (const [id, provider, claims] of [
      ['work', work, { email: 'ada@example.com', email_verified: false }],
      ['work', work, { email: 'ada@example.com' }],
      ['work', work, { email: 'ada@example.com', email_verified: 'false' }],
      ['work', work, { email: 'ada@example.com', email_verified: 1 }],
      ['plain', plain, { email: 'ada@example.com', email_verified: true }],
      ['plain', plain, { email: 'bob@example.com', email_verified: true }]
    ] as const) {
      const sub = JSON.stringify([id, claims])
      t.ok(await visits.signsIn(id, provider, { ...claims, sub }), sub)
      const owner = await visits.owner(sub)
      t.ok(owner)
      t.notOk([accountId, bobs.account.id].includes(owner ?? ''), 'an account of its own')
      const account = await service.findById(owner ?? '')
      t.equal(account?.emailVerified, false, 'whose address is not verified')
    }
    const told = await visits.comeBack(visits.browser(), 'work', work, {
      ...{ sub: 'bob-at-work', email: 'bob@example.com', email_verified: true }
    })
    t.equal(told.heading, 'You have an account already', 'a login counts as well')
  }
)

t.test('who makes no account is offered to link one that is there', async t => {
  const browser = visits.browser()
  const page = await visits.comeBack(browser, 'closed', closed, { sub: 'ada-closed' })
  t.equal(page.status, 403)
  t.equal(page.heading, 'No account yet')
  t.match(page.html, 'Sign in and link')
  const other = visits.browser()
  t.notMatch(
    (await visits.signedIn(linked, other)).html,
    'Link this account?',
    'at this browser only'
  )
  const confirm = await visits.signedIn(linked, browser)
  t.match(confirm.html, 'Link this account?')
  const declined = await browser.submitForm(confirm, { decline: 'yes' }, byAct('link'))
  t.match((await browser.follow(declined)).html, 'Nothing was linked')
  t.equal(await visits.owner('ada-closed'), undefined)
  const again = await browser.submitForm(confirm, {}, byAct('link'))
  t.equal(again.status, 409, 'and the offer is gone')
})

t.test('a new account needs an address of the domains that are admitted', async t => {
  const domain = await startOpenidProvider(t)
  const strict = await startTestServer(t, {
    upstreams: [entry('d', domain, { emails: 'trusted', emailDomains: ['work.example'] })]
  })
  const there = visitsOf(strict)
  for (const [email, email_verified, ok] of [
    ['a@work.example', true, true],
    ['b@WORK.example', true, true],
    ['c@work.example', false, false],
    ['d@work.example.evil.example', true, false],
    ['e@evil.example', true, false],
    ['f@work.example@evil.example', true, false],
    [undefined, true, false]
  ] as const) {
    const claims = { sub: String(email), email, email_verified }
    t.equal(await there.signsIn('d', domain, claims), ok, `${email} ${email_verified}`)
  }
})

t.test(
  'a disabled account stays so, and one that is gone takes its identities along (check 180)',
  async t => {
    t.ok(await visits.signsIn('plain', plain, { sub: 'short-lived' }))
    const id = (await visits.owner('short-lived')) ?? ''
    await service.disable(id, 'cli')
    const page = await visits.comeBack(visits.browser(), 'plain', plain, { sub: 'short-lived' })
    t.equal(page.status, 403)
    t.equal(page.heading, 'This account cannot be used')
    t.ok((await service.findById(id))?.disabledAt, 'not enabled again')
    t.match((await visits.events('sign_in.refused')).at(-1), {
      account_id: id,
      data: { reason: 'disabled', upstream: 'plain' }
    })
    await store.database.run('test.delete', 'DELETE FROM accounts WHERE id = $1', [id])
    t.equal(await visits.owner('short-lived'), undefined)
    t.ok(await visits.signsIn('plain', plain, { sub: 'short-lived' }), 'whoever comes then is new')
    t.not(await visits.owner('short-lived'), id)
  }
)

t.test('parallel first sign-ins of one person make one account', async t => {
  const backs = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const browser = visits.browser()
      const away = await visits.leave(browser, 'plain')
      return { browser, to: plain.authorize(away.location, { sub: 'eager', name: 'Eager' }) }
    })
  )
  const pages = await Promise.all(backs.map(({ browser, to }) => browser.get(to)))
  t.same(
    pages.map(({ status }) => status),
    [303, 303, 303, 303, 303]
  )
  t.equal((await visits.rows(`SELECT 1 FROM accounts WHERE name = 'Eager'`)).length, 1)
})

t.test(
  'two that prove one address at once: one has the account, and the other is told',
  async t => {
    await store.database.run(
      'test.one_address',
      'CREATE UNIQUE INDEX one_address ON accounts (lower(email)) WHERE email_verified',
      []
    )
    const email = { email: 'both@work.example', email_verified: true }
    const backs = await Promise.all(
      ['first', 'second', 'third'].map(async sub => {
        const browser = visits.browser()
        const away = await visits.leave(browser, 'work')
        return { browser, to: work.authorize(away.location, { sub, ...email }) }
      })
    )
    const pages = await Promise.all(backs.map(({ browser, to }) => browser.get(to)))
    t.same(pages.map(({ status }) => status).sort(), [303, 403, 403])
    t.equal((await visits.rows(`SELECT 1 FROM accounts WHERE email = '${email.email}'`)).length, 1)
    await store.database.run('test.drop', 'DROP INDEX one_address', [])
  }
)

t.test('methods of signing in count only where they are believed (RFC 8176)', async t => {
  const amr = ['pwd', 'otp', 'mfa', 'urn:evil:admin', 7]
  const methods = async (id: 'work' | 'plain') => {
    const provider = id === 'work' ? work : plain
    t.ok(await visits.signsIn(id, provider, { sub: `methods-${id}`, amr, acr: 'urn:evil:high' }))
    return (await visits.events('sign_in.succeeded')).at(-1)?.data
  }
  t.same(await methods('work'), { amr: ['pwd', 'otp', 'mfa'], upstream: 'work' })
  t.same(await methods('plain'), { amr: [], upstream: 'plain' })
})

t.test('linking from the account: a recent sign-in, a button that names it, once', async t => {
  const browser = visits.browser()
  const page = await visits.signedIn(linked, browser)
  t.equal(page.heading, 'Linked accounts')
  const done = await linkFrom(browser, page, 'mine')
  t.match(done.html, 'The account is linked')
  t.equal(await visits.owner('mine'), accountId)
  t.match((await browser.get('/account/security')).html, /Linked accounts[\s\S]*PLAIN[\s\S]*mine/)

  const his = visits.browser()
  const taken = await linkFrom(his, await visits.signedIn(linked, his, bob), 'mine')
  t.equal(taken.status, 409)
  t.match(taken.html, 'linked to another account here already')
  t.equal(await visits.owner('mine'), accountId, 'it stays where it is')

  const away = await browser.submitForm(done, {}, byAct('begin', { upstream: 'plain' }))
  await browser.get(plain.authorize(away.location, { sub: 'hers-alone' }))
  await visits.signedIn(`/sign-in?again=yes&return_to=${linked}`, browser, bob)
  t.notMatch(
    (await browser.get(linked)).html,
    'Link this account?',
    'what she asked for is not his'
  )
  const forged = await browser.post(linked, { act: 'link', csrf: '' })
  t.equal(forged.status, 403, 'nor does a form without its token do anything')
})

t.test('an account of somebody who signed in long ago links and unlinks nothing', async t => {
  const browser = visits.browser()
  const page = await visits.signedIn(linked, browser)
  await store.database.run(
    'test.age',
    `UPDATE sessions SET payload = jsonb_set(payload, '{loginTs}', to_jsonb((payload->>'loginTs')::int - 400))`,
    []
  )
  const begin = await browser.submitForm(page, {}, byAct('begin', { upstream: 'plain' }))
  t.equal(begin.location?.pathname, '/sign-in')
  t.equal(begin.location?.searchParams.get('again'), 'yes')
})

t.test('the last way to sign in is not taken away, by two at once neither', async t => {
  const browser = visits.browser()
  await visits.comeBack(browser, 'plain', plain, { sub: 'only-1' })
  const owner = (await visits.owner('only-1')) ?? ''
  const unlink = (subject: string) =>
    byAct('unlink', { identity: JSON.stringify([plain.issuer, subject]) })
  const page = await browser.get(linked)
  const refused = await browser.submitForm(page, {}, unlink('only-1'))
  t.equal(refused.status, 409)
  t.match(refused.html, 'the only way to sign in')
  const all = ['only-1', 'only-2', 'only-3', 'only-4', 'only-5']
  for (const subject of all.slice(1)) await linkFrom(browser, page, subject)
  const every = await browser.get(linked)
  const answers = await Promise.all(
    all.map(subject => browser.submitForm(every, {}, unlink(subject)))
  )
  t.same(answers.map(({ status }) => status).sort(), [303, 303, 303, 303, 409])
  const left = await visits.rows(
    `SELECT subject FROM linked_identities WHERE account_id = '${owner}'`
  )
  t.equal(left.length, 1)
  t.match((await visits.events('identity.unlinked')).at(-1), {
    account_id: owner,
    data: { issuer: plain.issuer, upstream: 'plain' }
  })

  const hers = visits.browser()
  const own = await visits.signedIn(linked, hers)
  const gone = await hers.submitForm(own, {}, unlink('mine'))
  t.match((await hers.follow(gone)).html, 'no longer linked', 'with a password it may go')
  const foreign = await hers.submitForm(
    own,
    { identity: JSON.stringify([plain.issuer, 'eager']) },
    {
      form: form => form.fields.get('act') === 'unlink'
    }
  )
  t.equal(foreign.status, 409, 'somebody else’s is not hers to unlink')
  t.ok(await visits.owner('eager'))
})

t.test('an answer that comes as a form of the provider’s site is taken (form_post)', async t => {
  const browser = visits.browser()
  const away = await visits.leave(browser, 'plain')
  const back = plain.authorize(away.location, { sub: 'by-form' })
  const fields = Object.fromEntries(back.searchParams)
  const user = JSON.stringify({ name: { firstName: 'Grace', lastName: 'Hopper' } })
  const headers = { origin: 'https://appleid.apple.com', 'sec-fetch-site': 'cross-site' }
  const answer = await browser.post(back.pathname, { ...fields, user }, headers)
  t.equal(answer.status, 303)
  await browser.follow(answer, url => url.pathname === '/device')
  t.ok(await visits.isSignedIn(browser))
  const account = await service.findById((await visits.owner('by-form')) ?? '')
  t.equal(account?.name, 'Grace Hopper')
  t.equal((await browser.post(back.pathname, fields, headers)).status, 400, 'once')
})
