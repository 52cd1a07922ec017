// An API on Fastify that takes our access tokens. Issuer and audience are all that its guard needs: keys, algorithms, refusals (RFC 6750)
// and an issuer that is down are the guard's business. Node 22.18 or newer, which reads the guard's TypeScript as it is.

import Fastify from 'fastify'
import { createTokenGuard } from '../../src/resource-server/fastify.ts'
import { createVerifier } from '../../src/resource-server/verifier.ts'

const issuer = process.env.MINTMARK_ISSUER ?? 'http://localhost:3000'
const audience = process.env.API_RESOURCE ?? 'https://things.example.com'

const { requireToken, tokenOf } = createTokenGuard({
  verifier: createVerifier({ issuer, audience })
})
const app = Fastify()

app.get(
  '/things',
  { onRequest: requireToken({ scope: 'read:things' }) },
  async (request, reply) => {
    reply.header('cache-control', 'no-store')
    return { things: ['a thing'], for: tokenOf(request).subject }
  }
)

const address = await app.listen({ port: Number(process.env.API_PORT ?? 4000), host: '127.0.0.1' })
console.log(`${address}/things takes tokens for ${audience}`)
