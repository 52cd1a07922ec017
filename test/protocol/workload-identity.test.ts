// Workload identity (RFC 7523 §2.2): tokens of other issuers authenticate the clients that name them, wherever clients authenticate, and leave a
// trail. What is wrong with a token is workload-tokens.test.ts; when the issuer is away, workload-issuers.test.ts.

import { randomUUID } from 'node:crypto'
import * as oidc from 'openid-client'
import t from 'tap'
import { signJwt } from '../support/key-host.ts'
import { discover } from '../support/relying-party.ts'
import { basic, type Caller, createProver, inBody, web } from './requests.ts'
import { bearer, grant, now, payload, spiffe, startWorkloads } from './workloads.ts'

const {
  cluster,
  host,
  own,
  stranger,
  server,
  requests,
  podToken,
  jobToken,
  svid,
  showing,
  lastReason
} = await startWorkloads(t)
const { issuer, token } = requests

const ownClaims = (clientId: string) => ({
  iss: clientId,
  sub: clientId,
  aud: issuer,
  jti: randomUUID(),
  exp: now() + 60
})

t.test(
  'a pod, a job and a mesh workload get tokens without any secret (RFC 7523 §2.2)',
  async t => {
    const cases: [string, Caller][] = [
      ['reports', showing(await podToken(), 'reports')],
      ['deploy', showing(await jobToken(), 'deploy')],
      ['mesh', showing(await svid(), 'mesh', spiffe)]
    ]
    for (const [clientId, caller] of cases) {
      const answer = await token(caller, { ...grant, resource: 'https://jobs.example.com' })
      t.equal(answer.status, 200, `${clientId}: ${answer.status === 200 || lastReason()}`)
      t.match(payload(answer.body.access_token), { sub: clientId, client_id: clientId })
    }
    t.equal(host.askedFor('/cluster/openid/v1/jwks'), 1)
  }
)

t.test('openid-client shows the token that its platform gave it', async t => {
  const assertion = await podToken()
  const config = await discover({
    issuer,
    clientId: 'reports',
    clientAuthentication: (_server, client, body) => {
      body.set('client_id', client.client_id)
      body.set('client_assertion_type', bearer)
      body.set('client_assertion', assertion)
    }
  })
  // a platform hands out one token for its whole life: it is used again and again
  for (const _ of [1, 2, 3]) {
    t.type((await oidc.clientCredentialsGrant(config)).access_token, 'string')
  }
})

t.test('a client that is not named is found by issuer and subject, if there is one', async t => {
  const answer = await token(showing(await podToken()), grant)
  t.match(payload(answer.body.access_token), { client_id: 'reports' })
  t.match(
    payload((await token(showing(await svid(), undefined, spiffe), grant)).body.access_token),
    { client_id: 'mesh' }
  )
  const twin = await podToken({ sub: 'system:serviceaccount:shop:twin' })
  t.match(await token(showing(twin), grant), { status: 401, body: { error: 'invalid_client' } })
  t.match(lastReason(), /fits several clients: send client_id/)
  t.equal((await token(showing(twin, 'twin-b'), grant)).status, 200)
})

t.test('one that was made or disabled meanwhile is found, or not', async t => {
  const sub = 'system:serviceaccount:shop:later'
  t.equal((await token(showing(await podToken({ sub })), grant)).status, 401)
  const made = await server.server.clients.create({
    clientId: 'later',
    type: 'machine',
    owner: 'cli',
    metadata: { workload_identity: [{ issuer: cluster, subject: sub }] }
  })
  t.match(made, { ok: true, secret: undefined })
  t.equal((await token(showing(await podToken({ sub })), grant)).status, 200)
  await server.server.clients.disable('later')
  t.equal((await token(showing(await podToken({ sub })), grant)).status, 401)
  t.equal((await token(showing(await podToken({ sub }), 'later'), grant)).status, 401)
})

