// Refresh tokens as the engine sees them: an adapter whose rows are families. Only the refresh grant sees a token that was spent a moment
// ago as unspent; introspection and revocation never do.

import { randomBytes, randomUUID } from 'node:crypto'
import {
  type AuthenticRefreshToken,
  issueRefreshToken,
  judgeRefreshToken,
  macKeyVersionOf,
  parseRefreshToken,
  refreshTokenHash,
  successorOf,
  type Verdict,
  type VersionedKeys
} from '../grants/refresh-token.ts'
import { Fault } from '../lib/fault.ts'
import type { Payload } from '../store/grants.ts'
import type { FamilyRow, RefreshFamilyStore } from '../store/refresh-families.ts'
import { noteEffect, noteEvidence, type UnitOfWork } from './unit-of-work.ts'

// Facts of the engine (9.13.3) that this depends on, each held by test/protocol/engine-facts.test.ts:
// - at rotation it calls consume(old), then sets the entity RotatedRefreshToken, then saves the successor, whose id it asks of
//   RefreshToken.prototype.generateTokenId (grants/refresh_token.js);
// - it looks at expiry before it looks at `consumed`, so reuse is given to it with an expiry that lies ahead;
// - client, certificate and DPoP key are checked before `consumed`: another client's or another key's request leaves the family alone.

const daySeconds = 86_400

/** Generations in a row that a second address may be answered inside the leeway, before it is taken for a thief's. */
const secondAddressLimit = 3

export interface RefreshTokenLifetimes {
  leewaySeconds: number
  publicLeewaySeconds: number
  idleSeconds: number
  absoluteSeconds: number
}

/** What the adapter needs to know of the request that it serves. */
export interface RefreshRequest {
  purpose: 'redeem' | 'revoke' | 'introspect'
  clientId: string
  publicClient: boolean
}

export interface RefreshTokens {
  find(unit: UnitOfWork, value: string, request: RefreshRequest): Promise<Payload | undefined>
  /** Called by the engine when it needs an id: the successor of the redeemed token, or a new family's first token. */
  generate(unit: UnitOfWork | undefined): string
  save(unit: UnitOfWork, value: string, payload: Payload): void
  /**
   * For a client whose tokens are not rotated: the token of this request stays the current one, and is in use from now on. Answers false
   * for one that was replaced before the client's tokens were kept: it is answered its successor, as any other.
   */
  keep(unit: UnitOfWork): boolean
  revoke(unit: UnitOfWork, value: string): void
}

/** Bound to a key (RFC 9449 §5, RFC 8705 §4): a copy of the token alone is of no use. */
export function isBound(payload: Payload): boolean {
  return payload['jkt'] !== undefined || payload['x5t#S256'] !== undefined
}

