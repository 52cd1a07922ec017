// The server that all places of jwt-places.ts are places of: clients that sign in each way, an issuer and a trust domain that the operator
// trusts, a publisher of software statements, and their keys.

import type { Test } from 'tap'
import { cibaGrantType } from '../protocol/backchannel.ts'
import { withLists } from '../protocol/listed.ts'
import { secretOf } from '../support/configuration.ts'
import { startKeyHost } from '../support/key-host.ts'
import { person } from '../support/server.ts'
import { startArena } from './arena.ts'
import { madeKey } from './jwt-kinds.ts'

export const publisher = 'https://publisher.example.com'
export const staffApi = 'https://staff.example.com'
export const callback = 'https://signer.example.com/callback'
export const bearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export async function startSetting(t: Test) {
  const host = await startKeyHost(t)
  const [own, forEncryption, ci, software] = [
    madeKey('own'),
    madeKey('own-enc', { kty: 'EC', use: 'enc', alg: 'ECDH-ES' }),
    madeKey('ci'),
    madeKey('software')
  ]
  const jwks = { keys: [own.publicJwk, forEncryption.publicJwk] }
  const ciIssuer = `${host.url}/ci`
  const domain = 'spiffe://example.org'
  host.answers.set('/ci/keys', { keys: [ci.publicJwk] })
  host.answers.set('/bundle', { keys: [{ ...ci.publicJwk, use: 'jwt-svid' }] })
  const web = { type: 'web', redirect_uris: [callback], jwks }
  const arena = await startArena(t, {
    ...withLists,
    trustedIssuers: [
      { issuer: ciIssuer, jwksUri: `${ciIssuer}/keys`, attests: true },
      { issuer: domain, jwksUri: `${host.url}/bundle` }
    ],
    registration: {
      enabled: true,
      softwareStatements: [{ issuer: publisher, jwks: { keys: [software.publicJwk] } }]
    },
    resources: [
      ...withLists.resources,
      {
        identifier: staffApi,
        scopes: { 'read:staff': { en: 'Read' } },
        clients: ['assistant'],
        introspectionClient: 'api-server'
      }
    ],
    clients: [
      { ...web, client_id: 'signer', token_endpoint_auth_method: 'private_key_jwt' },
      {
        ...{ ...web, client_id: 'machine', type: 'machine', redirect_uris: undefined },
        token_endpoint_auth_method: 'private_key_jwt'
      },
      {
        ...{ ...web, client_id: 'secretive', client_secret: secretOf('secretive') },
        request_object_encryption_alg: 'ECDH-ES'
      },
      ...['teller', 'cashier'].map(client_id => ({
        ...{ ...web, client_id, client_secret: secretOf(client_id) },
        grant_types: ['authorization_code', cibaGrantType],
        ...(client_id === 'teller'
          ? { backchannel_authentication_request_signing_alg: 'ES256' }
          : {})
      })),
      {
        ...{ client_id: 'hmac', type: 'machine', client_secret: secretOf('hmac') },
        token_endpoint_auth_method: 'client_secret_jwt'
      },
      {
        ...{ client_id: 'workload', type: 'machine' },
        workload_identity: [
          { issuer: ciIssuer, subject: 'job' },
          { issuer: domain, subject: `${domain}/job` }
        ]
      },
      {
        ...{ client_id: 'attested', type: 'machine', attester: ciIssuer },
        token_endpoint_auth_method: 'attest_jwt_client_auth'
      },
      {
        ...{ client_id: 'assistant', type: 'machine', client_secret: secretOf('assistant') },
        grant_types: ['client_credentials', bearerGrant],
        assertion_grants: [
          { issuer: ciIssuer, subjects: { 'u-1': person.login }, scope: 'read:staff' }
        ]
      }
    ]
  })
  return { arena, host, own, forEncryption, ci, software, ciIssuer, domain }
}
