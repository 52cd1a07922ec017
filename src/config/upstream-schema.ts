// The part of the schema that says where else people may sign in: OpenID providers, and services that are told by their name (`preset`).
// Owns what of a service is believed unless the operator says otherwise. What each service's addresses are is federation/presets.ts.

import Type, { type Static } from 'typebox'
import { closedObject, scopeToken, secretSchema } from './vocabulary.ts'

export const presetNames = ['google', 'apple', 'github', 'microsoft', 'kakao', 'naver'] as const

export type PresetName = (typeof presetNames)[number]

/**
 * Services that tell of each address whether they verified it. Microsoft's token has whatever the administrator of a tenant wrote, and
 * Naver tells no difference; a provider that nobody knows is not believed either.
 */
const tellVerifiedEmail: readonly PresetName[] = ['google', 'apple', 'github', 'kakao']

const claim = (standard: string, what: string) =>
  Type.String({ minLength: 1, maxLength: 100, default: standard, description: what })

export const upstreamSchema = closedObject({
  // stands in the redirect URI
  id: Type.String({
    pattern: '^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$',
    description:
      'Ours: small letters, digits, dashes. The redirect URI that the provider must know is `<issuer>/sign-in/upstream/<id>/callback`.'
  }),
  preset: Type.Optional(
    Type.Enum(presetNames, {
      description:
        'A service whose addresses are known (docs/upstream.md). Left out: give `issuer`.'
    })
  ),
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 60,
      description: 'What people know it by; of a preset, its own name.'
    })
  ),
  enabled: Type.Boolean({
    default: true,
    description: 'False: nobody signs in by it, and what is linked stays.'
  }),
  issuer: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 500,
      description:
        'Issuer identifier of an OpenID provider, to the letter; its metadata is found there (OpenID Connect Discovery §4).'
    })
  ),
  tenant: Type.Optional(
    Type.String({
      pattern:
        '^(common|organizations|consumers|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$',
      description:
        'Of `microsoft`: whose accounts: the id of a tenant, `organizations`, `consumers`, or `common` for all. Left out: `common`.'
    })
  ),
  client_id: Type.String({
    minLength: 1,
    maxLength: 500,
    description: 'What we are called there.'
  }),
  client_secret: Type.Optional(
    secretSchema({ description: 'Our secret there; with `apple`, give `privateKey`.' })
  ),
  client_authentication: Type.Enum(['client_secret_basic', 'client_secret_post'], {
    default: 'client_secret_basic',
    description: 'How the secret is sent to an `issuer`; presets know.'
  }),
  teamId: Type.Optional(
    Type.String({ pattern: '^[A-Z0-9]{10}$', description: 'Of `apple`: the Team ID.' })
  ),
  keyId: Type.Optional(
    Type.String({ pattern: '^[A-Z0-9]{10}$', description: 'Of `apple`: the Key ID.' })
  ),
  privateKey: Type.Optional(
    secretSchema({
      description:
        'Of `apple`: the key file (`AuthKey_….p8`) whose ES256 signature is our secret there, anew for each sign-in.'
    })
  ),
  scopes: Type.Optional(
    Type.Array(scopeToken, {
      description: 'What is asked for. Left out: `openid email profile`, or what the preset needs.'
    })
  ),
  emails: Type.Optional(
    Type.Enum(['trusted', 'untrusted'], {
      description:
        'Whether an address that it calls verified counts as verified here. Left out: `trusted` for `google`, `apple`, `github` and `kakao`.'
    })
  ),
  authentication: Type.Enum(['trusted', 'untrusted'], {
    default: 'untrusted',
    description:
      'Whether the methods that it states (`amr`, RFC 8176) count here: then `mfa` there stands for a second factor here.'
  }),
  signUp: Type.Enum(['allowed', 'refused'], {
    default: 'refused',
    description:
      'Whether somebody without an account gets one by signing in. Refused: they link it to an account that they have.'
  }),
  emailDomains: Type.Array(Type.String({ pattern: '^[a-z0-9.-]+\\.[a-z0-9-]+$' }), {
    default: [],
    description:
      'A new account needs a verified address in one of these domains. Empty: in any, or none at all.'
  }),
  claims: closedObject(
    {
      email: claim('email', 'Where the address is.'),
      email_verified: claim('email_verified', 'Where it says whether the address is verified.'),
      name: claim('name', 'Where the full name is.'),
      picture: claim('picture', 'Where the address of a picture is.'),
      locale: claim('locale', 'Where the language is.')
    },
    { default: {}, description: 'Names of claims, where an `issuer` calls them otherwise.' }
  )
})

/** An upstream of the file; secrets are the resolved values. */
export type ConfiguredUpstream = Static<typeof upstreamSchema>

/** Whether its word about an address counts. */
export function trustsEmails({ emails, preset }: ConfiguredUpstream): boolean {
  if (emails !== undefined) return emails === 'trusted'
  return preset !== undefined && tellVerifiedEmail.includes(preset)
}
