// What a session id is good for: it names the session's row by a digest, and opens it with a key that is derived from it (AES-256-GCM, RFC
// 5869). The id is in the browser's cookie and nowhere else, so a copy of the store opens nothing.

import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

/** 256 bits, in base64url. */
export const newSessionId = () => randomBytes(32).toString('base64url')

/** Whether a cookie's value can be a session id at all. */
export const isSessionId = (value: string) => /^[\w-]{43}$/.test(value)

/** The name of a session's row. */
export function keyOf(id: string): string {
  return digest('session', id)
}

/** SHA-256 in base64url, of a value of one kind. */
export function digest(kind: string, value: string): string {
  return createHash('sha256').update(`browser session ${kind} v1\n${value}`).digest('base64url')
}

/** Seals a value for whoever has the id. */
export function seal(id: string, value: unknown): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', sealingKey(id), nonce).setAAD(Buffer.from(keyOf(id)))
  const sealed = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')
}

/** undefined: it was not sealed with this id, or was changed since. */
export function open(id: string, sealed: string): unknown {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length < 28) return undefined
  const key = sealingKey(id)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), {
    authTagLength: 16
  })
  decipher.setAAD(Buffer.from(keyOf(id))).setAuthTag(bytes.subarray(12, 28))
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
    return JSON.parse(text.toString())
  } catch {
    return undefined
  }
}

function sealingKey(id: string): Buffer {
  return Buffer.from(hkdfSync('sha256', id, '', 'browser session seal v1', 32))
}
