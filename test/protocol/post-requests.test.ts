// Authorization and sign-out by POST: the same requests as by GET.

import t from 'tap'
import { redirectUri } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'

const parameters = {
  client_id: 'web',
  redirect_uri: redirectUri,
  response_type: 'code',
  scope: 'openid',
  state: 'a b&c=ü',
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256'
}

t.test('POST is supported (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2)', async t => {
  const { issuer } = await startTestServer(t)
  const post = (path: string, body: URLSearchParams | string, type?: string) =>
    fetch(`${issuer}${path}`, {
      method: 'POST',
      body,
      redirect: 'manual',
      ...(type === undefined ? {} : { headers: { 'content-type': type } })
    })

  await t.test('a posted authorization request goes on by GET, value for value', async t => {
    const answer = await post('/authorize', new URLSearchParams(parameters))
    t.equal(answer.status, 303)
    const to = new URL(answer.headers.get('location') ?? '', issuer)
    t.equal(to.origin + to.pathname, `${issuer}/authorize`)
    t.same(Object.fromEntries(to.searchParams), parameters)
    const next = await fetch(to, { redirect: 'manual' })
    t.match(next.headers.get('location'), /\/interaction\//)
  })

  await t.test('a parameter that stands twice stays twice, and is refused', async t => {
    const body = new URLSearchParams(parameters)
    body.append('scope', 'email')
    const answer = await post('/authorize', body)
    const to = new URL(answer.headers.get('location') ?? '', issuer)
    t.equal(
      (await fetch(to, { redirect: 'manual' })).headers
        .get('location')
        ?.includes('error=invalid_request'),
      true
    )
  })

  await t.test('a posted sign-out asks, as by GET', async t => {
    const answer = await post('/logout', new URLSearchParams({ client_id: 'web' }))
    t.equal(answer.status, 303)
    t.match(answer.headers.get('location'), /^\/logout\?client_id=web$/)
  })

  await t.test(
    'what is no form, or too long for an address, is refused with a sentence',
    async t => {
      t.equal((await post('/authorize', '{}', 'application/json')).status, 415)
      const long = await post(
        '/authorize',
        new URLSearchParams({ ...parameters, state: 'x'.repeat(9_000) })
      )
      t.equal(long.status, 413)
      t.match(await long.text(), /oauth\/par/)
    }
  )
})
