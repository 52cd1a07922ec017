// Every place that reads a JWT, as a table: where it is read in the source, what is read there, how it is presented, and how it is told that
// it was refused. tokens.test.ts throws every forgery at every place, and finds the places of the source that are missing here.

import { CompactEncrypt, importJWK, type JWK } from 'jose'
import type { Test } from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { endpoints } from '../../src/protocol/configuration.ts'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import {
  accessTokenType,
  jwtTokenType,
  orders,
  stock,
  tokenExchangeGrantType
} from '../protocol/exchange.ts'
import { listedApi } from '../protocol/listed.ts'
import { createRequests } from '../protocol/requests.ts'
import { api } from '../support/configuration.ts'
import { basic, json } from './endpoints.ts'
import { backchannelPlaces } from './jwt-backchannel-places.ts'
import {
  assertionOf,
  attestationOf,
  attestedProofOf,
  foreign,
  genuine,
  type Kind,
  macOf,
  madeKey,
  ours,
  proofFor,
  purposes,
  requestOf,
  statementOf,
  svid
} from './jwt-kinds.ts'
import { isOk, jsonOf, type Place, post, refusedWith } from './jwt-place.ts'
import { bearerGrant, callback, publisher, staffApi, startSetting } from './jwt-setting.ts'
import { upstreamPlace } from './jwt-upstream-place.ts'
import type { Answer, Wire } from './wire.ts'

