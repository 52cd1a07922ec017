// The MCP authorization specification of 2026-07-28 as one story, told by the official TypeScript client: it knows the address of an MCP server
// and nothing else, is refused, finds out whom to ask, comes as a metadata document, gets a token for this server, calls a tool, is asked for
// more scope, and calls the other one.

import tls from 'node:tls'
import {
  Client,
  IssuerMismatchError,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError
} from '@modelcontextprotocol/client'
import t, { type Test } from 'tap'
import { claimsIn, createRequests } from '../protocol/requests.ts'
import { createBrowser } from '../support/browser.ts'
import { makeCertificate } from '../support/certificate.ts'
import { startDocumentHost } from '../support/document-host.ts'
import { passPages } from '../support/relying-party.ts'
import { freePort, person, startTestServer } from '../support/server.ts'
import { startMcpServer } from './mcp-server.ts'

const redirectUri = 'http://127.0.0.1:33418/callback'

/** What an MCP client keeps, and where it sends the person. */
function createWallet(clientMetadataUrl: string) {
  const kept = new Map<string, unknown>()
  const sentTo: URL[] = []
  const provider: OAuthClientProvider = {
    clientMetadataUrl,
    redirectUrl: redirectUri,
    clientMetadata: { client_name: 'Notes Agent', redirect_uris: [redirectUri] },
    state: () => 'the state of this request',
    clientInformation: () => kept.get('client') as never,
    saveClientInformation: client => void kept.set('client', client),
    tokens: () => kept.get('tokens') as never,
    saveTokens: tokens => void kept.set('tokens', tokens),
    redirectToAuthorization: url => void sentTo.push(url),
    saveCodeVerifier: verifier => void kept.set('verifier', verifier),
    codeVerifier: () => String(kept.get('verifier')),
    discoveryState: () => kept.get('discovery') as never,
    saveDiscoveryState: state => void kept.set('discovery', state)
  }
  return { provider, kept, sentTo }
}

