// An MCP server in a few lines, protected by resource-server: tools to read and to write, each with a scope of its own. Speaks as much of the
// Streamable HTTP transport as a client needs to call a tool.

import { fastify } from 'fastify'
import { createTokenGuard } from '../../src/resource-server/fastify.ts'
import { protectedResource } from '../../src/resource-server/protected-resource.ts'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import type { Lifetime } from '../support/lifetime.ts'

interface Message {
  id?: number | string
  method: string
  params?: { protocolVersion?: string; name?: string }
}

/** What a call needs besides what every request needs. */
const toolScopes: Record<string, string> = { read_note: 'notes:read', write_note: 'notes:write' }

export async function startMcpServer(
  t: Lifetime,
  { issuer, audience }: { issuer: string; audience: string }
): Promise<{ challenges: string[] }> {
  const challenges: string[] = []
  const verifier = createVerifier({ issuer, audience, resourceMetadata: 'published' })
  const { requireToken, tokenOf } = createTokenGuard({ verifier })
  const app = fastify()
  t.teardown(() => app.close())
  app.addHook('onSend', async (_request, reply) => {
    const challenge = reply.getHeader('www-authenticate')
    if (typeof challenge === 'string') challenges.push(challenge)
  })
  await app.register(protectedResource, { issuer, audience, scopes: ['notes:read'], name: 'Notes' })

  const onRequest = requireToken({ scope: 'notes:read' })
  app.post<{ Body: Message }>('/mcp', { onRequest }, async (request, reply) => {
    const { id, method, params } = request.body
    if (id === undefined) return reply.code(202).send()
    const answer = (result: object) => reply.send({ jsonrpc: '2.0', id, result })
    switch (method) {
      case 'initialize':
        return answer({
          protocolVersion: params?.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: 'notes', version: '1' }
        })
      case 'tools/list':
        return answer({
          tools: Object.keys(toolScopes).map(name => ({ name, inputSchema: { type: 'object' } }))
        })
      case 'tools/call': {
        const name = params?.name ?? ''
        const refusal = verifier.requireScope(tokenOf(request), toolScopes[name] ?? '')
        if (refusal !== undefined) {
          return reply
            .code(refusal.status)
            .header('www-authenticate', refusal.challenge)
            .send({ error: refusal.error })
        }
        const { subject } = tokenOf(request)
        return answer({ content: [{ type: 'text', text: `${name} for ${subject}` }] })
      }
      default:
        return reply.send({ jsonrpc: '2.0', id, error: { code: -32_601, message: 'unknown' } })
    }
  })
  app.get('/mcp', { onRequest }, async (_request, reply) => reply.code(405).send())
  await app.listen({ port: Number(new URL(audience).port), host: '127.0.0.1' })
  return { challenges }
}
