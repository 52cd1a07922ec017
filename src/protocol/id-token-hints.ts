// `id_token_hint` (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2): an ID token of ours, expired or not, and nothing else that the same
// keys sign. RFC 8725 §3.12: "If more than one kind of JWT can be issued by the same issuer, the validation rules for those JWTs MUST be
// written such that they are mutually exclusive".
//
// Fact of the engine (9.13.3), held by test/protocol/logout-notices.test.ts: hints are verified by the static `IdToken.validate`, which looks at
// issuer, audience and signature, and not at what kind of token it is.

import type { Client, Provider } from 'oidc-provider'

type Validated = Awaited<ReturnType<Provider['IdToken']['validate']>>

export function installHintCheck(provider: Provider): void {
  const { validate } = provider.IdToken
  Object.assign(provider.IdToken, {
    async validate(jwt: string, client: Client): Promise<Validated> {
      const validated = await validate.call(provider.IdToken, jwt, client)
      const typ = validated.header['typ']
      const typed = typ !== undefined && typ !== 'JWT'
      if (typed || 'events' in validated.payload) throw new Error('this is no ID token')
      return validated
    }
  })
}
