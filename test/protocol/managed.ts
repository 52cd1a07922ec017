// A server whose clients manage grants (Grant Management for OAuth 2.0), two clients of it, and what they do with a grant: for
// grant-management.test.ts and grants-endpoint.test.ts.

import type { Test } from 'tap'
import { api, type Overrides, secretOf } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'
import { type Answer, type App, basic, type CodeRequest, createRequests } from './requests.ts'

/** A second API, with a scope of the same name as one of the first. */
export const ledger = 'https://ledger.example.com'

const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials']

export const appNamed = (clientId: string): App => ({
  clientId,
  redirectUri: `https://${clientId}.example.com/callback`,
  caller: basic(clientId)
})

export const keeper = appNamed('keeper')
export const otherKeeper = appNamed('other-keeper')
export const trusted = appNamed('trusted')

export const clientNamed = ({ clientId, redirectUri }: App, more: object = {}) => ({
  client_id: clientId,
  type: 'web',
  client_name: `The ${clientId}`,
  client_secret: secretOf(clientId),
  redirect_uris: [redirectUri],
  grant_types: grantTypes,
  ...more
})

/** Overrides of the configuration. */
export const withManagement = {
  grantManagement: { enabled: true },
  clients: [
    clientNamed(keeper),
    clientNamed(otherKeeper),
    clientNamed(trusted, { first_party: true }),
    clientNamed(appNamed('narrow'), { scope: 'openid grant_management_query' })
  ],
  resources: [
    {
      identifier: ledger,
      name: { en: 'Ledger' },
      scopes: { 'read:entries': { en: 'Read entries' }, 'read:things': { en: 'Read things' } },
      clients: ['keeper', 'other-keeper', 'trusted']
    },
    {
      identifier: `${api}/managed`,
      scopes: { 'read:things': {}, 'write:things': {} },
      clients: ['keeper', 'other-keeper', 'trusted']
    }
  ]
}

/** The API of most grants here. */
export const things = `${api}/managed`

export async function startManaged(
  t: Test,
  overrides: Overrides = {},
  options: { now?: () => Date } = {}
) {
  const server = await startTestServer(t, { ...withManagement, ...overrides }, options)
  const requests = createRequests(server)
  const endpoint = `${requests.issuer}/oauth/grants`

  /** A token of the client's own for the API of grants. */
  async function ownToken(
    app: App = keeper,
    scope = 'grant_management_query grant_management_revoke'
  ) {
    const answer = await requests.token(app.caller, { grant_type: 'client_credentials', scope })
    if (answer.status !== 200) throw new Error(answer.text)
    return answer.body.access_token
  }

  async function at(method: string, id: string, headers: Record<string, string>): Promise<Answer> {
    const response = await fetch(`${endpoint}/${id}`, { method, headers })
    const text = await response.text()
    const body = text === '' ? {} : JSON.parse(text)
    return { status: response.status, headers: response.headers, text, body }
  }

  return {
    server,
    requests,
    endpoint,
    ownToken,
    at,

    query: async (id: string, app: App = keeper) =>
      at('GET', id, { authorization: `Bearer ${await ownToken(app)}` }),

    revoke: async (id: string, app: App = keeper) =>
      at('DELETE', id, { authorization: `Bearer ${await ownToken(app)}` }),

    /** The answer to the token request of an authorization that creates, merges or replaces. */
    async change(action: string, request: CodeRequest & { id?: string } = {}) {
      const { id, extra, ...rest } = request
      const code = await requests.code({
        app: keeper,
        resource: things,
        ...rest,
        extra: { grant_management_action: action, grant_id: id, ...extra }
      })
      const answer = await requests.redeem(code)
      if (answer.status !== 200) throw new Error(answer.text)
      return { ...answer.body, id: String(answer.body['grant_id']) }
    },

    /** What the browser is sent back with. */
    async refusal(request: CodeRequest): Promise<Record<string, string>> {
      const { url } = await requests.authorizationUrl({ app: keeper, ...request })
      const page = await (request.browser ?? requests.ada).get(url)
      return Object.fromEntries(page.location?.searchParams ?? [['page', String(page.status)]])
    }
  }
}