const assertionTypes = {
  jwt: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  svid: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe'
}
/** Everything that is read. `host` counts who asks for keys. */
export async function startPlaces(t: Test) {
  const { arena, host, own, forEncryption, ci, software, ciIssuer, domain } = await startSetting(t)
  const { issuer } = arena
  const requests = createRequests(arena)
  const keys = arena.server.keys.ring.keys()
  const tokens = await requests.tokens({
    scope: 'openid read:orders read:things read:list',
    resource: [issuer, orders, api, listedApi]
  })
  const redeemedFor = async (resource: string, scope: string) =>
    ours((await requests.tokens({ scope, resource })).access_token, keys)
  const idToken = ours(tokens.id_token, keys)
  const backchannel = await backchannelPlaces(requests, { issuer, keys, own, forEncryption })
  const forUserinfo = await redeemedFor(issuer, 'openid')
  const forRevocation = await redeemedFor(issuer, 'openid')
  const forOrders = await redeemedFor(orders, 'openid read:orders')
  const forApi = await redeemedFor(api, 'openid read:things')
  const listed = await redeemedFor(listedApi, 'openid read:list')
  const actor = ours(
    (await requests.machine('orders', { resource: undefined })).body.access_token,
    keys
  )
  const statement = await issueInitialAccessToken(arena.store.database, {
    lifetimeSeconds: 3600,
    uses: 100_000
  })
  const list = (listed.claims()['status'] as { status_list: { uri: string } }).status_list.uri
  const statusList = ours((await arena.send({ target: new URL(list).pathname })).text, keys)
  const encryptionKey = keys.find(({ purpose }) => purpose === 'encryption')?.publicJwk as JWK

  const parametersOf = (clientId: string) => ({
    client_id: clientId,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid',
    state: 'a-state',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWBuGJSstw-cM',
    code_challenge_method: 'S256'
  })
  const asserted = (jwt: string, type = assertionTypes.jwt) => ({
    client_assertion_type: type,
    client_assertion: jwt
  })
  const { userinfo, introspection, revocation, token, end_session } = endpoints
  const { pushed_authorization_request: par, device_authorization: device } = endpoints
  const assertion = assertionOf('signer', issuer, own, forEncryption)
  const machine = assertionOf('machine', issuer, own, forEncryption)
  const invalidClient = refusedWith('invalid_client', 'invalid_request')
  const thinly = (place: Place): Place => ({ ...place, thin: true })
  const clientAt = (name: string, kind: Kind, wire: (jwt: string) => Wire): Place => ({
    ...{ name, kind, wire },
    accepted: ({ status }) => status === 200 || status === 201,
    refused: invalidClient
  })
  const parameter = (name: string, jwt: string) => `${name}=${encodeURIComponent(jwt)}`
  const query = new URLSearchParams({
    ...parametersOf('web'),
    redirect_uri: 'https://app.example.com/callback',
    nonce: 'n'
  }).toString()
  const session = [...requests.ada.cookies()].map(([n, v]) => `${n}=${v}`).join('; ')
  const errorIn = (answer: Answer) =>
    URL.parse(answer.headers['location'] ?? '')?.searchParams.get('error') ?? ''
  const old = {
    'exp long ago': 'a hint may have expired (RP-Initiated Logout §4)'
  }
  const encrypted = async (inside: string) =>
    new CompactEncrypt(Buffer.from(inside))
      .setProtectedHeader({
        ...{ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT' },
        kid: String(encryptionKey.kid)
      })
      .encrypt(await importJWK(encryptionKey, 'ECDH-ES'))
  const proofAt = (
    name: string,
    path: string,
    wire: (jwt: string) => Wire,
    codes = ['invalid_dpop_proof', 'use_dpop_nonce']
  ): Place => ({
    ...{ name, kind: proofFor(issuer + path, madeKey('proof')), wire, inHeader: true },
    accepted: ({ status }) => status === 200 || status === 201,
    refused: refusedWith(...codes)
  })
  const verified = async (jwt: string, audience: string, fetch = globalThis.fetch) => {
    const statusList = audience === listedApi ? 'required' : 'off'
    const { ok } = await createVerifier({ issuer, audience, statusList, fetch }).verify(
      `Bearer ${jwt}`
    )
    return ok ? 'accepted' : 'refused'
  }
  const listToken = (await requests.tokens({ scope: 'openid read:list', resource: listedApi }))
    .access_token
  const instance = madeKey('instance')
  const asked = await requests.post(endpoints.challenge, { headers: {}, parameters: {} }, {})
  const attestation = attestationOf(ciIssuer, 'attested', ci, instance)
  const proof = attestedProofOf(issuer, String(asked.body['attestation_challenge']), instance)
  const attestedAt = (
    name: string,
    kind: Kind,
    shown: (jwt: string) => [string, string]
  ): Place => ({
    ...{ name, kind, inHeader: true, accepted: isOk },
    wire: jwt =>
      post(
        token,
        { grant_type: 'client_credentials' },
        ...[['oauth-client-attestation', shown(jwt)[0]] as const],
        ...[['oauth-client-attestation-pop', shown(jwt)[1]] as const]
      ),
    refused: refusedWith('invalid_client', 'invalid_request', 'use_attestation_challenge')
  })
  const around = {
    'a line break behind it': 'blanks around a header are none of it (RFC 9110 §5.5)'
  }
  const direct = { accepted: isOk, refused: (answer: Answer) => !isOk(answer) }

  const places: Place[] = [
    {
      ...{ name: 'Bearer at userinfo', kind: forUserinfo, inHeader: true },
      wire: jwt => ({ target: userinfo, headers: [['authorization', `Bearer ${jwt}`]] }),
      ...{ accepted: isOk, refused: refusedWith('invalid_token', 'invalid_request') }
    },
    {
      ...{ name: 'form at userinfo', kind: forUserinfo, thin: true },
      wire: jwt => post(userinfo, { access_token: jwt }),
      ...{ accepted: isOk, refused: refusedWith('invalid_token', 'invalid_request') }
    },
    {
      // whose it is counts before what it may
      ...{
        name: 'Bearer at the Grant Management API',
        kind: forUserinfo,
        inHeader: true,
        thin: true
      },
      wire: jwt => ({
        target: '/oauth/grants/some-grant',
        headers: [['authorization', `Bearer ${jwt}`]]
      }),
      accepted: ({ status }) => status === 403,
      refused: refusedWith('invalid_token', 'invalid_request')
    },
    {
      ...{ name: 'introspection', kind: forUserinfo },
      wire: jwt => post(introspection, { token: jwt }, basic('web')),
      accepted: answer => jsonOf(answer)['active'] === true,
      refused: ({ status, text }) => status === 200 && text === '{"active":false}'
    },
    {
      // RFC 7009 §2.2: whatever it is, the answer is 200; that nothing was revoked is seen in the end
      ...{ name: 'revocation', kind: forRevocation, accepted: isOk, refused: isOk, thin: true },
      goodUntilShown: async () => (await requests.userinfo(genuine(forRevocation))).status === 200,
      wire: jwt => post(revocation, { token: jwt }, basic('web'))
    },
    {
      ...{ name: 'subject_token', kind: forOrders, accepted: isOk },
      wire: jwt =>
        post(
          token,
          {
            ...{ grant_type: tokenExchangeGrantType, resource: stock, subject_token: jwt },
            subject_token_type: accessTokenType
          },
          basic('orders')
        ),
      refused: refusedWith('invalid_request')
    },
    {
      ...{ name: 'actor_token', kind: actor, accepted: isOk, thin: true },
      wire: jwt =>
        post(
          token,
          {
            ...{ grant_type: tokenExchangeGrantType, resource: stock },
            ...{ subject_token: genuine(forOrders), subject_token_type: accessTokenType },
            ...{ actor_token: jwt, actor_token_type: jwtTokenType }
          },
          basic('orders')
        ),
      refused: refusedWith('invalid_request')
    },
    clientAt('client assertion at the token endpoint', machine, jwt =>
      post(token, { grant_type: 'client_credentials', ...asserted(jwt) })
    ),
    thinly(
      clientAt('client assertion at introspection', machine, jwt =>
        post(introspection, { token: 'x', ...asserted(jwt) })
      )
    ),
    thinly(
      clientAt('client assertion at revocation', machine, jwt =>
        post(revocation, { token: 'x', ...asserted(jwt) })
      )
    ),
    thinly(
      clientAt('client assertion at PAR', assertion, jwt =>
        post(par, { ...parametersOf('signer'), ...asserted(jwt) })
      )
    ),
    {
      // who it is counts before what it may
      ...{ name: 'client assertion at device authorization', kind: machine, thin: true },
      wire: jwt => post(device, { scope: 'openid', ...asserted(jwt) }),
      accepted: refusedWith('unauthorized_client'),
      refused: invalidClient
    },
    {
      ...clientAt('client assertion with a MAC', macOf('hmac', issuer), jwt =>
        post(token, { grant_type: 'client_credentials', ...asserted(jwt) })
      ),
      except: { 'HS256 with an empty key': 'nothing was changed of it' }
    },
    clientAt('workload token', foreign(ciIssuer, issuer, 'job', ci), jwt =>
      post(token, { grant_type: 'client_credentials', client_id: 'workload', ...asserted(jwt) })
    ),
    thinly(
      clientAt('JWT-SVID', svid(foreign(domain, issuer, `${domain}/job`, ci)), jwt =>
        post(token, { grant_type: 'client_credentials', ...asserted(jwt, assertionTypes.svid) })
      )
    ),
    {
      ...{ name: 'assertion of the JWT bearer grant', accepted: isOk },
      kind: foreign(ciIssuer, issuer, 'u-1', ci),
      wire: jwt =>
        post(
          token,
          {
            ...{ grant_type: bearerGrant, assertion: jwt },
            resource: staffApi
          },
          basic('assistant')
        ),
      refused: refusedWith('invalid_grant', 'invalid_request')
    },
    proofAt('DPoP proof at the token endpoint', token, jwt =>
      post(token, { grant_type: 'client_credentials' }, basic('billing'), ['dpop', jwt])
    ),
    thinly(
      proofAt('DPoP proof at PAR', par, jwt =>
        post(
          par,
          { ...parametersOf('web'), redirect_uri: 'https://app.example.com/callback' },
          ...[basic('web'), ['dpop', jwt] as const]
        )
      )
    ),
    attestedAt('client attestation', attestation, jwt => [jwt, genuine(proof)]),
    attestedAt('proof of an attested key', proof, jwt => [genuine(attestation), jwt]),
    {
      ...{ name: 'request object at authorize', inHeader: true },
      kind: requestOf(parametersOf('signer'), issuer, own, forEncryption),
      wire: jwt => ({
        target: `${endpoints.authorization}?client_id=signer&${parameter('request', jwt)}`
      }),
      accepted: ({ headers }) => headers['location']?.includes('/interaction/') ?? false,
      // without an address in the clear, a page says it
      refused: ({ status }) => status === 400
    },
    {
      ...{ name: 'request object at PAR', accepted: ({ status }) => status === 201, thin: true },
      kind: requestOf(parametersOf('secretive'), issuer, own, forEncryption),
      wire: jwt => post(par, { client_id: 'secretive', request: jwt }, basic('secretive')),
      refused: refusedWith('invalid_request_object', 'invalid_request')
    },
    {
      ...{ name: 'encrypted request object', accepted: ({ status }) => status === 201, thin: true },
      kind: requestOf(parametersOf('secretive'), issuer, own, forEncryption),
      wire: async jwt =>
        post(par, { client_id: 'secretive', request: await encrypted(jwt) }, basic('secretive')),
      refused: refusedWith('invalid_request_object', 'invalid_request')
    },
    {
      ...{ name: 'id_token_hint at authorize', kind: idToken, inHeader: true, except: old },
      wire: jwt => ({
        target: `${endpoints.authorization}?${query}&prompt=none&${parameter('id_token_hint', jwt)}`,
        headers: [['cookie', session]]
      }),
      accepted: answer => answer.status === 303 && errorIn(answer) === '',
      refused: answer => answer.status === 303 && errorIn(answer) === 'invalid_request'
    },
    {
      ...{ name: 'id_token_hint at logout', kind: idToken, inHeader: true, except: old },
      ...direct,
      wire: jwt => ({ target: `${end_session}?${parameter('id_token_hint', jwt)}` }),
      refused: ({ status }) => status === 400
    },
    ...backchannel,
    {
      ...{ name: 'software statement', kind: statementOf(publisher, software) },
      wire: jwt => ({
        ...{ method: 'POST', target: endpoints.registration },
        headers: [json, ['authorization', `Bearer ${statement.token}`]],
        body: JSON.stringify({ software_statement: jwt })
      }),
      accepted: ({ status }) => status === 201,
      refused: refusedWith('invalid_software_statement', 'unapproved_software_statement')
    },
    {
      ...{
        name: 'verifier of an API',
        kind: forApi,
        ...direct,
        except: { ...purposes(forApi), ...around }
      },
      read: jwt => verified(jwt, api)
    },
    {
      ...{ name: 'status list in an API', kind: statusList, ...direct },
      except: purposes(statusList),
      read: jwt =>
        verified(listToken, listedApi, async (input, init) =>
          String(input) === list ? new Response(jwt) : fetch(input, init)
        )
    },
    upstreamPlace()
  ]
  return { arena, places, host }
}
