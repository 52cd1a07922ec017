// What the tests of workload identity share: a Kubernetes cluster, a CI service and a SPIFFE trust domain on loopback that sign such tokens
// as the real ones do, and a server that trusts them. The clients are what a pod or a job would send.

import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { createSigner, type Signer, signJwt, startKeyHost } from '../support/key-host.ts'
import { startTestServer } from '../support/server.ts'
import { type Caller, createRequests } from './requests.ts'

export const bearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
export const spiffe = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe'
export const grant = { grant_type: 'client_credentials' }
export const now = () => Math.floor(Date.now() / 1000)
export const domain = 'spiffe://example.org'
export type Changes = Record<string, unknown>

export const payload = (jwt: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())

/** Seconds by which the server's clock is ahead are in the test's hand. */
export async function startWorkloads(t: Test) {
  const host = await startKeyHost(t)
  const cluster = `${host.url}/cluster`
  const ci = `${host.url}/ci`
  const clusterKey = await createSigner('cluster-1', 'RS256')
  const ciKey = await createSigner('ci-1', 'RS256')
  const svidKey = await createSigner('svid-1', 'ES256')
  const own = await createSigner('own-1')
  const stranger = await createSigner('cluster-1', 'RS256')

  host.answers.set('/cluster/.well-known/openid-configuration', {
    issuer: cluster,
    jwks_uri: `${cluster}/openid/v1/jwks`
  })
  host.answers.set('/cluster/openid/v1/jwks', { keys: [clusterKey.jwk] })
  // only the metadata of RFC 8414, with the path behind it
  host.answers.set('/.well-known/oauth-authorization-server/ci', {
    issuer: ci,
    jwks_uri: `${ci}/keys`
  })
  host.answers.set('/ci/keys', { keys: [ciKey.jwk] })
  const { use: _, ...svidJwk } = svidKey.jwk
  host.answers.set('/bundle', {
    spiffe_sequence: 1,
    keys: [
      { ...svidJwk, use: 'jwt-svid' },
      { ...svidJwk, kid: 'x509', use: 'x509-svid', x5c: ['MIIB'] }
    ]
  })

  const clock = { ahead: 0 }
  const server = await startTestServer(
    t,
    {
      trustedIssuers: [
        { issuer: cluster },
        { issuer: ci, maxLifetime: '1h' },
        { issuer: domain, jwksUri: `${host.url}/bundle` }
      ],
      resources: [
        {
          identifier: 'https://jobs.example.com',
          scopes: { 'run:jobs': { en: 'Run jobs' } },
          clients: ['reports', 'deploy', 'mesh', 'twin-a']
        }
      ],
      clients: [
        {
          client_id: 'reports',
          type: 'machine',
          default_resource: 'https://jobs.example.com',
          workload_identity: [{ issuer: cluster, subject: 'system:serviceaccount:shop:reports' }]
        },
        {
          client_id: 'deploy',
          type: 'machine',
          workload_identity: [
            {
              issuer: ci,
              subject: 'repo:example/shop:*',
              claims: { repository: 'example/shop', environment: 'production' }
            },
            { issuer: ci, subject: 'repo:example/tools:ref:refs/heads/main', audience: 'deploys' }
          ]
        },
        {
          client_id: 'mesh',
          type: 'machine',
          workload_identity: [{ issuer: domain, subject: `${domain}/ns/shop/*` }]
        },
        ...['twin-a', 'twin-b'].map(client_id => ({
          client_id,
          type: 'machine',
          workload_identity: [{ issuer: cluster, subject: 'system:serviceaccount:shop:twin' }]
        })),
        {
          client_id: 'both',
          type: 'machine',
          jwks: { keys: [own.jwk] },
          workload_identity: [{ issuer: cluster, subject: 'system:serviceaccount:shop:both' }]
        },
        {
          client_id: 'signer',
          type: 'machine',
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [own.jwk] }
        },
        {
          client_id: 'portal',
          type: 'web',
          redirect_uris: ['https://portal.example.com/callback'],
          workload_identity: [{ issuer: cluster, subject: 'system:serviceaccount:shop:portal' }]
        }
      ]
    },
    { now: () => new Date(Date.now() + clock.ahead * 1000) }
  )
  const requests = createRequests(server)
  const { issuer } = requests

  /** As the kubelet projects it into a pod: no jti that a server could count on, and good for an hour. */
  const podClaims = (account = 'reports'): Record<string, unknown> => ({
    iss: cluster,
    sub: `system:serviceaccount:shop:${account}`,
    aud: [issuer],
    iat: now(),
    nbf: now(),
    exp: now() + 3607,
    'kubernetes.io': { namespace: 'shop', serviceaccount: { name: account, uid: randomUUID() } }
  })

  const jobClaims = (): Record<string, unknown> => ({
    iss: ci,
    sub: 'repo:example/shop:environment:production',
    aud: issuer,
    repository: 'example/shop',
    environment: 'production',
    ref: 'refs/heads/main',
    jti: randomUUID(),
    iat: now(),
    nbf: now() - 5,
    exp: now() + 300
  })

  const svidClaims = (): Record<string, unknown> => ({
    sub: `${domain}/ns/shop/cart`,
    aud: [issuer],
    exp: now() + 300
  })

  const podToken = (claims: Changes = {}, header: Changes = {}, key: Signer = clusterKey) =>
    signJwt(key, { ...podClaims(), ...claims }, header)
  const jobToken = (claims: Changes = {}, header: Changes = {}) =>
    signJwt(ciKey, { ...jobClaims(), ...claims }, { typ: 'JWT', ...header })
  const svid = (claims: Changes = {}, header: Changes = {}, key: Signer = svidKey) =>
    signJwt(key, { ...svidClaims(), ...claims }, header)

  const showing = (
    client_assertion: string,
    client_id?: string,
    client_assertion_type = bearer
  ): Caller => ({
    headers: {},
    parameters: {
      client_assertion,
      client_assertion_type,
      ...(client_id === undefined ? {} : { client_id })
    }
  })

  const lastReason = () =>
    String(server.log.findLast(({ msg }) => String(msg).startsWith('refused:'))?.['reason'])

  return {
    host,
    cluster,
    ci,
    clusterKey,
    ciKey,
    svidKey,
    own,
    stranger,
    clock,
    server,
    requests,
    podClaims,
    podToken,
    jobToken,
    svid,
    showing,
    lastReason
  }
}
