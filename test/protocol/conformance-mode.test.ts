// Implicit and hybrid exist for conformance runs only, and only for clients that ask for them.

import t from 'tap'
import { secretOf } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'

const hybrid = {
  client_id: 'hybrid',
  type: 'web',
  client_secret: secretOf('hybrid'),
  redirect_uris: ['https://hybrid.example.com/callback'],
  grant_types: ['authorization_code', 'implicit'],
  response_types: ['code', 'code id_token', 'id_token']
}

function ask(issuer: string, client: string, responseType: string) {
  const query = new URLSearchParams({
    client_id: client,
    redirect_uri:
      client === 'hybrid'
        ? 'https://hybrid.example.com/callback'
        : 'https://app.example.com/callback',
    response_type: responseType,
    scope: 'openid',
    nonce: 'n-0S6_WzA2Mj',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256'
  })
  return fetch(`${issuer}/authorize?${query}`, { redirect: 'manual' })
}

t.test('without conformance mode a client cannot have another response type than code', async t => {
  await t.rejects(startTestServer(t, { clients: [hybrid] }), /response_types/)
})

t.test(
  'with it, the flagged client may use hybrid and implicit (OpenID Connect Core §3.2, §3.3)',
  async t => {
    const { issuer } = await startTestServer(t, {
      clients: [hybrid],
      conformance: { enabled: true, responseTypes: ['code id_token', 'id_token'] }
    })
    const answer = await fetch(`${issuer}/.well-known/openid-configuration`)
    const metadata = (await answer.json()) as { response_types_supported: string[] }
    t.same(metadata.response_types_supported, ['code', 'code id_token', 'id_token'])
    for (const type of ['code id_token', 'id_token']) {
      const answer = await ask(issuer, 'hybrid', type)
      t.equal(answer.status, 303, type)
      t.match(answer.headers.get('location'), /\/interaction\//, type)
    }

    const refused = await ask(issuer, 'web', 'id_token')
    t.match(refused.headers.get('location'), /this\+response_type\+is\+not\+among/)
  }
)
