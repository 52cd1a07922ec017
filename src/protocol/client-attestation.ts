// Attestation-based client authentication (draft-ietf-oauth-attestation-based-client-auth-12), as options of the engine, which verifies signatures,
// types, subject and audience. Here stands whose attestations count for which client, how long one may live, that both JWTs can be read in
// one way only, and that a proof is as young as its challenge. Refuses attestations where no trusted issuer is named as an attester.

import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider'
import { attestationsAreOn } from '../clients/attestation.ts'
import type { RegisteredClient } from '../clients/client.ts'
import type { TrustedIssuers } from '../clients/trusted-issuers.ts'
import type { Config } from '../config/schema.ts'
import { hmac } from '../lib/secret.ts'
import { hasOneReading } from '../oauth/compact-jwt.ts'
import { clockToleranceSeconds } from './access-tokens.ts'
import { epochOf } from './client-authentication.ts'

type Feature = NonNullable<NonNullable<Configuration['features']>['attestClientAuth']>
type EngineClient = NonNullable<KoaContextWithOIDC['oidc']['client']>

/** A challenge is good for less than five minutes (engine: helpers/challenge.js), and so is what answers it. */
const longestProofSeconds = 300

export function clientAttestation(parts: {
  config: Config
  attesters: Pick<TrustedIssuers, 'attestationKey'>
  registeredClient(client: EngineClient): RegisteredClient
  /** the challenges of all processes come from one secret */
  challengeKey: Buffer
  restoredAt: Date | undefined
  now: () => Date
}): Feature {
  const refused = (reason: string) => new errors.InvalidClientAuth(reason)
  const lifetimes = new Map(
    parts.config.trustedIssuers.map(({ issuer, maxLifetimeSeconds }) => [
      issuer,
      maxLifetimeSeconds
    ])
  )

  /** The one attester of a client, if it is who signed. */
  function attesterOf(client: EngineClient, issuer: unknown): string {
    const { attester } = parts.registeredClient(client).metadata
    if (attester === undefined || issuer !== attester) {
      throw refused('the attestation is of nobody who attests for this client')
    }
    return attester
  }

  return {
    enabled: attestationsAreOn(parts.config),
    ack: 'draft-12',
    challengeSecret: hmac(parts.challengeKey, 'client attestation challenges'),
    async getAttestationSignaturePublicKey(ctx, header, payload, client) {
      for (const name of ['oauth-client-attestation', 'oauth-client-attestation-pop']) {
        const jwt = ctx.get(name)
        if (jwt !== '' && !hasOneReading(jwt)) throw refused(`${name} can be read in two ways`)
      }
      const issuer = attesterOf(client, payload['iss'])
      const key = await parts.attesters.attestationKey(issuer, header)
      if (key === undefined) throw refused('the attester publishes no such key')
      return createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
    },
    async assertAttestationJwtAndPop(_ctx, attestation, pop, client) {
      const now = Math.floor(parts.now().getTime() / 1000)
      const { iss, iat, exp } = attestation.payload
      const longest = lifetimes.get(attesterOf(client, iss)) ?? 0
      if (Number(iat) > now + clockToleranceSeconds || Number(exp) - Number(iat) > longest) {
        throw refused('the attestation lives longer than maxLifetime, or lies ahead')
      }
      const age = now - Number(pop.payload.iat)
      if (Math.abs(age) > longestProofSeconds + clockToleranceSeconds) {
        throw refused('the proof of the attested key is not of now')
      }
      // what was used once before, a restored database has forgotten
      if (Number(pop.payload.iat) < epochOf(parts.restoredAt)) throw refused('sign a new proof')
    }
  } as Feature
}
