// An API that asks for status lists, and reading them as its server would: with jose and zlib, and nothing of ours.

import { inflateSync } from 'node:zlib'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { claimsIn } from './requests.ts'

/** The identifier of the API. */
export const listedApi = 'https://listed.example.com'

/** A configuration with that API. */
export const withLists = {
  statusLists: { ttl: '10m', lifetime: '1h' },
  resources: [
    {
      identifier: listedApi,
      name: { en: 'Listed API' },
      scopes: { 'read:list': { en: 'See it' } },
      clients: ['web', 'spa', 'tv', 'billing'],
      introspectionClient: 'api-server',
      statusList: true
    }
  ]
}

/** An authorization for it that outlives the session; without `offline_access` and prompt, one that does not. */
export const listedRequest = {
  scope: 'openid offline_access read:list',
  resource: listedApi,
  extra: { prompt: 'consent' }
}

export interface StatusReference {
  idx: number
  uri: string
}

/** Where a token says that its status is. */
export function referenceIn(jwt: string): StatusReference | undefined {
  const status = claimsIn(jwt)['status'] as { status_list: StatusReference } | undefined
  return status?.status_list
}

export type Fetch = (path: string) => Promise<{ status: number; text: string }>

/** 1 when the list says that the token is no good any more. @throws Error when there is no good list */
export async function bitOf(fetch: Fetch, jwt: string): Promise<number> {
  const { idx, uri } = referenceIn(jwt) ?? { idx: 0, uri: '' }
  const [{ text: keys }, { status, text }] = await Promise.all([
    fetch('/.well-known/jwks.json'),
    fetch(new URL(uri).pathname)
  ])
  if (status !== 200) throw new Error(`the list answered ${status}: ${text}`)
  const keySet = createLocalJWKSet(JSON.parse(keys) as JSONWebKeySet)
  const { payload } = await jwtVerify(text, keySet, { typ: 'statuslist+jwt', subject: uri })
  const { lst } = payload['status_list'] as { lst: string }
  const bytes = inflateSync(Buffer.from(lst, 'base64url'))
  return ((bytes[idx >> 3] ?? 0) >> (idx & 7)) & 1
}
