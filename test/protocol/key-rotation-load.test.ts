// Keys that change every ten seconds under load, over two processes, with verifiers that keep the published keys as long as they may: no
// token fails. One process is killed in the middle. The control activates a key without publishing it ahead, and the same verifiers see it.

import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createCachingVerifier } from '../support/caching-verifier.ts'
import { fetchFrom, startServerProcess } from '../support/processes.ts'
import { startTestServer } from '../support/server.ts'
import { basic, createRequests, headerOf } from './requests.ts'

const overrides = {
  keys: { rotationInterval: '10s', publishAhead: '4s', cacheLifetime: '2s' },
  accessTokens: { lifetime: '30s' },
  idTokens: { lifetime: '1m' },
  sessions: { idle: '1m', absolute: '1m' },
  refreshTokens: { idle: '1m', absolute: '5m' }
}
// `npm run rotation` has more of them
const changes = Number(process.env['MINTMARK_KEY_CHANGES'] ?? 1)

t.setTimeout(180_000 + changes * 60_000)
const main = await startTestServer(t, overrides)
const requests = createRequests(main)
const ports = [Number(new URL(main.issuer).port)]
let turn = 0
/** One process or another, as a load balancer chooses; what a killed one leaves unanswered is sent again. */
async function anyProcess(
  path: string,
  init?: Parameters<typeof fetchFrom>[3]
): Promise<Awaited<ReturnType<typeof fetchFrom>>> {
  const port = ports[turn++ % ports.length] ?? 0
  return fetchFrom(port, main.issuer, path, init).catch(error => {
    if (/ECONNRE/.test(error.code)) return anyProcess(path, init)
    throw error
  })
}

async function machineToken(): Promise<string> {
  const answer = await anyProcess('/oauth/token', {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...basic('billing').headers
    },
    body: 'grant_type=client_credentials'
  })
  if (answer.status !== 200) throw new Error(answer.text)
  return JSON.parse(answer.text).access_token
}

t.test(
  'no token fails while keys change, also ID tokens, also when a process is killed',
  async t => {
    const other = await startServerProcess(t, main, overrides)
    ports.push(other.port)
    const verifiers = Array.from({ length: 4 }, () => createCachingVerifier(anyProcess))
    const kids = new Set<unknown>()
    const identityKids = new Set<unknown>()
    const failures: string[] = []
    const counts = { issued: 0, verified: 0 }
    const later: { jwt: string; at: number }[] = []
    let over = false

    async function verify(jwt: string) {
      for (const verifier of verifiers) {
        const refusal = await verifier.refusal(jwt)
        if (refusal !== undefined) failures.push(`${headerOf(jwt)['kid']}: ${refusal}`)
        counts.verified += 1
      }
    }

    async function issue() {
      while (!over) {
        const jwt = await machineToken()
        counts.issued += 1
        kids.add(headerOf(jwt)['kid'])
        await verify(jwt)
        // and again when its key has long been followed by others
        if (counts.issued % 20 === 0) later.push({ jwt, at: performance.now() + 15_000 })
      }
    }

    async function issueIdTokens() {
      while (!over) {
        const { id_token: jwt } = await requests.tokens({ scope: 'openid' })
        identityKids.add(headerOf(jwt)['kid'])
        await verify(jwt)
        await sleep(100)
      }
    }

    async function verifyLater() {
      while (!over) {
        const [due] = later
        if (due !== undefined && due.at < performance.now()) {
          later.shift()
          await verify(due.jwt)
        }
        await sleep(20)
      }
    }

    async function endWhenChanged() {
      while (kids.size < 2) await sleep(50)
      // in the middle of it all
      ports.pop()
      other.child.kill('SIGKILL')
      await once(other.child, 'exit')
      const again = await startServerProcess(t, main, overrides)
      ports.push(again.port)
      while (kids.size <= changes || identityKids.size <= changes - 1) await sleep(50)
      over = true
    }

    await Promise.all([issue(), issue(), issueIdTokens(), verifyLater(), endWhenChanged()])
    t.same(failures, [])
    t.ok(kids.size > changes && identityKids.size >= changes, 'the keys did change')
    t.ok(
      verifiers.every(verifier => verifier.fetches() > changes),
      'and the verifiers fetched them'
    )
    t.comment(JSON.stringify({ ...counts, kids: kids.size, identityKids: identityKids.size }))
  }
)

t.test('control: a key that signs before it is known fails the same verifiers', async t => {
  const { signing, ring } = main.server.keys
  const verifier = createCachingVerifier(anyProcess)
  let failure: string | undefined
  for (let tries = 0; failure === undefined && tries < 20; tries++) {
    const pending = ring
      .keys()
      .find(({ state, purpose }) => state === 'pending' && purpose === 'access_token')
    // one that the schedule has published already would not be a surprise
    if (pending !== undefined) {
      await sleep(500)
      continue
    }
    await verifier.fetchNow()
    const made = await signing.prepare({ purpose: 'access_token', alg: 'ES256' })
    if (made === 'lost') continue
    await signing.activate({ purpose: 'access_token', alg: 'ES256', kid: made.kid })
    let jwt = await machineToken()
    while (headerOf(jwt)['kid'] !== made.kid) jwt = await machineToken()
    failure = await verifier.refusal(jwt)
  }
  t.match(failure, /no applicable key found/)
})
