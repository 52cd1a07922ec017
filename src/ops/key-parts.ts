// The keys with their schedule, as server and command line use them. Opened by nothing but the master key that is handed in; nothing is
// read or made here.

import type { Config } from '../config/schema.ts'
import { createKeyRing, type KeyRing } from '../keys/key-ring.ts'
import { createResealer, type Resealer } from '../keys/reseal.ts'
import { createSecretRotation, type SecretRotation, secretLives } from '../keys/secret-rotation.ts'
import { createServerSecrets, type ServerSecrets } from '../keys/server-secrets.ts'
import { createSigningKeyRotation, type SigningKeyRotation } from '../keys/signing-key-rotation.ts'
import { keyTimes } from '../keys/wanted.ts'
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
