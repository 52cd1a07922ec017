// ID tokens that other providers give us (OpenID Connect Core §3.1.3.7): read where somebody comes back from signing in there. Owns the provider
// that the forgeries come from, which answers whatever it is given.

import { createOpenidProvider } from '../../src/federation/openid-provider.ts'
import { openidAt } from '../../src/federation/presets.ts'
import { madeKey } from './jwt-kinds.ts'
import { isOk, type Place } from './jwt-place.ts'

export function upstreamPlace(): Place {
  const at = 'https://login.example.com'
  const [key, encryption] = [madeKey('theirs'), madeKey('for encryption')]
  let shown = ''
  // one after the other: the provider hands out what it was shown last
  let before: Promise<unknown> = Promise.resolve()
  const answers: Record<string, () => object> = {
    [`${at}/.well-known/openid-configuration`]: () => ({
      issuer: at,
      authorization_endpoint: `${at}/authorize`,
      token_endpoint: `${at}/token`,
      jwks_uri: `${at}/keys`,
      id_token_signing_alg_values_supported: ['ES256']
    }),
    [`${at}/keys`]: () => ({
      keys: [key.publicJwk, { ...encryption.publicJwk, use: 'enc', alg: 'ECDH-ES' }]
    }),
    [`${at}/token`]: () => ({ access_token: 'x', token_type: 'Bearer', id_token: shown })
  }
  const binding = {
    redirectUri: 'https://id.example.com/sign-in/upstream/x/callback',
    ...{ state: 'a-state', nonce: 'a-nonce', verifier: 'v'.repeat(43) },
    freshness: 'any' as const
  }
  const provider = createOpenidProvider({
    preset: openidAt(at, 'client_secret_basic'),
    ...{ clientId: 'mintmark', secret: 'secret', scopes: ['openid'], wanted: [] },
    outbound: {
      async send(url) {
        const answer = answers[String(url)]
        if (answer === undefined) throw new Error(`${url} is asked`)
        const headers = { 'content-type': 'application/json' }
        return { status: 200, headers, body: Buffer.from(JSON.stringify(answer())) }
      }
    },
    now: () => new Date()
  })
  return {
    name: 'ID token of an upstream',
    kind: {
      header: { alg: 'ES256', kid: key.kid },
      claims() {
        const seconds = Math.floor(Date.now() / 1_000)
        return {
          ...{ iss: at, aud: 'mintmark', sub: 'somebody', nonce: binding.nonce },
          ...{ iat: seconds, exp: seconds + 120 }
        }
      },
      sign: key.sign,
      publicJwk: key.publicJwk,
      otherKeys: [['their key for encryption', encryption.kid, encryption.sign]]
    },
    accepted: isOk,
    refused: answer => !isOk(answer),
    read(jwt) {
      const back = new URLSearchParams({ code: 'a-code', state: binding.state })
      const read = before.then(async () => {
        shown = jwt
        return (await provider.finish(binding, back)).ok ? 'accepted' : 'refused'
      })
      before = read.catch(() => undefined)
      return read
    }
  }
}
