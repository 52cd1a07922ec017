// Tokens that no API may take, each but for one thing a good one, signed by the issuer of the tests. For APIs that are programs of their own.

import { audience, createKey, type FakeIssuer } from './fake-issuer.ts'

/** By what is wrong with them. */
export async function signRefusedTokens(issuer: FakeIssuer): Promise<Record<string, string>> {
  const now = Math.floor(Date.now() / 1000)
  const claims = (change: Record<string, unknown>) => issuer.sign({ claims: change })
  const good = await issuer.sign()
  const [, payload] = good.split('.')
  const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
  return {
    'an ID token': await issuer.sign({ header: { typ: 'JWT' } }),
    'without a typ': await issuer.sign({ header: { typ: undefined } }),
    'for the issuer': await claims({ aud: issuer.url }),
    'for a longer name': await claims({ aud: 'https://api.example.com/things/2' }),
    'for several APIs': await claims({ aud: [audience, 'https://other.example.com'] }),
    'of another issuer': await claims({ iss: `${issuer.url}/` }),
    expired: await claims({ exp: now - 60 }),
    'without an end': await claims({ exp: undefined }),
    'without a client': await claims({ client_id: undefined }),
    'bound to a key': await claims({ cnf: { jkt: 'x' } }),
    'signed by a stranger': await issuer.sign({ key: await createKey('first') }),
    'with a key that is not published': await issuer.sign({ key: await createKey('second') }),
    'not signed': `${unsigned}.${payload}.`,
    'cut short': good.slice(0, -2),
    'no JWT': 'x'
  }
}
