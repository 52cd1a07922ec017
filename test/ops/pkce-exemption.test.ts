// What the log says of the client that may leave out PKCE, against what the authorization endpoint does with that client.

import t, { type Test } from 'tap'
import { tellPkceExemption } from '../../src/ops/pkce-exemption.ts'
import { createRequests } from '../protocol/requests.ts'
import { startTestServer } from '../support/server.ts'

const redirectUri = 'https://late.example.com/callback'

/** Registers a client as the command line does, and asks without PKCE. */
async function outcome(t: Test, type: 'web' | 'spa' | undefined, members: object = {}) {
  const server = await startTestServer(t, { pkce: { exemptClient: 'late' } })
  const { clients } = server.server
  if (type !== undefined) {
    const metadata = { redirect_uris: [redirectUri], ...members }
    const made = await clients.create({ clientId: 'late', type, owner: 'cli', metadata })
    if (!made.ok) throw new Error(made.reason)
  }
  const said: [object, string][] = []
  await tellPkceExemption('late', {
    clients,
    log: { warn: (data, message) => void said.push([data, message]) }
  })
  const requests = createRequests(server)
  const refused = await requests.refusalOf({
    app: { clientId: 'late', redirectUri, caller: { headers: {}, parameters: {} } },
    extra: { code_challenge: undefined, code_challenge_method: undefined, prompt: 'none' }
  })
  t.equal(said.length, 1)
  t.same(said[0]?.[0], { clientId: 'late' })
  return { said: said[0]?.[1], refused }
}

t.test('a confidential client that was made by command may leave it out', async t => {
  const { said, refused } = await outcome(t, 'web')
  t.equal(said, 'this client may leave out PKCE, by configuration')
  t.match(refused, { error: 'login_required' }, 'and PKCE is not missed')
})

t.test(
  'a public client is still refused, and the log does not say otherwise (RFC 9700 §2.1.1)',
  async t => {
    const { said, refused } = await outcome(t, 'spa')
    t.match(said, /is public and must use PKCE.*MINTMARK_PKCE__EXEMPT_CLIENT/)
    t.notMatch(said, 'may leave out')
    t.match(refused, { error: 'invalid_request', error_description: /PKCE is required/ })
  }
)

t.test('a client with a profile is still refused, and the log says so (FAPI 2.0)', async t => {
  const { said, refused } = await outcome(t, 'web', {
    profile: 'fapi2',
    jwks_uri: 'https://late.example.com/keys'
  })
  t.match(said, /profile fapi2.*MINTMARK_PKCE__EXEMPT_CLIENT/)
  t.match(refused, { error: 'invalid_request' })
})

t.test('a name that nobody has exempts nobody', async t => {
  const { said, refused } = await outcome(t, undefined)
  t.match(said, /no client of this name is registered.*MINTMARK_PKCE__EXEMPT_CLIENT/)
  t.match(refused, { page: '400' })
})

t.test('without an exemption nothing is said', async t => {
  const silent = () => t.fail('said something')
  await tellPkceExemption(undefined, {
    clients: { findStored: async () => undefined },
    log: { warn: silent }
  })
  t.pass()
})