t.test('every endpoint that clients authenticate at takes it', async t => {
  const portal = async () => showing(await podToken({ sub: 'system:serviceaccount:shop:portal' }))
  const pushed = await requests.post('/oauth/par', await portal(), {
    response_type: 'code',
    redirect_uri: 'https://portal.example.com/callback',
    scope: 'openid',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256'
  })
  t.equal(pushed.status, 201, pushed.text)
  const { access_token } = (await token(showing(await podToken(), 'reports'), grant)).body
  const looked = await requests.post('/oauth/introspect', showing(await podToken(), 'reports'), {
    token: access_token
  })
  t.match(looked, { status: 200, body: { active: true, client_id: 'reports' } })
  const revoked = await requests.post('/oauth/revoke', showing(await podToken(), 'reports'), {
    token: access_token
  })
  t.equal(revoked.status, 200)
  const device = await requests.post('/oauth/device', await portal(), { scope: 'openid' })
  t.match(device.body, { error: 'unauthorized_client' }, 'known, and without the grant')
})

t.test('a token is bound to a key by DPoP as with any other client (RFC 9449 §5)', async t => {
  const prover = await createProver()
  const dpop = await prover.proof({ url: `${issuer}/oauth/token` })
  const answer = await token(showing(await podToken(), 'reports'), grant, { dpop })
  t.match(answer.body, { token_type: 'DPoP' })
})

t.test('nothing but such a token authenticates the client', async t => {
  for (const caller of [
    inBody('reports', 'x'.repeat(43)),
    inBody('reports', ''),
    basic('reports', 'x'.repeat(43)),
    { headers: {}, parameters: { client_id: 'reports' } },
    showing(await signJwt(own, ownClaims('reports')), 'reports')
  ]) {
    const answer = await token(caller, grant)
    t.match(answer, { status: 401, body: { error: 'invalid_client' } })
  }
})

t.test('a client may have a key of its own besides', async t => {
  const pod = await podToken({ sub: 'system:serviceaccount:shop:both' })
  const caller = async () => showing(await signJwt(own, ownClaims('both')))
  const statuses = await Promise.all([
    token(showing(pod, 'both'), grant),
    token(await caller(), grant),
    token(showing(pod, 'both'), grant),
    token(await caller(), grant),
    token(inBody('both', 'x'.repeat(43)), grant)
  ])
  t.same(
    statuses.map(({ status }) => status),
    [200, 200, 200, 200, 401]
  )
  t.equal((await token(showing(await signJwt(own, ownClaims('signer'))), grant)).status, 200)
  t.equal(
    (await token(web.caller, { grant_type: 'refresh_token', refresh_token: 'x' })).status,
    400
  )
})

t.test('the answer says nothing of why; the log and the trail do', async t => {
  const wrong = await token(basic('billing', 'wrong'.repeat(9)), grant)
  const before = server.log.length
  const answers = [
    await token(showing(await podToken({}, {}, stranger), 'reports'), grant),
    await token(showing(await podToken({ aud: 'x' }), 'reports'), grant),
    await token(showing(await podToken(), 'nobody'), grant)
  ]
  for (const answer of answers) t.equal(answer.text, wrong.text)
  const told = server.log.slice(before).map(({ reason }) => reason)
  t.match(JSON.stringify(told), /is not signed with its key/)
  t.match(JSON.stringify(told), /fits no workload_identity of the client/)

  const answer = await token(showing(await podToken(), 'reports'), grant)
  const { jti } = payload(answer.body.access_token)
  const find = async () =>
    (
      await server.store.database.run<{ data: unknown }>(
        'test.audit',
        `SELECT data FROM audit_events WHERE data ->> 'jti' = $1`,
        [jti]
      )
    ).rows
  let rows = await find()
  while (rows.length === 0) rows = await find()
  t.match(rows, [
    {
      data: {
        assertionIssuer: cluster,
        assertionSubject: 'system:serviceaccount:shop:reports',
        grantType: 'client_credentials'
      }
    }
  ])
})

t.test('it costs no round trip once client and keys are known', async t => {
  const pod = await podToken()
  await token(showing(pod, 'reports'), grant)
  const { roundTrips } = await server.counted(() => token(showing(pod, 'reports'), grant))
  t.same(
    roundTrips.filter(names => !names.some(name => name.startsWith('audit'))),
    []
  )
})

t.test('an API that does not name the client is not to be had', async t => {
  const twin = showing(await podToken({ sub: 'system:serviceaccount:shop:twin' }), 'twin-b')
  t.match(await token(twin, { ...grant, resource: 'https://jobs.example.com' }), {
    status: 400,
    body: { error: 'invalid_target' }
  })
})
