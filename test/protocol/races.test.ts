// Single use, over two server processes: each contender has read before any of them writes. Whether these tests would notice, had the
// server been written naively, is shown by naive/naive.test.ts, which runs the same races.

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { person } from '../support/server.ts'
import {
  answer,
  bank,
  cibaGrantType,
  cibaSetting,
  newRequest,
  poll,
  signInToApprove
} from './backchannel.ts'
import { contenders, each, held, race, startContest, tally } from './contest.ts'
import { approveDevice, deviceGrantType, requestDeviceCode } from './device-approval.ts'
import { codeRace, members, newFamily, refreshRace, refreshWith } from './race-cases.ts'
import { basic, createProver, nobody, publicly, web } from './requests.ts'

const rounds = 3
const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const signer = {
  client_id: 'signer',
  type: 'machine',
  client_name: 'Signs its assertions',
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES256',
  jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] }
}

const contest = await startContest(t, { ...cibaSetting, clients: [signer, ...cibaSetting.clients] })
const { main, requests } = contest
const { issuer, databaseUrl } = main
const oneSuccess = (loser: string) => ({ 200: 1, [loser]: contenders - 1 })

/** Nothing that was issued opens anything any more (RFC 7009 §2.1). */
async function assertNothingLives(t: Test, tokens: { refresh: string[]; access: string[] }) {
  for (const value of [...tokens.refresh, ...tokens.access]) {
    t.equal((await requests.introspect(web.caller, value)).text, '{"active":false}')
  }
  for (const value of tokens.refresh) {
    t.match(await requests.refresh(web, value), { status: 400, body: { error: 'invalid_grant' } })
  }
  for (const value of tokens.access) t.equal((await requests.userinfo(value)).status, 401)
}

t.test('one code, redeemed eight times at once: one success (RFC 6749 §4.1.2)', async t => {
  for (let round = 0; round < rounds; round++) {
    const { answers } = await codeRace(contest)
    t.same(tally(answers), oneSuccess('400 invalid_grant'))
  }
  const [row] = (
    await main.store.database.run<{ families: number; grants: number }>(
      'test.families_per_grant',
      `SELECT count(*)::int AS families, count(DISTINCT grant_id)::int AS grants FROM refresh_families`
    )
  ).rows
  t.same(row, { families: rounds, grants: rounds }, 'the losers left no family behind')
})

t.test('one refresh token, presented eight times at once: one successor, given to all', async t => {
  for (let round = 0; round < rounds; round++) {
    const { answers, first } = await refreshRace(contest)
    t.same(tally(answers), { 200: contenders })
    const [successor = '', ...others] = new Set(members(answers, 'refresh_token'))
    t.same(others, [], 'one distinct successor')
    t.not(successor, first)
    const accessTokens = members(answers, 'access_token')
    t.equal(new Set(accessTokens).size, contenders, 'each has an access token of its own')
    for (const token of accessTokens) t.equal((await requests.userinfo(token)).status, 200)

    // a rotation that had been made twice would have forgotten which token came before
    const late = await requests.refresh(web, first)
    t.match(late, { status: 200, body: { refresh_token: successor } }, 'a ninth gets it as well')
    const next = await requests.refresh(web, successor)
    t.equal(next.status, 200, 'the family lives')
    const { rows } = await main.store.database.run<{ generation: number }>(
      'test.newest_generation',
      'SELECT generation FROM refresh_families ORDER BY created_at DESC LIMIT 1'
    )
    t.same(rows, [{ generation: 3 }], 'two rotations, not nine')
  }
})

t.test('one device code, polled eight times at once: one success (RFC 8628 §3.5)', async t => {
  for (let round = 0; round < rounds; round++) {
    const { deviceCode, userCode } = await requestDeviceCode(requests)
    await approveDevice(main, userCode, requests.ada)
    const answers = await each(turn =>
      contest.post(turn, '/oauth/token', publicly('tv'), {
        grant_type: deviceGrantType,
        device_code: deviceCode
      })
    )
    t.same(tally(answers), oneSuccess('400 invalid_grant'))
  }
})

