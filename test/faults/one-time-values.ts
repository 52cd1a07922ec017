// Every one-time value of the protocol, as something that many can use at once: how it is got, how it is used, and which answer is a
// success. Owns no judgement over many answers.

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { Answer, Wire } from '../hostile/wire.ts'
import { approveDevice, deviceGrantType, requestDeviceCode } from '../protocol/device-approval.ts'
import { basic, type Caller, createProver, nobody, publicly, web } from '../protocol/requests.ts'
import { createBrowser } from '../support/browser.ts'
import { person } from '../support/server.ts'
import { formHeaders, formOf } from './client.ts'
import { type Installation, plain } from './installation.ts'

export interface OneTimeValue {
  name: string
  /** a refresh token answers everybody inside the leeway, with one successor */
  expects: 'one success' | 'one successor'
  succeeded(answer: Answer): boolean
  /** Gets a new value; answers its use, the same for everybody. */
  make(installation: Installation): Promise<Wire>
}

const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })

/** To be configured where assertions are used. */
export const signer = {
  client_id: 'signer',
  type: 'machine',
  client_name: 'Signs its assertions',
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES256',
  jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] }
}

/** A form at the token endpoint. */
export function tokenWire(
  caller: Caller,
  parameters: Record<string, string>,
  headers: Record<string, string> = {}
): Wire {
  return {
    method: 'POST',
    target: '/oauth/token',
    headers: Object.entries({ ...formHeaders(caller), ...headers }),
    body: formOf(caller, parameters)
  }
}

const answered200 = ({ status }: Answer) => status === 200
const hasCode = ({ headers }: Answer) =>
  URL.parse(headers['location'] ?? '')?.searchParams.has('code') ?? false

const cookiesOf = (browser: ReturnType<typeof createBrowser>): (readonly [string, string])[] => [
  ['cookie', [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')]
]

export const oneTimeValues: readonly OneTimeValue[] = [
  {
    name: 'authorization code',
    expects: 'one success',
    succeeded: answered200,
    async make({ requests }) {
      const { code, verifier } = await requests.code({ app: plain })
      return tokenWire(plain.caller, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: plain.redirectUri,
        code_verifier: verifier
      })
    }
  },
  {
    name: 'refresh token',
    expects: 'one successor',
    succeeded: answered200,
    async make({ requests }) {
      const { refresh_token } = await requests.tokens({ app: plain })
      return tokenWire(plain.caller, { grant_type: 'refresh_token', refresh_token })
    }
  },
  {
    name: 'device code',
    expects: 'one success',
    succeeded: answered200,
    async make({ requests, issuer }) {
      const { deviceCode, userCode } = await requestDeviceCode(requests)
      await approveDevice({ issuer }, userCode, requests.ada)
      return tokenWire(publicly('tv'), { grant_type: deviceGrantType, device_code: deviceCode })
    }
  },
  {
    name: 'pushed request',
    expects: 'one success',
    succeeded: hasCode,
    async make({ requests }) {
      // signed in: nothing but the request itself stands between anybody and a code
      await requests.code({ app: plain })
      const { url } = await requests.authorizationUrl({ app: plain })
      const pushed = await requests.post(
        '/oauth/par',
        plain.caller,
        Object.fromEntries(url.searchParams)
      )
      const query = new URLSearchParams({
        client_id: plain.clientId,
        request_uri: String(pushed.body['request_uri'])
      })
      return { target: `/authorize?${query}`, headers: cookiesOf(requests.ada) }
    }
  },
  {
    name: 'client assertion',
    expects: 'one success',
    succeeded: answered200,
    async make({ issuer }) {
      const now = Math.floor(Date.now() / 1000)
      const client_assertion = await new SignJWT({ jti: randomUUID(), iat: now, exp: now + 60 })
        .setIssuer('signer')
        .setSubject('signer')
        .setAudience(issuer)
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .sign(privateKey)
      return tokenWire(nobody, {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion
      })
    }
  },
  {
    name: 'DPoP proof',
    expects: 'one success',
    succeeded: answered200,
    async make({ issuer }) {
      const prover = await createProver()
      const DPoP = await prover.proof({ url: `${issuer}/oauth/token` })
      return tokenWire(basic('billing'), { grant_type: 'client_credentials' }, { DPoP })
    }
  },
  {
    name: 'interaction',
    expects: 'one success',
    succeeded: hasCode,
    async make({ requests, issuer }) {
      const browser = createBrowser({ origin: issuer })
      const extra = { prompt: 'consent' }
      const { url } = await requests.authorizationUrl({ app: web, extra })
      const login = await browser.follow(await browser.get(url))
      const consent = await browser.follow(await browser.submitForm(login, { ...person }))
      const { location } = await browser.submitForm(consent)
      if (location === undefined) throw new Error(`no way back from ${consent.heading}`)
      return { target: location.pathname + location.search, headers: cookiesOf(browser) }
    }
  }
]