async function start(t: Test) {
  const certificate = makeCertificate()
  if (certificate === undefined) throw new Error('openssl is needed')
  // a client's document stands at an https address, and here nobody vouches for one but we
  const usual = tls.getCACertificates('default')
  tls.setDefaultCACertificates([...usual, certificate.cert])
  t.teardown(() => tls.setDefaultCACertificates(usual))
  const host = await startDocumentHost(t, certificate)
  const clientId = host.put('/oauth/notes-agent.json', {
    client_name: 'Notes Agent',
    redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback']
  })

  const audience = `http://localhost:${await freePort()}/mcp`
  const server = await startTestServer(t, {
    clientMetadataDocuments: { enabled: true },
    resources: [
      {
        identifier: audience,
        name: 'Notes',
        scopes: { 'notes:read': { en: 'Read your notes' }, 'notes:write': { en: 'Write notes' } },
        clients: ['*metadata_documents*']
      }
    ]
  })
  const api = await startMcpServer(t, { issuer: server.issuer, audience })
  const browser = createBrowser({ origin: server.issuer })
  /** The person at the browser, from the address that the client sends them to; what the pages said. */
  const allow = async (url: URL) => {
    const page = await browser.follow(await browser.get(url))
    const { callbackUrl, pages } = await passPages(browser, page, { ...person, redirectUri })
    return { callbackUrl, pages, text: page.html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ') }
  }
  return { server, requests: createRequests(server), host, clientId, audience, api, allow }
}

const missing =
  makeCertificate() === undefined
    ? 'openssl is needed for a certificate'
    : tls.setDefaultCACertificates === undefined && 'Node 24.5 or newer is needed'

t.test(
  'an MCP client finds its way from the address of an MCP server',
  { skip: missing },
  async t => {
    const { server, requests, host, clientId, audience, api, allow } = await start(t)
    const { issuer } = server
    const { provider, kept, sentTo } = createWallet(clientId)
    const connect = async () => {
      const client = new Client({ name: 'agent', version: '1' })
      t.teardown(() => client.close())
      const transport = new StreamableHTTPClientTransport(new URL(audience), {
        authProvider: provider
      })
      return { client, transport, connected: client.connect(transport) }
    }

    // 401, with where to read on and what to ask for (RFC 9728 §5.1, RFC 6750 §3)
    const first = await connect()
    await t.rejects(first.connected, UnauthorizedError)
    const metadataUrl = audience.replace('/mcp', '/.well-known/oauth-protected-resource/mcp')
    t.match(api.challenges[0], `resource_metadata="${metadataUrl}"`)
    t.match(api.challenges[0], 'scope="notes:read"')
    t.same(await (await fetch(metadataUrl)).json(), {
      resource: audience,
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ['ES256', 'RS256', 'PS256', 'EdDSA'],
      scopes_supported: ['notes:read'],
      resource_name: 'Notes'
    })

    // the request that it made of all that
    const [asked] = sentTo
    if (asked === undefined) throw new Error('nobody was sent anywhere')
    t.equal(asked.origin, issuer)
    t.match(Object.fromEntries(asked.searchParams), {
      response_type: 'code',
      client_id: clientId,
      code_challenge_method: 'S256',
      redirect_uri: redirectUri,
      resource: audience,
      scope: /notes:read/
    })
    t.match(kept.get('client'), { client_id: clientId, issuer }, 'nothing was registered')

    // the person, the code, the token for this server and no other
    const { callbackUrl } = await allow(asked)
    t.equal(callbackUrl.searchParams.get('iss'), issuer)
    const wrong = new URLSearchParams(callbackUrl.searchParams)
    wrong.set('iss', 'https://evil.example')
    await t.rejects(first.transport.finishAuth(wrong), IssuerMismatchError)
    await first.transport.finishAuth(callbackUrl.searchParams)
    const token = () => (kept.get('tokens') as { access_token: string }).access_token
    t.match(claimsIn(token()), { iss: issuer, aud: audience, client_id: clientId })
    t.equal((await requests.userinfo(token())).status, 401, 'it opens nothing else')

    const { client, transport, connected } = await connect()
    await connected
    t.same(
      (await client.listTools()).tools.map(({ name }) => name),
      ['read_note', 'write_note']
    )
    t.match(await client.callTool({ name: 'read_note' }), {
      content: [{ text: `read_note for ${server.accountId}` }]
    })

    // more is needed for the second tool, and the person is asked for it (insufficient_scope)
    await t.rejects(client.callTool({ name: 'write_note' }), UnauthorizedError)
    t.match(api.challenges.at(-1), /error="insufficient_scope".*scope="notes:write"/)
    t.match(api.challenges.at(-1), `resource_metadata="${metadataUrl}"`)
    const more = sentTo.at(-1)
    if (more === undefined || more === asked) throw new Error('the person was not asked again')
    const scopes = more.searchParams.get('scope')?.split(' ') ?? []
    t.ok(scopes.includes('notes:read') && scopes.includes('notes:write'), 'the union of both')
    const again = await allow(more)
    t.match(again.text, /New: this will also allow .*Write notes.*Already allowed.*Read your notes/)
    await transport.finishAuth(again.callbackUrl.searchParams)
    t.match(await client.callTool({ name: 'write_note' }), {
      content: [{ text: `write_note for ${server.accountId}` }]
    })
    t.equal(host.asked('/oauth/notes-agent.json'), 1)

    const rows = await server.store.database.run<{ owner: string }>(
      'test.owner',
      'SELECT owner FROM clients WHERE client_id = $1',
      [clientId]
    )
    t.same(rows.rows, [{ owner: 'document' }])
  }
)

t.test('all metadata that the specification asks of an authorization server', async t => {
  const open = 'http://localhost:9/mcp'
  const { issuer } = await startTestServer(t, {
    clientMetadataDocuments: { enabled: true },
    registration: { enabled: true },
    resources: [{ identifier: open, clients: ['*metadata_documents*'] }]
  })
  for (const path of ['oauth-authorization-server', 'openid-configuration']) {
    const answer = await fetch(`${issuer}/.well-known/${path}`)
    t.equal(answer.headers.get('access-control-allow-origin'), '*', 'for clients in browsers')
    const metadata = (await answer.json()) as Record<string, unknown>
    t.match(metadata, {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/oauth/token`,
      registration_endpoint: `${issuer}/oauth/register`,
      revocation_endpoint: `${issuer}/oauth/revoke`,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
      response_types_supported: ['code'],
      protected_resources: [open]
    })
    const has = (member: string) => metadata[member] as string[]
    t.ok(has('grant_types_supported').includes('authorization_code'))
    t.ok(has('grant_types_supported').includes('refresh_token'))
    t.ok(has('token_endpoint_auth_methods_supported').includes('none'))
    t.ok(has('token_endpoint_auth_methods_supported').includes('private_key_jwt'))
    t.ok(has('scopes_supported').includes('offline_access'), 'how a client asks for refresh tokens')
  }
})
