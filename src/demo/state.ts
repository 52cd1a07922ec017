// What the demo remembers of one browser, in that browser: a sealed cookie (AES-256-GCM), so that
// nothing is held in memory and a restart loses nothing. Refuses what it did not seal: a foreign,
// broken or outdated cookie is an empty state.

import {
  createCipheriv,
  createDecipheriv,
  hkdfSync,
  randomBytes,
  timingSafeEqual
} from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** One request of the demo to the outside, and what came back, as the page shows it. */
export interface Exchange {
  request: string
  status: string
}

/** What the last button did. */
export interface Outcome {
  title: string
  exchanges: Exchange[]
  /** JSON text of the last answer, shortened where it is long */
  body?: string
  problem?: string
}

export interface DemoState {
  /** stands in every form of the demo; a POST without it is refused */
  csrf: string
  /** a sign-in that has begun: what its end is checked against */
  pending?: { verifier: string; state: string; nonce: string }
  tokens?: { id: string; access: string; refresh?: string }
  outcome?: Outcome
  notice?: 'signed_out'
}

const cookieName = 'mintmark_demo'
/** A browser keeps 4096 bytes of a cookie, name and attributes included. */
const longestPiece = 3_800
const mostPieces = 3
const context = Buffer.from('mintmark demo cookie v1')

/**
 * Reads and writes the cookie of the demo.
 * @param options.key 32 bytes or more that stay the same over restarts
 * @param options.secure whether the demo is served over https
 */
export function createStateCookie(options: { key: Buffer; secure: boolean }) {
  if (options.key.length < 32) throw new TypeError('the key of the demo cookie needs 32 bytes')
  const key = Buffer.from(hkdfSync('sha256', options.key, '', context, 32))
  const attributes = `Path=/demo; HttpOnly; SameSite=Lax${options.secure ? '; Secure' : ''}`

  return {
    /** The state that this browser brings; undefined when it brings none, or none of ours. */
    read(cookieHeader: string | undefined): DemoState | undefined {
      const cookies = parseCookies(cookieHeader)
      let sealed = ''
      for (const name of pieceNames) sealed += cookies.get(name) ?? ''
      return open(key, sealed)
    },

    /**
     * The values of `Set-Cookie` that keep `state`, one piece after another, and drop the pieces
     * that are not needed.
     */
    write(state: DemoState): string[] {
      const sealed = seal(key, state)
      if (sealed.length > longestPiece * mostPieces) {
        throw new RangeError(`the demo state takes ${sealed.length} bytes, too many for cookies`)
      }
      return pieceNames.map((name, index) => {
        const piece = sealed.slice(index * longestPiece, (index + 1) * longestPiece)
        return `${name}=${piece}; ${attributes}${piece ? '' : '; Max-Age=0'}`
      })
    }
  }
}

/** The state of a browser that is new here. */
export function freshState(): DemoState {
  return { csrf: randomBytes(18).toString('base64url') }
}

/** Whether a form carries the state's token. */
export function hasCsrf(state: DemoState, form: unknown): boolean {
  const presented = (form as { csrf?: unknown } | null | undefined)?.csrf
  if (typeof presented !== 'string') return false
  const [a, b] = [Buffer.from(presented), Buffer.from(state.csrf)]
  return a.length === b.length && timingSafeEqual(a, b)
}

const pieceNames = Array.from({ length: mostPieces }, (_, index) =>
  index === 0 ? cookieName : `${cookieName}_${index + 1}`
)

function seal(key: Buffer, state: DemoState): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context)
  // Tokens are base64url, six bits in eight: packed they are a quarter shorter, and so one cookie
  // is enough.
  const packed = deflateRawSync(JSON.stringify(state))
  const sealed = Buffer.concat([cipher.update(packed), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')
}

function open(key: Buffer, sealed: string): DemoState | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length < 28) return undefined
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
    decipher.setAAD(context).setAuthTag(bytes.subarray(12, 28))
    const packed = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
    return JSON.parse(inflateRawSync(packed).toString())
  } catch {
    // not sealed by us, or with a key of before: whoever brings it starts anew
    return undefined
  }
}

function parseCookies(header = ''): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at > 0) cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim())
  }
  return cookies
}
