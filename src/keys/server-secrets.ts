// The server's symmetric secrets: 32 random bytes per purpose and version, sealed in the database,
// opened in memory. A key has one purpose, so that what one part computes means nothing to another.
// It refuses as a whole: a secret that does not open stops start, and leaves those before as they were.

import { randomBytes } from 'node:crypto'
import { auditStatement } from '../audit/record.ts'
import { Fault } from '../lib/fault.ts'
import type { SealContext, Sealer } from '../lib/seal.ts'
import type { ServerSecretRow, ServerSecretRows } from '../store/server-secrets.ts'
import { createFreshener } from './freshen.ts'

export type SecretPurpose =
  /** signs the engine's cookies */
  | 'cookie'
  /** derives the successor of a refresh token */
  | 'rotation'
  /** authenticates a refresh token, before any look into the database */
  | 'refresh_token_mac'
  /** hides user codes, which are short */
  | 'user_code'
  /** binds a form to its interaction */
  | 'csrf'
  /** pairwise subjects: a new version changes every `sub`, so there is never a second one */
  | 'pairwise'
  /** DPoP nonces (RFC 9449 §8) */
  | 'dpop_nonce'
  /** values inside the engine's short-lived rows */
  | 'artifact'

/** One version of a secret; `key` has 32 bytes. */
export interface VersionedSecret {
  version: number
  key: Buffer
}

export interface ServerSecrets {
  /**
   * Reads the table and opens its secrets; all or nothing. Calls run one after the other.
   * @throws Fault `seal_broken`, `store_unavailable`
   */
  load(): Promise<void>
  /**
   * Loads, makes a first version where a purpose has none in use, and loads again if it made any.
   * @throws Fault `seal_broken`, `store_unavailable`
   */
  ensure(purposes: readonly SecretPurpose[]): Promise<void>
  /**
   * The newest version in use: the one for new values.
   * @throws Fault `key_unavailable`
   */
  current(purpose: SecretPurpose): VersionedSecret
  /** Any version that still exists: for values that name the version they were made with. */
  byVersion(purpose: SecretPurpose, version: number): Buffer | undefined
  /**
   * Reads the table again because a version is not known: every process knows a version before any uses it, so one that is not in the
   * table then was never made by us, or is no longer worth anything.
   * @throws Fault `seal_broken`, `store_unavailable`
   */
  freshen(): Promise<void>
  /** The current one first, then the others, newest first; none when the purpose has none. */
  all(purpose: SecretPurpose): VersionedSecret[]
}

interface OpenedSecret extends VersionedSecret {
  purpose: string
  state: ServerSecretRow['state']
}

const keyBytes = 32

/** Makes an empty set; `load` or `ensure` fill it. */
export function createServerSecrets(deps: { rows: ServerSecretRows; seal: Sealer }): ServerSecrets {
  const { rows, seal } = deps
  let held: ReadonlyMap<string, readonly OpenedSecret[]> = new Map()
  let turn: Promise<void> = Promise.resolve()

  async function read(): Promise<void> {
    const opened = (await rows.list()).map(row => openSecret(seal, row))
    held = Map.groupBy(opened, secret => secret.purpose)
  }

  function load(): Promise<void> {
    const mine = turn.then(read)
    turn = mine.catch(() => {})
    return mine
  }

  // rows come newest first
  const versions = (purpose: SecretPurpose) => held.get(purpose) ?? []
  const findCurrent = (purpose: SecretPurpose) =>
    versions(purpose).find(secret => secret.state === 'active')

  async function make(purpose: SecretPurpose): Promise<void> {
    const version = (versions(purpose)[0]?.version ?? 0) + 1
    const sealed = generateSecret(seal, purpose, version)
    const data = { purpose, version }
    await rows.insertActive({ purpose, version, sealed }, [
      auditStatement({ type: 'server_secret.created', data }),
      auditStatement({ type: 'server_secret.activated', data })
    ])
  }

  return {
    load,
    freshen: createFreshener(load),

    async ensure(purposes) {
      await load()
      const missing = [...new Set(purposes)].filter(purpose => findCurrent(purpose) === undefined)
      if (missing.length === 0) return
      await Promise.all(missing.map(make))
      // what another process stored first is what counts: its bytes, not ours
      await load()
    },

    current(purpose) {
      const secret = findCurrent(purpose)
      if (secret !== undefined) return only(secret)
      throw new Fault('key_unavailable', `No secret for the purpose ${purpose} is in use.`)
    },

    byVersion(purpose, version) {
      return versions(purpose).find(secret => secret.version === version)?.key
    },

    all(purpose) {
      const current = findCurrent(purpose)
      const others = versions(purpose).filter(secret => secret !== current)
      return [...(current === undefined ? [] : [current]), ...others].map(only)
    }
  }
}

/** The versions of one purpose. */
export interface Versions {
  current(): VersionedSecret
  byVersion(version: number): Buffer | undefined
  all(): VersionedSecret[]
}

/**
 * Versions as they stand in a byte. After the 255th they begin anew: of two that share a byte, the older one is long gone, since far fewer
 * than that are kept at once (config/rules-server.ts).
 */
export function versionsInAByte(versions: Versions): Versions {
  const byte = (version: number) => version % 256
  return {
    current() {
      const { version, key } = versions.current()
      return { version: byte(version), key }
    },
    byVersion: version => versions.all().find(each => byte(each.version) === version)?.key,
    all: () => versions.all().map(({ version, key }) => ({ version: byte(version), key }))
  }
}

/** The secrets of one purpose, as its users want them: all their versions, the keys alone, or what names their state. */
export function secretsByPurpose(secrets: Pick<ServerSecrets, 'current' | 'byVersion' | 'all'>) {
  return {
    versioned: (purpose: SecretPurpose): Versions => ({
      current: () => secrets.current(purpose),
      byVersion: version => secrets.byVersion(purpose, version),
      all: () => secrets.all(purpose)
    }),
    keysOf: (purpose: SecretPurpose) => secrets.all(purpose).map(({ key }) => key),
    stateOf: (purpose: SecretPurpose) =>
      secrets.all(purpose).map(({ version }) => `${purpose}:${version}`)
  }
}

/** A new version of a secret, sealed for its row. */
export function generateSecret(seal: Sealer, purpose: string, version: number): Buffer {
  return seal.seal(randomBytes(keyBytes), context(purpose, version))
}

function openSecret(seal: Sealer, { purpose, version, state, sealed }: ServerSecretRow) {
  const key = seal.open(sealed, context(purpose, version))
  if (key.length === keyBytes) return { purpose, version, state, key }
  throw new Fault(
    'seal_broken',
    `The server secret ${purpose}:${version} has ${key.length} bytes and not ${keyBytes}.`
  )
}

function context(purpose: string, version: number): SealContext {
  return { table: 'server_secrets', column: 'sealed', key: `${purpose}:${version}` }
}

function only({ version, key }: OpenedSecret): VersionedSecret {
  return { version, key }
}
