// Requests from a seed: the same seed sends the same bytes, so that a failure can be sent again. Combines what corpus.ts throws one at a
// time: a sound request, some parameters made odd, some headers, now and then another method, a mutation of bytes.

import { oddMethods, oddValues, parameterNames } from './corpus.ts'
import { basic, type Endpoint, form, json } from './endpoints.ts'
import type { Wire } from './wire.ts'

export interface Random {
  /** an integer from 0 to `below` - 1 */
  below(below: number): number
  one<T>(of: readonly T[]): T
  chance(oneIn: number): boolean
}

/** mulberry32: small, and good enough to choose inputs. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (limit: number) => next() % limit
  return {
    below,
    one: of => of[below(of.length)] as (typeof of)[number],
    chance: oneIn => below(oneIn) === 0
  }
}

const grantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code',
  'urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange'
]
const clients = ['web', 'other-web', 'spa', 'tv', 'billing', 'api-server', 'orders', 'nobody']
const types = [
  form[1],
  json[1],
  'text/plain',
  'multipart/form-data; boundary=x',
  '',
  ';',
  form[1].toUpperCase()
]

function oddParameters(random: Random, sound: string): string {
  const pairs = sound.split('&').filter(() => !random.chance(5))
  for (let count = random.below(5); count > 0; count--) {
    const name = random.chance(8) ? random.one(oddValues) : random.one(parameterNames)
    pairs.push(`${name}=${random.one(oddValues)}`)
  }
  if (random.chance(2)) pairs.push(`grant_type=${random.one(grantTypes)}`)
  if (random.chance(4)) pairs.push(`client_id=${random.one(clients)}`)
  if (random.chance(10)) pairs.push(...pairs)
  return pairs.join('&')
}

/** Some bytes of it lost, doubled or changed. */
function mutate(random: Random, text: string): Buffer {
  const bytes = Buffer.from(text)
  for (let count = random.below(4); count > 0 && bytes.length > 0; count--) {
    bytes[random.below(bytes.length)] = random.below(256)
  }
  return random.chance(3)
    ? Buffer.concat([bytes, bytes.subarray(random.below(bytes.length + 1))])
    : bytes
}

/** The next request. `more`: headers that some of the requests carry, such as the cookies of a sign-in that has begun. */
export function nextRequest(
  random: Random,
  table: readonly Endpoint[],
  more: readonly (readonly [string, string])[]
): { endpoint: Endpoint; wire: Wire } {
  const endpoint = random.one(table)
  const { sound } = endpoint
  const [path = '', query = ''] = sound.target.split('?')
  const headers = (sound.headers ?? []).filter(
    ([name]) => name !== 'authorization' || !random.chance(4)
  )
  if (random.chance(3)) headers.push(...more)
  if (random.chance(6)) headers.push(basic(random.one(clients)))
  if (random.chance(8)) headers.push(['dpop', random.one(['a.b.c', '', 'eyJ9.e30.x'])])
  if (random.chance(8))
    headers.push(['origin', random.one(['null', 'https://spa.example.com', '"'])])
  if (random.chance(8)) headers.push(['accept-language', random.one(['ko', 'x;q=', ',,,'])])
  if (random.chance(8)) headers.push(['accept', random.one(['text/html', '*/*', ';'])])
  const takesBody = sound.body !== undefined
  if (takesBody && random.chance(6)) {
    const at = headers.findIndex(([name]) => name === 'content-type')
    if (at >= 0) headers[at] = ['content-type', random.one(types)]
  }
  const parameters = oddParameters(random, takesBody ? String(sound.body) : query)
  const target = takesBody ? path : `${path}?${parameters.replaceAll(' ', '+')}`
  const method = random.chance(12) ? random.one(oddMethods) : (sound.method ?? 'GET')
  const body = random.chance(3) ? mutate(random, parameters) : parameters
  return {
    endpoint,
    wire: {
      method,
      target,
      headers,
      ...(takesBody ? { body } : {}),
      ...(takesBody && random.chance(6) ? { chunked: true as const } : {})
    }
  }
}
