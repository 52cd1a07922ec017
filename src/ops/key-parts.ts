// The keys with their schedule, as server and command line use them. Opened by nothing but the master key that is handed in; what
// is missing is made by `composeKeys` alone.

import { identityAlgorithms } from '../clients/jose-members.ts'
import type { Config } from '../config/schema.ts'
import { createKeyRing, type KeyRing, type WantedKey } from '../keys/key-ring.ts'
import { createResealer, type Resealer } from '../keys/reseal.ts'
import { createSecretRotation, type SecretRotation, secretLives } from '../keys/secret-rotation.ts'
import {
  createServerSecrets,
  type SecretPurpose,
  type ServerSecrets
} from '../keys/server-secrets.ts'
import { createSigningKeyRotation, type SigningKeyRotation } from '../keys/signing-key-rotation.ts'
import { keyTimes, wantedKeys } from '../keys/wanted.ts'
import { createSealer, type RotatingSealer } from '../lib/seal.ts'
import type { Database } from '../store/database.ts'
import { createServerSecretRows } from '../store/server-secrets.ts'
import { createSigningKeyRows } from '../store/signing-keys.ts'

export interface KeyParts {
  seal: RotatingSealer
  ring: KeyRing
  secrets: ServerSecrets
  signing: SigningKeyRotation
  secretRotation: SecretRotation
  resealer: Resealer
}

/** Nothing is read or made yet. */
export function composeKeyParts(database: Database, config: Config, masterKey: Buffer): KeyParts {
  const seal = createSealer({ masterKey, previous: config.previousMasterKeys })
  const ring = createKeyRing({ rows: createSigningKeyRows({ sql: database }), seal })
  const secrets = createServerSecrets({ rows: createServerSecretRows({ sql: database }), seal })
  const times = keyTimes(config)
  return {
    seal,
    ring,
    secrets,
    signing: createSigningKeyRotation({ database, ring, seal, times }),
    secretRotation: createSecretRotation({
      database,
      secrets,
      seal,
      times,
      lives: secretLives(config)
    }),
    resealer: createResealer({ sql: database, seal })
  }
}

const secretPurposes: readonly SecretPurpose[] = [
  'cookie',
  'rotation',
  'refresh_token_mac',
  'user_code',
  'csrf',
  'dpop_nonce',
  'pairwise',
  'artifact'
]

export interface Keys extends KeyParts {
  /** what this configuration signs with */
  wanted: readonly WantedKey[]
}

/** Opens the sealed keys, makes those that are missing. @throws Fault `seal_broken` */
export async function composeKeys(
  database: Database,
  config: Config,
  masterKey: Buffer
): Promise<Keys> {
  const parts = composeKeyParts(database, config, masterKey)
  const wanted = wantedKeys(config, identityAlgorithms)
  await Promise.all([parts.ring.ensure(wanted), parts.secrets.ensure(secretPurposes)])
  await parts.signing.noteWanted(wanted)
  await parts.secretRotation.noteLives()
  return { ...parts, wanted }
}
