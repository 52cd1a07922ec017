// Clients and accounts as the configuration file declares them (RFC 7591 §2, OpenID Connect Registration §2, and our own members).
// Owns their shape only: which members go together is the clients' metadata policy, applied when they are reconciled.

import Type, { type Static } from 'typebox'
import { conformanceParts } from './conformance-schema.ts'
import { assertionGrantsSchema, workloadIdentitySchema } from './issuer-schema.ts'
import { closedObject, secretSchema } from './vocabulary.ts'

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))
const texts = (description: string) =>
  Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description }))
const flag = (description: string) => Type.Optional(Type.Boolean({ description }))

export const clientSchema = closedObject({
  // VSCHAR without the space (RFC 6749 Appendix A.1); the first character keeps `*first_party*` free
  client_id: Type.String({
    pattern: '^[A-Za-z0-9][!-~]{0,254}$',
    description:
      'The client identifier: visible ASCII characters, the first one a letter or digit. Not a UUID, not a resource identifier, not an https URL.'
  }),
  type: Type.Enum(['web', 'spa', 'native', 'machine'], {
    description:
      'What kind of software it is; decides grant types, authentication and redirect URIs.'
  }),
  client_secret: Type.Optional(
    secretSchema({
      description:
        'As random as one of ours: at least 43 characters of base64url or 64 hex digits (`openssl rand -hex 32`). Left out, `mintmark clients rotate-secret` makes one.'
    })
  ),
  client_name: text('Shown to people.'),
  client_uri: text('Home page.'),
  logo_uri: text('Logo.'),
  policy_uri: text('Privacy policy.'),
  tos_uri: text('Terms of service.'),
  contacts: texts('E-mail addresses of those responsible.'),
  redirect_uris: texts('Where authorization responses may go; compared exactly.'),
  post_logout_redirect_uris: texts('Where a sign-out may return to.'),
  grant_types: texts('Grant types; the default follows from `type`.'),
  response_types: texts('Response types; the default follows from `type`.'),
  scope: text('Space-separated scopes that it may ask for at most.'),
  token_endpoint_auth_method: text('How it authenticates; the default follows from `type`.'),
  token_endpoint_auth_signing_alg: text('Algorithm of its client assertions.'),
  jwks: Type.Optional(
    closedObject(
      { keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) },
      { description: 'Its public keys (RFC 7517 §5).' }
    )
  ),
  jwks_uri: text('Where its public keys are.'),
  workload_identity: Type.Optional(workloadIdentitySchema),
  assertion_grants: Type.Optional(assertionGrantsSchema),
  attester: text(
    'The trusted issuer that attests for its instances, with `attest_jwt_client_auth` or `attest_jwt_client_auth_dpop`.'
  ),
  id_token_signed_response_alg: text('Algorithm of its ID tokens.'),
  userinfo_signed_response_alg: text('Algorithm of its userinfo responses; left out: plain JSON.'),
  introspection_signed_response_alg: text(
    'Algorithm of introspection responses that it asks for as a JWT (RFC 9701); `RS256` when left out.'
  ),
  authorization_signed_response_alg: text(
    'Algorithm of authorization responses by a `response_mode` with `jwt` (JARM); `RS256` when left out.'
  ),
  id_token_encrypted_response_alg: text(
    'Encrypts its ID tokens to a key of the client; left out: not encrypted.'
  ),
  id_token_encrypted_response_enc: text('Content encryption of its ID tokens.'),
  userinfo_encrypted_response_alg: text(
    'Encrypts its userinfo responses to a key of the client; left out: not encrypted.'
  ),
  userinfo_encrypted_response_enc: text('Content encryption of its userinfo responses.'),
  introspection_encrypted_response_alg: text(
    'Encrypts introspection responses to it to a key of the client; left out: not encrypted.'
  ),
  introspection_encrypted_response_enc: text(
    'Content encryption of introspection responses to it.'
  ),
  authorization_encrypted_response_alg: text(
    'Encrypts authorization responses to it to a key of the client; left out: not encrypted.'
  ),
  authorization_encrypted_response_enc: text(
    'Content encryption of authorization responses to it.'
  ),
  request_object_signing_alg: text(
    'Algorithm of its request objects (RFC 9101); left out: any that is offered.'
  ),
  request_object_encryption_alg: text('It may encrypt its request objects: `ECDH-ES`.'),
  request_object_encryption_enc: text('Content encryption of its request objects.'),
  require_signed_request_object: flag('Only signed requests (RFC 9101 §10.5).'),
  authorization_details_types: texts(
    'Types of authorization details that it may ask for (RFC 9396 §10). Left out: those of its resources for a client of people, none for a machine.'
  ),
  subject_type: text('`public`, or `pairwise`: a `sub` of its own for each sector.'),
  sector_identifier_uri: text(
    'Its host is the sector of pairwise subjects; left out: the host of the redirect URIs.'
  ),
  application_type: text('`web` or `native`; the default follows from `type`.'),
  default_max_age: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Seconds after which a sign-in must be fresh.' })
  ),
  require_auth_time: flag('ID tokens carry `auth_time`.'),
  require_second_factor: Type.Boolean({
    default: false,
    description:
      'Ours: people sign in for it with more than one factor; who has none sets one up (docs/second-factors.md).'
  }),
  initiate_login_uri: text('Where a third party may start a sign-in.'),
  backchannel_logout_uri: text('Where logout tokens go.'),
  backchannel_logout_session_required: flag('Logout tokens carry `sid`.'),
  backchannel_token_delivery_mode: text(
    '`poll` or `ping`: how it learns that a person answered (CIBA Core §4); `poll` when left out.'
  ),
  backchannel_client_notification_endpoint: text('Where pings go.'),
  backchannel_authentication_request_signing_alg: text(
    'Algorithm of its signed backchannel requests; with it, only signed ones are taken.'
  ),
  dpop_bound_access_tokens: flag('Tokens are bound to a key (RFC 9449 §5.2).'),
  dpop_nonce: Type.Enum(['optional', 'required'], {
    default: 'optional',
    description:
      'Ours: its DPoP proofs at endpoints where it authenticates must carry a nonce of this server (RFC 9449 §8).'
  }),
  tls_client_certificate_bound_access_tokens: flag(
    'Tokens are bound to the client’s certificate (RFC 8705 §3).'
  ),
  tls_client_auth_subject_dn: text(
    'By what `tls_client_auth` knows it: the subject of its certificate (RFC 4514).'
  ),
  tls_client_auth_san_dns: text('The same: a host name among the alternative names.'),
  tls_client_auth_san_uri: text('The same: a URI.'),
  tls_client_auth_san_ip: text('The same: an IP address.'),
  tls_client_auth_san_email: text('The same: an e-mail address.'),
  require_pushed_authorization_requests: flag('Only pushed requests (RFC 9126 §6).'),
  software_id: text('Identifies the software.'),
  software_version: text('Version of the software.'),
  default_resource: text(
    'Ours: the declared resource that tokens are for when a request names none.'
  ),
  profile: Type.Optional(
    Type.Enum(['fapi2', 'fapi2-message-signing'], {
      description:
        'Ours: the FAPI 2.0 Security Profile for this client, or with it FAPI 2.0 Message Signing; what they refuse is refused (docs/fapi.md).'
    })
  ),
  conformance: Type.Optional(
    Type.Enum(conformanceParts, {
      description:
        'Ours: a part of a conformance run, which every client is then. `relaxed`: may leave out PKCE, use `conformance.responseTypes`, and sign assertions for an endpoint instead of the issuer; `strict`: nothing is different.'
    })
  ),
  first_party: Type.Boolean({
    default: false,
    description: 'Ours: run by the operator of this server; people are not asked for consent.'
  }),
  refresh_tokens: Type.Enum(['offline_access', 'always'], {
    default: 'offline_access',
    description:
      'Ours: refresh tokens come only with the scope `offline_access`, or with every authorization.'
  })
})

