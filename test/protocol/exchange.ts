// Three APIs in a row, for the tests of token exchange: a person's app calls `orders`, that calls `stock`, and that calls `ledger`. A gateway
// in front of `orders` impersonates; a deputy may be an actor; a meddler has the grant type and nothing else.

import { type JWTPayload, SignJWT } from 'jose'
import type { Test } from 'tap'
import {
  accessTokenType,
  jwtTokenType,
  tokenExchangeGrantType
} from '../../src/oauth/token-exchange.ts'
import { secretOf } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'
import {
  basic,
  type Caller,
  claimsIn,
  createRequests,
  headerOf,
  type Parameters
} from './requests.ts'

export { accessTokenType, jwtTokenType, tokenExchangeGrantType }

export const orders = 'https://orders.example.com'
export const stock = 'https://stock.example.com'
export const ledger = 'https://ledger.example.com'

const scope = (text: string) => ({ en: text })
const machine = (
  client_id: string,
  grant_types = ['client_credentials', tokenExchangeGrantType]
) => ({
  client_id,
  type: 'machine',
  client_secret: secretOf(client_id),
  grant_types
})

export const exchangeSetting = {
  clients: [
    ...['orders', 'stocks', 'gateway', 'meddler', 'narrow'].map(id => machine(id)),
    { ...machine('locked'), dpop_bound_access_tokens: true },
    machine('deputy', ['client_credentials']),
    machine('stranger', ['client_credentials']),
    {
      ...machine('shop', ['authorization_code', tokenExchangeGrantType]),
      type: 'web',
      redirect_uris: ['https://shop.example.com/callback']
    }
  ].map(client => (client.client_id === 'narrow' ? { ...client, scope: 'read:stock' } : client)),
  resources: [
    {
      identifier: orders,
      scopes: {
        'read:orders': scope('See orders'),
        'write:orders': scope('Change orders'),
        'other:orders': scope('Something else')
      },
      clients: ['web', 'other-web', 'shop', 'deputy', 'stranger'],
      introspectionClient: 'orders'
    },
    {
      identifier: stock,
      scopes: {
        'read:stock': scope('See stock'),
        'reserve:stock': scope('Reserve'),
        'admin:stock': scope('Everything')
      },
      clients: ['deputy'],
      introspectionClient: 'stocks',
      exchange: [
        ...['orders', 'narrow', 'locked', 'shop'].map(client => ({
          client,
          from: [orders],
          scopes: {
            'read:orders': ['read:stock'],
            'write:orders': ['read:stock', 'reserve:stock']
          },
          actors: ['deputy']
        })),
        {
          client: 'gateway',
          from: [orders],
          mode: 'impersonation',
          scopes: { 'read:orders': ['read:stock'], 'write:orders': ['reserve:stock'] }
        }
      ]
    },
    {
      identifier: ledger,
      scopes: { 'post:ledger': scope('Book') },
      clients: [],
      statusList: true,
      introspectionClient: 'api-server',
      accessTokens: { lifetime: '20s' },
      exchange: [{ client: 'stocks', from: [stock], scopes: { 'reserve:stock': ['post:ledger'] } }]
    }
  ]
}

export type Exchanges = Awaited<ReturnType<typeof startExchanges>>

export async function startExchanges(t: Test, more: Record<string, unknown> = {}) {
  const main = await startTestServer(t, { ...exchangeSetting, ...more })
  const requests = createRequests(main)

  /** An exchange as `client`; what is in `changed` stands in place of the right parameters. */
  const exchange = (
    client: string | Caller,
    subject: string,
    changed: Parameters = {},
    headers: Record<string, string> = {}
  ) =>
    requests.token(
      typeof client === 'string' ? basic(client) : client,
      {
        grant_type: tokenExchangeGrantType,
        subject_token: subject,
        subject_token_type: accessTokenType,
        resource: stock,
        ...changed
      },
      headers
    )

  return {
    ...main,
    requests,
    exchange,

    /** A person's token for the first API. */
    async token(scopes = 'read:orders write:orders', headers: Record<string, string> = {}) {
      const asked = { scope: `openid ${scopes}`, resource: orders }
      return (await requests.tokens(asked, headers)).access_token
    },

    /** A genuine token with other claims, signed by us: what we would never write ourselves. */
    async resigned(token: string, claims: Record<string, unknown>, header = {}): Promise<string> {
      const { kid } = headerOf(token)
      const key = main.server.keys.ring.keys().find(each => each.kid === kid)
      if (key === undefined) throw new Error('not one of our keys')
      return new SignJWT({ ...claimsIn(token), ...claims } as JWTPayload)
        .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header })
        .sign(key.privateJwk)
    },

    async audited(type: string) {
      const { rows } = await main.store.database.run<{
        account_id: string | null
        client_id: string
        data: Record<string, unknown>
      }>(
        'test.audited',
        'SELECT account_id, client_id, data FROM audit_events WHERE type = $1 ORDER BY at, id',
        [type]
      )
      return rows
    }
  }
}
