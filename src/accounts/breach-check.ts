// Whether a password is known from a theft at another site: asked by the range API that Have I Been Pwned made (k-anonymity). Five hexadecimal
// digits of its SHA-1 leave this server, some hundred digests come back, and padded, so that their number tells nothing. Off unless
// configured. Who does not answer in time refuses nobody: the password is taken, and that is counted.

import { createHash } from 'node:crypto'
import type { Outbound } from '../lib/outbound.ts'
import type { PreparedPassword } from './prepared-password.ts'

export type BreachAnswer = 'known' | 'unknown' | 'no_answer'

export type BreachCheck = (password: PreparedPassword) => Promise<BreachAnswer>

/** A padded answer has about a thousand lines of 40 bytes. */
const mostBytes = 256 * 1024

export function createBreachCheck({
  url,
  outbound,
  count
}: {
  /** the digits are put behind it: `https://api.pwnedpasswords.com/range/` */
  url: string
  outbound: Pick<Outbound, 'send'>
  count(answer: BreachAnswer): void
}): BreachCheck {
  const base = url.endsWith('/') ? url : `${url}/`

  async function ask(password: PreparedPassword): Promise<BreachAnswer> {
    const digest = createHash('sha1').update(password).digest('hex').toUpperCase()
    const [prefix, rest] = [digest.slice(0, 5), digest.slice(5)]
    const headers = { 'add-padding': 'true' }
    try {
      const { status, body } = await outbound.send(base + prefix, { headers, maxBytes: mostBytes })
      if (status !== 200) return 'no_answer'
      // a padding line counts zero times
      const line = body
        .toString('latin1')
        .split('\n')
        .map(text => text.trim().toUpperCase())
        .find(text => text.startsWith(`${rest}:`))
      return line !== undefined && Number(line.slice(rest.length + 1)) > 0 ? 'known' : 'unknown'
    } catch {
      return 'no_answer'
    }
  }

  return async password => {
    const answer = await ask(password)
    count(answer)
    return answer
  }
}
