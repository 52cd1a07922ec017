// Our status lists, read by code that is not ours, in processes that know the issuer and a token: jose with zlib, and PyJWT with Python's zlib.

import { spawn, spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { listedApi, listedRequest, withLists } from '../protocol/listed.ts'
import { createRequests, web } from '../protocol/requests.ts'
import { startTestServer } from '../support/server.ts'

const python = '/usr/bin/python3'
const hasPyJwt = spawnSync(python, ['-c', 'import jwt, cryptography, zlib']).status === 0
const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url))

const readers = [
  { name: 'jose', command: [process.execPath, pathOf('read-status-with-jose.mjs')], skip: false },
  {
    name: 'PyJWT',
    command: [python, pathOf('read_status_with_pyjwt.py')],
    skip: !hasPyJwt && `python3-jwt and python3-cryptography are not installed for ${python}`
  }
]

/** What one reader says, in a process that gets no environment of ours. */
function ask([command = '', ...args]: string[], given: { issuer: string; token: string }) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: {} })
  child.stdin?.end(JSON.stringify(given))
  let printed = ''
  child.stdout?.on('data', chunk => {
    printed += chunk
  })
  return new Promise<Record<string, unknown>>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve(JSON.parse(printed)))
  })
}

t.test('others read in our lists what was revoked (draft-ietf-oauth-status-list §8.3)', async t => {
  const server = await startTestServer(t, withLists)
  const requests = createRequests(server)
  const { issuer } = server
  const said = (bit: number) => ({ ok: true, bit, bits: 1, ttl: 600, size: 131_072 })

  for (const { name, command, skip } of readers) {
    t.test(name, { skip }, async t => {
      const [first, other] = [
        await requests.tokens(listedRequest),
        await requests.tokens(listedRequest)
      ]
      const { body: machine } = await requests.machine('billing', { resource: listedApi })
      const tokens = [first.access_token, other.access_token, machine.access_token]
      for (const token of tokens) t.strictSame(await ask(command, { issuer, token }), said(0))

      await requests.revoke(web.caller, first.refresh_token)
      let seen: unknown
      for (let tries = 0; seen !== 1 && tries < 50; tries++) {
        seen = (await ask(command, { issuer, token: first.access_token }))['bit']
        if (seen !== 1) await sleep(100)
      }
      t.equal(seen, 1, 'the revoked grant')
      for (const token of tokens.slice(1)) {
        t.strictSame(await ask(command, { issuer, token }), said(0), 'and nobody else')
      }
      // the list itself is no access token
      const { text } = await requests.get('/status-lists/1')
      t.match(await ask(command, { issuer, token: text }), { ok: false })
    })
  }
})

t.test('our verifier refuses what was revoked, and everything once the list is stale', async t => {
  const server = await startTestServer(t, {
    ...withLists,
    statusLists: { ttl: '1s', lifetime: '3s' }
  })
  const requests = createRequests(server)
  const verifier = createVerifier({
    issuer: server.issuer,
    audience: listedApi,
    statusList: 'required',
    clockToleranceSeconds: 0
  })
  const statusOf = async (token: string) => {
    const verification = await verifier.verify(`Bearer ${token}`)
    return verification.ok ? 200 : verification.status
  }
  /** Asks until the answer comes; the test's own time-out ends it if it does not. */
  async function comesTo(token: string, wanted: number): Promise<number> {
    for (let tries = 0; ; tries++) {
      const status = await statusOf(token)
      if (status === wanted || tries === 200) return status
      await sleep(50)
    }
  }
  const { access_token: token, refresh_token: rest } = await requests.tokens(listedRequest)
  const { body: machine } = await requests.machine('billing', { resource: listedApi })
  t.equal(await comesTo(token, 200), 200)
  t.equal(await comesTo(machine.access_token, 200), 200)
  await requests.revoke(web.caller, rest)
  t.equal(await comesTo(token, 401), 401, 'the grant was revoked')
  t.equal(await comesTo(machine.access_token, 200), 200)
  await server.server.clients.revokeTokens('billing', 'cli')
  t.equal(await comesTo(machine.access_token, 401), 401, 'the client’s tokens were revoked')
  const { body: next } = await requests.machine('billing', { resource: listedApi })
  t.equal(await comesTo(next.access_token, 200), 200, 'its next token is good')
  await server.server.close()
  t.equal(await comesTo(next.access_token, 503), 503, 'nobody can say what was revoked')
})
