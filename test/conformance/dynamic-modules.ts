// The suite's modules of the Dynamic plan, played against our server: each registers a client of its own, without an initial access token,
// which authenticates by private_key_jwt with the token endpoint as audience, as the suite does.

import { randomUUID } from 'node:crypto'
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import type { Test } from 'tap'
import { coreModules, type Play } from './core-modules.ts'
import type { Module, SuiteClient } from './module.ts'

/** What the suite serves at its addresses, by the path behind the alias. */
export interface SuitePages {
  put(path: string, body: object): string
}

async function makeKey() {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = randomUUID()
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }
  return { privateKey, jwk, kid }
}

type Key = Awaited<ReturnType<typeof makeKey>>

function signedBy(clientId: string, key: () => Key, audience: string) {
  return () => {
    const { privateKey, kid } = key()
    return new SignJWT({ iss: clientId, sub: clientId, aud: audience, jti: randomUUID() })
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey)
  }
}

async function post(module: Module, metadata: object) {
  const answer = await fetch(`${module.issuer}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata)
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

/** OIDCCCreateDynamicClientRegistrationRequest, with what a module adds. */
async function register(
  t: Test,
  module: Module,
  more: Record<string, unknown> = {},
  audience = `${module.issuer}/oauth/token`
): Promise<SuiteClient & { keys: { current: Key } }> {
  const keys = { current: await makeKey() }
  const { status, body } = await post(module, {
    client_name: 'Conformance suite',
    grant_types: ['authorization_code'],
    ...(more['jwks_uri'] === undefined ? { jwks: { keys: [keys.current.jwk] } } : {}),
    token_endpoint_auth_method: 'private_key_jwt',
    response_types: ['code'],
    redirect_uris: [module.callback],
    contacts: ['certification@oidf.org'],
    ...more
  })
  if (status !== 201) t.fail(`registration: ${status} ${JSON.stringify(body)}`)
  const client_id = String(body['client_id'])
  const assertion = signedBy(client_id, () => keys.current, audience)
  return { client_id, client_secret: '', assertion, keys }
}

const refreshing = { grant_types: ['authorization_code', 'refresh_token'] }

/** A registration, and the whole way to userinfo. */
const succeeds =
  (more: Record<string, unknown> = {}, audience?: (module: Module) => string): Play =>
  async (t, module) => {
    const client = await register(t, module, more, audience?.(module))
    const { access_token } = await module.tokens(await module.authorize({}, client), client)
    t.equal((await module.userinfo(access_token)).status, 200)
  }

/** One redirect URI is registered, another one asked for: our error page. */
const errorPage =
  (registered: string, asked: string | undefined): Play =>
  async (t, module) => {
    const redirect_uris = [module.callback + registered]
    const client = await register(t, module, { redirect_uris })
    const redirect_uri = asked === undefined ? undefined : module.callback + asked
    const { ended } = await module.ask({ redirect_uri }, client)
    t.equal(ended.arrived, undefined, 'nobody is sent to the suite')
    t.equal(ended.pictures, 1)
  }

/** A link that the client registers is shown on the consent page. */
const shows =
  (member: string, uri: (module: Module) => string, visible: RegExp | undefined): Play =>
  async (t, module) => {
    const client = await register(t, module, { [member]: uri(module) })
    const { ended } = await module.ask({}, client)
    t.equal(ended.pictures, 1, 'a picture of the page')
    if (visible !== undefined) t.match(ended.page?.html, visible)
  }

export function dynamicModules(pages: SuitePages): Readonly<Record<string, Play>> {
  return {
    'oidcc-server': succeeds(),
    'oidcc-idtoken-rs256': succeeds({ id_token_signed_response_alg: 'RS256' }),
    'oidcc-ensure-client-assertion-with-iss-aud-succeeds': succeeds({}, ({ issuer }) => issuer),

    async 'oidcc-userinfo-rs256'(t, module) {
      const client = await register(t, module, { userinfo_signed_response_alg: 'RS256' })
      const { access_token } = await module.tokens(await module.authorize({}, client), client)
      const answer = await fetch(`${module.issuer}/userinfo`, {
        headers: { authorization: `Bearer ${access_token}` }
      })
      t.match(answer.headers.get('content-type'), 'application/jwt')
      const keys = createRemoteJWKSet(new URL(`${module.issuer}/.well-known/jwks.json`))
      const { protectedHeader } = await jwtVerify(await answer.text(), keys, {
        issuer: module.issuer,
        audience: client.client_id
      })
      t.equal(protectedHeader.alg, 'RS256')
    },

    'oidcc-ensure-redirect-uri-in-authorization-request': errorPage('', undefined),
    'oidcc-redirect-uri-query-mismatch': errorPage('?foo=bar', '?bar=foo'),
    'oidcc-redirect-uri-query-added': errorPage('', '?foo=bar'),

    async 'oidcc-redirect-uri-query-OK'(t, module) {
      const redirect_uri = `${module.callback}?foo=bar`
      const client = await register(t, module, { redirect_uris: [redirect_uri] })
      const response = await module.authorize({ redirect_uri }, client)
      t.equal(response.parameters.get('foo'), 'bar', 'the query stays (RFC 6749 §3.1.2)')
      await module.tokens(response, client)
    },

    async 'oidcc-redirect-uri-regfrag'(t, module) {
      const { status, body } = await post(module, { redirect_uris: [`${module.callback}#foobar`] })
      t.equal(status, 400)
      t.match(body['error'], /^invalid_(redirect_uri|client_metadata)$/)
    },

    // we load no logo from a client's site; the picture is of the page without it
    'oidcc-registration-logo-uri': shows(
      'logo_uri',
      ({ callback }) => new URL('/images/raidiam.png', callback).href,
      undefined
    ),
    'oidcc-registration-policy-uri': shows(
      'policy_uri',
      () => 'https://openid.net',
      /<a href="https:\/\/openid\.net\/"[^>]*>Privacy policy/
    ),
    'oidcc-registration-tos-uri': shows(
      'tos_uri',
      () => 'https://openid.net',
      /<a href="https:\/\/openid\.net\/"[^>]*>Terms of service/
    ),

    async 'oidcc-registration-jwks-uri'(t, module) {
      const jwks_uri = pages.put('jwks', { keys: [] })
      const client = await register(t, module, { jwks_uri })
      pages.put('jwks', { keys: [client.keys.current.jwk] })
      await module.tokens(await module.authorize({}, client), client)
    },

    async 'oidcc-registration-sector-uri'(t, module) {
      const sector_identifier_uri = pages.put('redirect_uris.json', [module.callback])
      await register(t, module, { subject_type: 'pairwise', sector_identifier_uri })
    },

    async 'oidcc-registration-sector-bad'(t, module) {
      const sector_identifier_uri = pages.put('redirect_uris.json', ['https://example.com/op'])
      const { status, body } = await post(module, {
        redirect_uris: [module.callback],
        subject_type: 'pairwise',
        sector_identifier_uri
      })
      t.equal(status, 400)
      t.equal(body['error'], 'invalid_client_metadata')
    },

    async 'oidcc-server-rotate-keys'(t, module) {
      const published = async () => {
        const answer = await fetch(`${module.issuer}/.well-known/jwks.json`)
        const { keys } = (await answer.json()) as { keys: { kid: string }[] }
        return keys.map(({ kid }) => kid)
      }
      const before = await published()
      // what `mintmark keys rotate --purpose identity --alg RS256` does
      const { signing } = module.run.server.keys
      const scheduled = await signing.schedule([])
      const active = scheduled.find(
        ({ key }) => key.purpose === 'identity' && key.alg === 'RS256' && key.state === 'active'
      )
      t.ok(active, 'there is an active key')
      if (active !== undefined) await signing.prepare(active.key)
      let after = await published()
      while (after.length === before.length) after = await published()
      t.equal(after.length, before.length + 1, 'VerifyNewJwksHasNewSigningKey')
      t.ok(
        before.every(kid => after.includes(kid)),
        'VerifyNewJwksStillHasOldSigningKey'
      )
    },

    async 'oidcc-refresh-token-rp-key-rotation'(t, module) {
      // an address of its own: one is asked at most once a minute, whoever names it
      const client = await register(t, module, {
        ...refreshing,
        jwks_uri: pages.put('rotating-jwks', { keys: [] })
      })
      pages.put('rotating-jwks', { keys: [client.keys.current.jwk] })
      const asked = { scope: 'openid offline_access', prompt: 'consent' }
      const { refresh_token } = await module.tokens(await module.authorize(asked, client), client)
      client.keys.current = await makeKey()
      pages.put('rotating-jwks', { keys: [client.keys.current.jwk] })
      // as long as the suite waits, so that limits on fetching are not met
      await new Promise(resolve => setTimeout(resolve, 60_000))
      const { status, body } = await module.token(
        { grant_type: 'refresh_token', refresh_token },
        client
      )
      t.equal(status, 200, JSON.stringify(body))
    },

    async 'oidcc-refresh-token'(t, module) {
      const client = await register(t, module, refreshing)
      const asked = { scope: 'openid offline_access', prompt: 'consent' }
      const { refresh_token } = await module.tokens(await module.authorize(asked, client), client)
      const again = await module.token({ grant_type: 'refresh_token', refresh_token }, client)
      t.equal(again.status, 200, JSON.stringify(again.body))
    },

    // skipped by the suite where discovery says so: no `none`, no request_uri by reference
    'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported':
      coreModules['oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported'] ??
      succeeds()
  }
}
