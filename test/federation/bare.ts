// A provider as the source has it, without a server around it: one request, one answer. For what comes back from others and has no page.
// Owns the values that bind the two.

import { createOpenidProvider } from '../../src/federation/openid-provider.ts'
import { openidAt } from '../../src/federation/presets.ts'
import { createOutbound } from '../../src/lib/outbound.ts'
import { type OpenidProvider, registration } from '../support/openid-provider.ts'

export function asUpstream({ issuer: at }: OpenidProvider) {
  const binding = {
    redirectUri: 'https://id.example.com/sign-in/upstream/x/callback',
    ...{ state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) },
    freshness: 'any' as const
  }
  const provider = createOpenidProvider({
    preset: openidAt(at, 'client_secret_basic'),
    clientId: registration.client_id,
    secret: registration.client_secret,
    scopes: ['openid'],
    wanted: ['email'],
    outbound: createOutbound({ allowed: [], inside: 'loopback' }),
    now: () => new Date()
  })
  return {
    async begin() {
      const begun = await provider.begin(binding)
      if (!begun.ok) throw new Error(begun.detail)
      return begun.to
    },
    finish: (back: URL) => provider.finish(binding, back.searchParams)
  }
}
