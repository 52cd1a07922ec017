// Access tokens as the engine's models: never stored, a JWT is verified and made to look like a row. Revoking one writes its `jti` to the
// deny-list, and nothing else.

import { type AdapterPayload, Provider } from 'oidc-provider'
import type { GrantStore, Payload } from '../store/grants.ts'
import type { AccessTokens } from './access-tokens.ts'
import { noteEvidence, type UnitOfWork } from './unit-of-work.ts'

export interface AccessTokenAdapterDependencies {
  issuer: string
  accessTokens: AccessTokens
  grants: Pick<GrantStore, 'denyStatement'>
  now: () => Date
}

export interface AccessTokenAdapter {
  /** `kind` is the engine's name of a person's or of a machine's token; the other one is not found. */
  find(unit: UnitOfWork, kind: string, value: string): Promise<AdapterPayload | undefined>
  deny(unit: UnitOfWork, value: string): Promise<void>
}

export function createAccessTokenAdapter(deps: AccessTokenAdapterDependencies): AccessTokenAdapter {
  const { grants } = deps
  const epoch = () => Math.floor(deps.now().getTime() / 1000)

  /** The engine asks several models about one token: it is verified, and its state read, once a request. */
  function verifyOnce(current: UnitOfWork, jwt: string): ReturnType<AccessTokens['verify']> {
    const key = `jwt:${jwt}`
    const verifying = (current.written.get(key) ??
      deps.accessTokens.verify(current, jwt)) as ReturnType<AccessTokens['verify']>
    current.written.set(key, verifying)
    return verifying
  }

  async function find(current: UnitOfWork, kind: string, value: string) {
    const atUserinfo = Provider.ctx?.oidc?.route === 'userinfo'
    const jwt = atUserinfo ? value : jwtBehind(current, value)
    if (jwt === undefined) return undefined
    const verified = await verifyOnce(current, jwt)
    if (verified === undefined || verified.kind !== kind) return undefined
    const payload: Payload = { ...verified.payload, jti: value }
    // Introspection tells the token's own jti and not the handle, and who a machine's token is for (RFC 9068 §2.2); revocation goes by
    // the handle.
    if (Provider.ctx?.oidc?.route === 'introspection') {
      payload['jti'] = verified.payload['jti']
      payload['extra'] =
        kind === 'ClientCredentials'
          ? { sub: payload['clientId'] }
          : { ...(payload['extra'] as object | undefined), ...verified.authentication }
    }
    if (!atUserinfo) return payload as AdapterPayload
    // userinfo accepts the issuer's own audience only
    if (verified.audience !== deps.issuer) return undefined
    delete payload['aud']
    return payload as AdapterPayload
  }

  function jwtBehind(current: UnitOfWork, value: string): string | undefined {
    return current.tokenHandle?.handle === value ? current.tokenHandle.jwt : undefined
  }

  async function deny(current: UnitOfWork, value: string) {
    const jwt = jwtBehind(current, value)
    const verified = jwt === undefined ? undefined : await verifyOnce(current, jwt)
    if (verified === undefined) return
    const jti = String(verified.payload['jti'])
    const keep = Number(verified.payload['exp']) - epoch() + 60
    current.evidence.push(grants.denyStatement(jti, keep))
    noteEvidence(current, {
      type: 'token.revoked',
      clientId: String(verified.payload['clientId']),
      data: { kind: 'access_token', jti }
    })
  }

  return { find, deny }
}