t.test('one pushed request, used eight times at once: one code (RFC 9126 §7.3)', async t => {
  // signed in and consented: nothing but the request itself stands between a contender and a code
  await requests.code()
  for (let round = 0; round < rounds; round++) {
    const { url } = await requests.authorizationUrl()
    const pushed = await requests.post(
      '/oauth/par',
      web.caller,
      Object.fromEntries(url.searchParams)
    )
    t.equal(pushed.status, 201)
    const query = new URLSearchParams({
      client_id: web.clientId,
      request_uri: String(pushed.body['request_uri'])
    })
    const cookie = [...requests.ada.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
    const answers = await race(databaseUrl, 'artifacts', turn =>
      contest.fetch(turn, `/authorize?${query}`, { headers: { cookie } })
    )
    const outcomes = answers.map(({ status, headers }) => {
      const { searchParams } = new URL(headers.location ?? 'about:blank', issuer)
      return searchParams.has('code') ? 'code' : `${status} ${searchParams.get('error') ?? 'page'}`
    })
    t.equal(outcomes.filter(outcome => outcome === 'code').length, 1)
    t.same(
      outcomes.filter(
        outcome => !['code', '400 page', '303 invalid_request_uri'].includes(outcome)
      ),
      []
    )
  }
})

t.test('one client assertion, presented eight times at once: one token (RFC 7523 §3)', async t => {
  for (let round = 0; round < rounds; round++) {
    const now = Math.floor(Date.now() / 1000)
    const client_assertion = await new SignJWT({
      iss: 'signer',
      sub: 'signer',
      aud: issuer,
      jti: randomUUID(),
      iat: now,
      exp: now + 60
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign(privateKey)
    const answers = await race(databaseUrl, 'replay_records', turn =>
      contest.post(turn, '/oauth/token', nobody, {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion
      })
    )
    t.same(tally(answers), oneSuccess('401 invalid_client'))
  }
})

t.test('one DPoP proof, presented eight times at once: one token (RFC 9449 §11.1)', async t => {
  const prover = await createProver()
  for (let round = 0; round < rounds; round++) {
    const DPoP = await prover.proof({ url: `${issuer}/oauth/token` })
    const { headers, parameters } = basic('billing')
    const answers = await race(databaseUrl, 'replay_records', turn =>
      contest.post(
        turn,
        '/oauth/token',
        { headers: { ...headers, DPoP }, parameters },
        { grant_type: 'client_credentials' }
      )
    )
    t.same(tally(answers), oneSuccess('400 invalid_dpop_proof'))
  }
})

t.test('revocation that overtakes a rotation: the rotation is refused (D-1)', async t => {
  const first = await newFamily(contest)
  const [revoked, rotated] = await held(
    databaseUrl,
    'SELECT FROM refresh_families FOR UPDATE',
    async (line, go) => {
      const revoking = contest.post(0, '/oauth/revoke', web.caller, { token: first })
      await line.waiting(1)
      const rotating = refreshWith(contest, 1, first)
      await line.waiting(2)
      await go()
      return Promise.all([revoking, rotating])
    }
  )
  t.equal(revoked.status, 200)
  t.same(tally([rotated]), { '400 invalid_grant': 1 })
  await assertNothingLives(t, { refresh: [first], access: [] })
})

t.test(
  'revocation that a rotation overtakes: the successor dies with the family (D-1)',
  async t => {
    const first = await newFamily(contest)
    const [rotated, revoked] = await held(
      databaseUrl,
      'SELECT FROM refresh_families FOR UPDATE',
      async (line, go) => {
        const rotating = refreshWith(contest, 1, first)
        await line.waiting(1)
        const revoking = contest.post(0, '/oauth/revoke', web.caller, { token: first })
        await line.waiting(2)
        await go()
        return Promise.all([rotating, revoking])
      }
    )
    t.same([rotated.status, revoked.status], [200, 200])
    await assertNothingLives(t, {
      refresh: [first, ...members([rotated], 'refresh_token')],
      access: members([rotated], 'access_token')
    })
  }
)

t.test(
  'a client that revokes the token it has, when its rotation was answered but the answer was lost: the successor dies (D-1)',
  async t => {
    const first = await newFamily(contest)
    const lost = await refreshWith(contest, 0, first)
    t.equal(lost.status, 200)
    const revoked = await contest.post(1, '/oauth/revoke', web.caller, { token: first })
    t.equal(revoked.status, 200)
    await assertNothingLives(t, {
      refresh: [first, ...members([lost], 'refresh_token')],
      access: members([lost], 'access_token')
    })
  }
)

t.test('revocations and rotations all at once: nothing lives afterwards (D-1)', async t => {
  for (let round = 0; round < rounds; round++) {
    const first = await newFamily(contest)
    const answers = await each(turn =>
      turn % 4 === 2
        ? contest.post(turn, '/oauth/revoke', web.caller, { token: first })
        : refreshWith(contest, turn, first)
    )
    const kinds = Object.keys(tally(answers))
    t.same(
      kinds.filter(kind => !['200', '400 invalid_grant'].includes(kind)),
      []
    )
    await assertNothingLives(t, {
      refresh: [first, ...new Set(members(answers, 'refresh_token'))],
      access: members(answers, 'access_token')
    })
  }
})

t.test(
  'one approved request, redeemed eight times at once: one success (CIBA Core §10.1)',
  async t => {
    const { browser } = await signInToApprove(main)
    for (let round = 0; round < rounds; round++) {
      const id = await newRequest(requests)
      await answer(browser)
      const answers = await race(databaseUrl, 'artifacts', turn =>
        contest.post(turn, '/oauth/token', bank, { grant_type: cibaGrantType, auth_req_id: id })
      )
      t.same(tally(answers), oneSuccess('400 invalid_grant'))
    }
  }
)

t.test('eight polls at once, at two processes: one is in time (CIBA Core §11)', async t => {
  const id = await newRequest(requests)
  const answers = await race(databaseUrl, 'artifacts', turn =>
    contest.post(turn, '/oauth/token', bank, { grant_type: cibaGrantType, auth_req_id: id })
  )
  t.same(tally(answers), { '400 authorization_pending': 1, '400 slow_down': contenders - 1 })
})

t.test('eight answers to one request at once: the first one counts (CIBA Core §8)', async t => {
  const { browser } = await signInToApprove(main)
  const id = await newRequest(requests)
  const page = await browser.get('/approve')
  const fields = page.forms.find(form => form.fields.has('request'))?.fields ?? new Map()
  const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
  const answers = await each(turn =>
    contest.fetch(turn, '/approve', {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams([
        ...fields,
        turn % 3 === 0 ? ['decline', 'yes'] : ['approve', 'yes']
      ]).toString()
    })
  )
  const outcomes = answers.map(({ headers }) => String(headers['location']).split('=')[1])
  t.equal(outcomes.filter(outcome => outcome === 'over').length, contenders - 1, outcomes.join())
  const { status, body } = await poll(requests, id)
  t.equal(
    status === 200 ? 'approved' : body['error'],
    outcomes.includes('approved') ? 'approved' : 'access_denied'
  )
})

t.test(
  'eight requests for one person at once, at two processes: three are let through (R-69)',
  async t => {
    for (let round = 0; round < rounds; round++) {
      await main.store.database.run('test.forget', 'DELETE FROM backchannel_requests')
      // what comes after the count in their transactions
      const answers = await race(databaseUrl, 'audit_events', turn =>
        contest.post(turn, '/oauth/backchannel', bank, {
          scope: 'openid',
          login_hint: person.login
        })
      )
      t.same(tally(answers), { 200: 3, '403 access_denied': contenders - 3 })
    }
  }
)
