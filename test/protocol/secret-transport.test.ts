// Where a client's secret travels. RFC 6749 §2.3.1: "The authorization server MUST support the HTTP Basic authentication scheme for
// authenticating clients that were issued a client password." OAuth 2.1 wants the body supported. So the registered method says that there
// is a secret, and not where it must stand; the engine sees it alike (shared/client_auth.js).

import t from 'tap'
import { secretOf } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'
import { basic, createRequests, inBody } from './requests.ts'

const methods = ['client_secret_basic', 'client_secret_post'] as const
const server = await startTestServer(t, {
  clients: methods.map(method => ({
    client_id: method,
    type: 'machine',
    token_endpoint_auth_method: method,
    client_secret: secretOf(method)
  }))
})
const requests = createRequests(server)

t.test(
  'a secret is taken from the header and from the body, whichever was registered (RFC 6749 §2.3.1)',
  async t => {
    for (const registered of methods) {
      for (const [way, caller] of Object.entries({ basic, inBody })) {
        const { status } = await requests.machine(registered, {}, caller(registered))
        t.equal(status, 200, `${registered}, ${way}`)
        const wrong = await requests.machine(registered, {}, caller(registered, 'x'.repeat(43)))
        t.match(wrong, { status: 401, body: { error: 'invalid_client' } }, `${registered}, ${way}`)
      }
    }
  }
)

t.test('but not from both at once, and from no query (RFC 6749 §2.3, §2.3.1)', async t => {
  const [registered] = methods
  const both = { ...basic(registered), parameters: inBody(registered).parameters }
  t.match(await requests.machine(registered, {}, both), { status: 400 })
  const query = new URLSearchParams(inBody(registered).parameters)
  const answer = await requests.post(
    `/oauth/token?${query}`,
    { headers: {}, parameters: {} },
    { grant_type: 'client_credentials' }
  )
  t.match(answer, { status: 401, body: { error: 'invalid_client' } })
})
