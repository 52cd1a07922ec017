// A client assertion that two readers would read in two ways (RFC 7519 §4, RFC 8725 §3.3): signed by the client's own key, and refused.

import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createSigner } from '../support/key-host.ts'
import { startTestServer } from '../support/server.ts'
import { createRequests } from './requests.ts'

const signer = await createSigner('k1')
const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'signer',
      type: 'machine',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [signer.jwk] }
    }
  ]
})
const { issuer, token } = createRequests(server)

async function ask(header: string, claims: string) {
  const input = [header, claims].map(text => Buffer.from(text).toString('base64url')).join('.')
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(algorithm, signer.privateKey, Buffer.from(input))
  const client_assertion = `${input}.${Buffer.from(signature).toString('base64url')}`
  const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  const parameters = { client_assertion, client_assertion_type }
  return token({ headers: {}, parameters }, { grant_type: 'client_credentials' })
}

const header = '{"alg":"ES256","kid":"k1"}'
const claims = () =>
  JSON.stringify({
    iss: 'signer',
    sub: 'signer',
    aud: issuer,
    jti: randomUUID(),
    exp: Math.floor(Date.now() / 1000) + 60
  })

t.test('an assertion in which a member stands twice is refused (RFC 7519 §4)', async t => {
  t.equal((await ask(header, claims())).status, 200)
  for (const [what, head, body] of [
    ['sub', header, claims().replace('{', '{"sub":"web",')],
    ['iss, escaped', header, claims().replace('{', '{"\\u0069ss":"web",')],
    ['inside a claim', header, claims().replace('}', ',"x":[{"a":1,"a":2}]}')],
    ['alg', '{"alg":"none","alg":"ES256","kid":"k1"}', claims()]
  ] as const) {
    const answer = await ask(head, body)
    t.match(answer, { status: 401, body: { error: 'invalid_client' } }, what)
  }
  const apart = claims().replace('}', ',"x":[{"a":1},{"a":":{\\"a\\":2"}],"y":{"sub":"z"}}')
  t.equal((await ask(header, apart)).status, 200, 'the same name in two objects is no duplicate')
})
