// How strongly a person signed in: `acr`, `acr_values`, `auth_time` (OpenID Connect Core §2, §5.5.1.1; RFC 9068 §2.2.1; RFC 9470). Never
// overstated, whatever a client asks for.

import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { person, startTestServer } from '../support/server.ts'
import { api, basic, claimsIn, createRequests, type Parameters, web } from './requests.ts'

const [any, password, two] = ['urn:test:any', 'urn:test:password', 'urn:test:two'] as const
const server = await startTestServer(t, {
  acr: [
    { value: any, amr: [] },
    { value: password, amr: ['pwd'] },
    { value: two, amr: ['pwd', 'sms'] }
  ]
})
const requests = createRequests(server)
const { issuer } = requests
const essential = (...values: string[]): Parameters => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, values } } })
})

const acrOf = async (extra: Parameters) =>
  claimsIn((await requests.tokens({ extra })).id_token)['acr']

t.test('acr is what was reached: of those asked for the first (Core §5.5.1.1)', async t => {
  t.equal(await acrOf({ acr_values: password }), password)
  t.equal(await acrOf({ acr_values: any }), any)
  t.equal(await acrOf({ acr_values: `${two} ${any} ${password}` }), any)
  t.equal(await acrOf(essential(password, any)), password)
  t.equal(await acrOf(essential(two, any)), any)
  t.equal(await acrOf({}), undefined, 'nobody asked')
  t.equal(await acrOf({ claims: JSON.stringify({ id_token: { acr: null } }) }), password)
  t.equal(await acrOf({ claims: JSON.stringify({ id_token: { acr: { value: any } } }) }), any)
  const { body } = await requests.get('/.well-known/openid-configuration')
  t.same([...(body['acr_values_supported'] as string[])].sort(), [any, password, two].sort())
})

t.test('a level that was not reached is never stated (Core §5.5.1.1, ASVS 6.8.4)', async t => {
  for (const acr_values of [two, 'urn:test:unknown', `${two} urn:test:unknown`]) {
    t.equal(await acrOf({ acr_values }), password, `voluntary: ${acr_values}`)
  }
  for (const values of [[two], ['urn:test:unknown'], [two, 'urn:test:unknown']]) {
    const page = await requests.authorize({ browser: requests.ada, extra: essential(...values) })
    t.match(Object.fromEntries(page.location?.searchParams ?? []), {
      error: 'unmet_authentication_requirements',
      state: 'state-of-this-request',
      iss: issuer
    })
  }
  const fresh = await requests.authorize({ extra: essential(two) })
  t.equal(
    fresh.location?.searchParams.get('error'),
    'unmet_authentication_requirements',
    'and nobody signs in in vain'
  )
})

t.test('the password a second time raises nothing (RFC 9470 §5)', async t => {
  const browser = createBrowser({ origin: issuer })
  await requests.code({ browser })
  const page = await browser.follow(
    await requests.authorize({ browser, extra: { prompt: 'login', acr_values: two } })
  )
  const end = await browser.follow(
    await browser.submitForm(page, person),
    url => url.host === 'app.example.com'
  )
  t.ok(end.location?.searchParams.has('code'))
  t.equal(
    claimsIn((await requests.tokens({ browser, extra: { acr_values: two } })).id_token)['acr'],
    password
  )
})

t.test(
  'without a session an essential level is a sign-in, silently login_required (Core §3.1.2.6)',
  async t => {
    const silent = await requests.authorize({ extra: { prompt: 'none', ...essential(password) } })
    t.equal(silent.location?.searchParams.get('error'), 'login_required')
    const browser = createBrowser({ origin: issuer })
    const { id_token } = await requests.tokens({ browser, extra: essential(password) })
    t.equal(claimsIn(id_token)['acr'], password)
  }
)

t.test(
  'access tokens say when and how strongly the person signed in, the same over refreshes (RFC 9068 §2.2.1)',
  async t => {
    const tokens = await requests.tokens({
      scope: 'openid offline_access read:things',
      resource: [api, issuer],
      extra: { prompt: 'consent', acr_values: any }
    })
    const { acr, auth_time } = claimsIn(tokens.access_token)
    t.equal(acr, any)
    t.equal(auth_time, claimsIn(tokens.id_token)['auth_time'])
    t.ok(Number(auth_time) <= Math.floor(Date.now() / 1000))
    const { body } = await requests.refresh(web, tokens.refresh_token, { resource: issuer })
    t.match(claimsIn(body.access_token), { acr, auth_time })
    // RFC 9470 §6.2
    for (const caller of [web.caller, basic('api-server')]) {
      t.match((await requests.introspect(caller, tokens.access_token)).body, { acr, auth_time })
    }
    const machine = await requests.machine('billing', { resource: api })
    for (const claim of ['acr', 'auth_time']) t.notOk(claim in claimsIn(machine.body.access_token))
  }
)

t.test('an empty catalogue states nothing (Core §2)', async t => {
  const plain = await startTestServer(t, { acr: [] })
  const mine = createRequests(plain)
  const { id_token, access_token } = await mine.tokens({ extra: { acr_values: password } })
  t.notOk('acr' in claimsIn(id_token))
  t.notOk('acr' in claimsIn(access_token))
  const { body } = await mine.get('/.well-known/openid-configuration')
  t.notOk('acr_values_supported' in body)
  t.notOk((body['claims_supported'] as string[]).includes('acr'))
})

t.test(
  'after a sign-in as somebody else a hint is login_required, not a silent change (Core §3.1.2.1)',
  async t => {
    const eve = { login: 'eve@example.com', password: 'another horse battery staple' }
    const made = await server.server.accounts.service.create({ ...eve, name: 'Eve' }, 'cli')
    if (!made.ok) throw new Error(made.reason)
    const { id_token: id_token_hint } = await requests.tokens()
    const expecting = async (who: typeof eve) => {
      const browser = createBrowser({ origin: issuer })
      const page = await browser.follow(
        await requests.authorize({ browser, extra: { id_token_hint } })
      )
      t.ok(page.forms.some(({ fields }) => fields.has('password')))
      let end = await browser.follow(
        await browser.submitForm(page, who),
        url => url.host === 'app.example.com'
      )
      if (end.location === undefined) {
        end = await browser.follow(
          await browser.submitForm(end),
          url => url.host === 'app.example.com'
        )
      }
      return end.location?.searchParams
    }
    t.equal((await expecting(eve))?.get('error'), 'login_required')
    t.ok((await expecting(person))?.has('code'), 'the control')
  }
)
