// The providers that people may sign in with, as the configuration has them. Owns what is made of an entry: whose addresses, which secret, and
// what of their word counts. Refuses by absence: what is not configured, or switched off, is not in the list.

import type { ConfiguredUpstream } from '../config/schema.ts'
import { trustsEmails } from '../config/upstream-schema.ts'
import { createAppleSecret } from './apple-secret.ts'
import { createOauthProvider } from './oauth-provider.ts'
import type { Asks } from './openid-client.ts'
import { createOpenidProvider } from './openid-provider.ts'
import { openidAt, presets } from './presets.ts'
import type { Provider } from './provider.ts'

export interface Upstream {
  id: string
  /** what people know it by */
  name: string
  responseMode: 'query' | 'form_post'
  provider: Provider
  claims: ConfiguredUpstream['claims']
  /** whether an address that it calls verified is */
  emails: 'trusted' | 'untrusted'
  /** whether what it says about the way of signing in counts */
  authentication: 'trusted' | 'untrusted'
  signUp: 'allowed' | 'refused'
  /** empty: any */
  emailDomains: readonly string[]
}

export interface Upstreams {
  /** in the order of the configuration */
  list: readonly Upstream[]
  find(id: string): Upstream | undefined
  /** what an identity's provider is called, also of one that is switched off now */
  nameOf(id: string): string
}

export function createUpstreams(options: {
  configured: readonly ConfiguredUpstream[]
  outbound: Asks
  now: () => Date
}): Upstreams {
  const { configured } = options
  const list = configured.filter(({ enabled }) => enabled).map(one => upstreamOf(one, options))
  const byId = new Map(list.map(upstream => [upstream.id, upstream]))
  const names = new Map(configured.map(one => [one.id, nameOf(one)]))
  return {
    list,
    find: id => byId.get(id),
    nameOf: id => names.get(id) ?? id
  }
}

function nameOf({ id, name, preset }: ConfiguredUpstream): string {
  return name ?? (preset === undefined ? id : presets[preset].name)
}

function upstreamOf(
  written: ConfiguredUpstream,
  { outbound, now }: { outbound: Asks; now: () => Date }
): Upstream {
  const preset =
    written.preset === undefined
      ? openidAt(written.issuer ?? '', written.client_authentication)
      : presets[written.preset]
  const clientId = written.client_id
  const scopes = written.scopes ?? preset.scopes
  const secret = written.client_secret ?? ''
  const { email, email_verified } = written.claims
  const provider =
    preset.kind === 'oauth'
      ? createOauthProvider({ preset, clientId, secret, scopes, outbound })
      : createOpenidProvider({
          preset: {
            ...preset,
            issuer: preset.issuer.replace('{tenant}', written.tenant ?? 'common')
          },
          clientId,
          secret:
            preset.authentication === 'apple'
              ? createAppleSecret({
                  teamId: written.teamId ?? '',
                  keyId: written.keyId ?? '',
                  clientId,
                  privateKey: written.privateKey ?? '',
                  audience: preset.issuer,
                  now
                })
              : secret,
          scopes,
          wanted: [email, email_verified],
          outbound,
          now
        })
  return {
    id: written.id,
    name: nameOf(written),
    responseMode: preset.responseMode,
    provider,
    claims: written.claims,
    emails: trustsEmails(written) ? 'trusted' : 'untrusted',
    authentication: written.authentication,
    signUp: written.signUp,
    emailDomains: written.emailDomains
  }
}
