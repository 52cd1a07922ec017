// `id_token_hint` (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2): an ID token of ours, expired or not, and nothing else that the same
// keys sign. RFC 8725 §3.12: "If more than one kind of JWT can be issued by the same issuer, the validation rules for those JWTs MUST be
// written such that they are mutually exclusive". All of ours that could be taken for one have a `typ`, but for userinfo: what an ID token
// says and userinfo does not is when the person signed in (claims.ts).

import type { Client, Provider } from 'oidc-provider'
import type { KeyRing } from '../keys/key-ring.ts'
import { hasOneReading } from '../oauth/compact-jwt.ts'

// Fact of the engine (9.13.3), held by test/protocol/logout-notices.test.ts: hints are verified by the static `IdToken.validate`, which looks at
// issuer, audience and signature, and not at what kind of token it is.

type Validated = Awaited<ReturnType<Provider['IdToken']['validate']>>

export function installHintCheck(provider: Provider, keys: Pick<KeyRing, 'byKid'>): void {
  const { validate } = provider.IdToken
  Object.assign(provider.IdToken, {
    async validate(jwt: string, client: Client): Promise<Validated> {
      if (!hasOneReading(jwt)) throw new Error('the hint can be read in two ways')
      const validated = await validate.call(provider.IdToken, jwt, client)
      const { typ, kid } = validated.header
      const typed = typ !== undefined && typ !== 'JWT'
      const identity = keys.byKid(String(kid))?.purpose === 'identity'
      const { payload } = validated
      const ofSignIn = typeof payload['auth_time'] === 'number' && !('events' in payload)
      if (typed || !identity || !ofSignIn) throw new Error('this is no ID token')
      return validated
    }
  })
}