/** A client of the file; `client_secret` is the resolved value. */
export type ConfiguredClient = Static<typeof clientSchema>

/** Claims of OpenID Connect Core §5.1 that have no column of their own. */
const claimsSchema = closedObject(
  {
    given_name: text('Given name.'),
    family_name: text('Family name.'),
    middle_name: text('Middle name.'),
    nickname: text('Casual name.'),
    profile: text('Profile page.'),
    picture: text('Picture.'),
    website: text('Home page.'),
    gender: text('Gender.'),
    birthdate: text('Birthday, as in `1815-12-10`.'),
    zoneinfo: text('Time zone, as in `Europe/London`.'),
    phone_number: text('Telephone number, as in `+1 (425) 555-1212`.'),
    phone_number_verified: flag('Whether the number was confirmed.'),
    address: Type.Optional(
      closedObject(
        {
          formatted: text('The address as it stands on a letter.'),
          street_address: text('Street.'),
          locality: text('City.'),
          region: text('State or province.'),
          postal_code: text('Postal code.'),
          country: text('Country.')
        },
        { description: 'Postal address (§5.1.1).' }
      )
    )
  },
  { description: 'More claims of OpenID Connect Core §5.1.' }
)

export const accountSchema = closedObject({
  login: Type.String({ minLength: 1, maxLength: 254, description: 'What the person types.' }),
  password: secretSchema({ description: 'The password.' }),
  name: text('Full name.'),
  email: Type.Optional(
    Type.String({ pattern: '^[^@\\s]+@[^@\\s]+$', maxLength: 254, description: 'E-mail address.' })
  ),
  email_verified: flag('Whether the address was confirmed.'),
  locale: text('Language, as in `en` or `ko-KR`.'),
  claims: Type.Optional(claimsSchema)
})

/** An account of the file, development only; `password` is the resolved value. */
export type ConfiguredAccount = Static<typeof accountSchema>