export function createRefreshTokens(deps: {
  families: RefreshFamilyStore
  rotationKeys: VersionedKeys
  macKeys: VersionedKeys
  /** reads the keys again: one that is not known may be younger than what this process has heard */
  freshenKeys(): Promise<void>
  lifetimes: RefreshTokenLifetimes
  /** raised, outside the database, when a backup of it is restored */
  restoreEpoch: number
  now: () => Date
}): RefreshTokens {
  const { families, rotationKeys, macKeys, lifetimes, restoreEpoch } = deps
  const epoch = () => Math.floor(deps.now().getTime() / 1000)

  /** Whoever has the token can redeem it: nothing else is asked for. */
  function isBearer(request: Pick<RefreshRequest, 'publicClient'>, payload: Payload): boolean {
    return request.publicClient && !isBound(payload)
  }

  function leewayOf(request: Pick<RefreshRequest, 'publicClient'>, payload: Payload): number {
    return isBearer(request, payload) ? lifetimes.publicLeewaySeconds : lifetimes.leewaySeconds
  }

  /** What the token is worth to this request: its age is not all there is. */
  function judge(
    unit: UnitOfWork,
    token: AuthenticRefreshToken,
    row: FamilyRow,
    request: RefreshRequest
  ) {
    const verdict = judgeRefreshToken(token, row, leewayOf(request, row.payload))
    const { address } = unit.request
    const elsewhere =
      address !== undefined && row.redeemedBy !== undefined && row.redeemedBy !== address
    if (verdict !== 'leeway' || !elsewhere) return { verdict, elsewhere: false }
    // One client's tabs come from one address, most of the time. A copy of a bearer token that is always a moment behind does not.
    const streak = row.secondAddressStreak + (row.secondAddressCounted ? 0 : 1)
    const thief = isBearer(request, row.payload) && streak >= secondAddressLimit
    return { verdict: thief ? ('reuse' as const) : verdict, elsewhere }
  }

  function rotationKeyOf(row: FamilyRow, verdict: Verdict): Buffer | undefined {
    const version = verdict === 'leeway' ? row.previousKeyVersion : row.successorKeyVersion
    return version === undefined ? undefined : rotationKeys.byVersion(version)
  }

  return {
    async find(unit, value, request) {
      const macKeyVersion = macKeyVersionOf(value)
      if (macKeyVersion !== undefined && macKeys.byVersion(macKeyVersion) === undefined) {
        await deps.freshenKeys()
      }
      const token = parseRefreshToken(value, macKeys)
      if (token === undefined) return undefined
      const found = await families.find(token)
      if (found === undefined) return undefined
      const { row, grant } = found
      unit.grants.set(row.grantId, grant)

      const live = !row.revoked && row.remainingSeconds > 0 && grant !== undefined
      const exp = epoch() + Math.ceil(row.remainingSeconds)
      const payload = { ...row.payload, jti: value, kind: 'RefreshToken', exp }
      if (request.purpose === 'introspect') {
        // RFC 7662 §2.2: only what could still be redeemed is active
        const current = judgeRefreshToken(token, row, 0) === 'current'
        return current && live ? payload : undefined
      }
      if (request.purpose === 'revoke') {
        // RFC 7009 §2.1: a client that gives up its token means the authorization. A spent token stands for its family: the client may
        // never have seen the successor, because a rotation was faster or its answer got lost.
        return row.revoked ? undefined : { ...payload, exp: epoch() + daySeconds }
      }

      const { verdict, elsewhere } = judge(unit, token, row, request)
      unit.refreshToken = { token, row, verdict, successor: undefined }
      // the engine asks for the successor without waiting, so its key is fetched now
      if (rotationKeyOf(row, verdict) === undefined) await deps.freshenKeys()
      if (row.clientId !== request.clientId) {
        // Refused by the engine, which compares as well; the family is untouched, whatever the token is worth.
        noteEvidence(unit, {
          type: 'refresh.client_mismatch',
          clientId: request.clientId,
          accountId: grant?.accountId,
          data: { familyId: row.id, generation: token.generation, reason: 'another client' }
        })
        return payload
      }
      switch (verdict) {
        case 'current':
          return live ? payload : undefined
        case 'leeway':
          // the row counts every one; what is worth a look is another address
          if (live && elsewhere) {
            noteEffect(unit, {
              type: 'refresh.leeway_answered',
              clientId: row.clientId,
              accountId: grant.accountId,
              data: {
                familyId: row.id,
                generation: token.generation,
                firstAddress: row.redeemedBy
              }
            })
          }
          return live ? payload : undefined
        case 'stale':
          noteEvidence(unit, {
            type: 'refresh.refused_stale',
            clientId: row.clientId,
            accountId: grant?.accountId,
            data: { familyId: row.id, generation: token.generation }
          })
          return undefined
        case 'ahead':
        case 'reuse':
          // RFC 9700 §4.14.2: "the authorization server will revoke the active refresh token". The engine does, once client and key
          // have been checked; expiry must not come first.
          if (row.revoked || grant === undefined) return undefined
          return { ...payload, consumed: epoch(), exp: epoch() + daySeconds }
      }
    },

    generate(unit) {
      const judged = unit?.refreshToken
      if (judged === undefined) {
        const bucket = Math.floor((epoch() + lifetimes.absoluteSeconds) / daySeconds)
        return issueRefreshToken({ bucket, id: randomUUID() }, macKeys)
      }
      const { token, row, verdict } = judged
      const salt = verdict === 'leeway' ? row.previousSalt : row.successorSalt
      const key = rotationKeyOf(row, verdict)
      if (salt === undefined || key === undefined) {
        throw new Fault('key_unavailable', 'The key of a refresh token family is not there.')
      }
      judged.successor = successorOf(token, { rotationKey: key, salt, restoreEpoch }, macKeys)
      return judged.successor
    },

    save(unit, value, payload) {
      const { jti: _, exp: __, ...stored } = payload
      const text = (member: string) =>
        typeof stored[member] === 'string' ? (stored[member] as string) : undefined
      const common = {
        payload: stored,
        jkt: text('jkt'),
        certificate: text('x5t#S256'),
        idleSeconds: lifetimes.idleSeconds
      }
      const judged = unit.refreshToken
      if (judged !== undefined && judged.successor === value) {
        const publicClient = unit.publicClient
        unit.effects.push(
          families.rotateStatement({
            ...common,
            bucket: judged.token.bucket,
            id: judged.token.id,
            presentedHash: refreshTokenHash(judged.token.value),
            newHash: refreshTokenHash(value),
            newSalt: randomBytes(32),
            newKeyVersion: rotationKeys.current().version,
            leewaySeconds: leewayOf({ publicClient }, judged.row.payload),
            address: unit.request.address
          })
        )
        return
      }
      const token = parseRefreshToken(value, macKeys)
      const grantId = text('grantId')
      const accountId = text('accountId')
      const clientId = text('clientId')
      if (
        token === undefined ||
        grantId === undefined ||
        accountId === undefined ||
        clientId === undefined
      ) {
        throw new Fault(
          'internal',
          'A refresh token without grant, account or client cannot be saved.'
        )
      }
      unit.effects.push(
        families.insertStatement({
          ...common,
          bucket: token.bucket,
          id: token.id,
          grantId,
          accountId,
          clientId,
          sessionUid: text('sessionUid'),
          currentHash: refreshTokenHash(value),
          successorSalt: randomBytes(32),
          successorKeyVersion: rotationKeys.current().version,
          // a grant whose person chose an end takes its tokens along
          absoluteSeconds: Math.min(
            lifetimes.absoluteSeconds,
            unit.grants.get(grantId)?.remainingSeconds ?? lifetimes.absoluteSeconds
          )
        })
      )
    },

    keep(unit) {
      const judged = unit.refreshToken
      if (judged?.verdict !== 'current') return false
      const { bucket, id, value } = judged.token
      const presentedHash = refreshTokenHash(value)
      const { idleSeconds } = lifetimes
      unit.effects.push(families.keepStatement({ bucket, id, presentedHash, idleSeconds }))
      return true
    },

    revoke(unit, value) {
      const token = parseRefreshToken(value, macKeys)
      const key = `revoked family:${token?.id}`
      if (token === undefined || unit.written.has(key)) return
      unit.written.set(key, true)
      unit.evidence.push(families.revokeStatement(token))
      const judged = unit.refreshToken
      if (judged?.verdict === 'reuse' || judged?.verdict === 'ahead') {
        noteEvidence(unit, {
          type: 'refresh.reuse_detected',
          clientId: judged.row.clientId,
          accountId: unit.grants.get(judged.row.grantId)?.accountId,
          data: {
            familyId: judged.row.id,
            generation: token.generation,
            currentGeneration: judged.row.generation,
            ...(judged.verdict === 'ahead' ? { reason: 'newer than the database' } : {})
          }
        })
      }
    }
  }
}
