// JWTs from a seed: a genuine one with some of it changed, signed by the right key or not. Each change is known to be harmless, to spoil it, or to be
// neither for certain, so that what is believed can be compared with what may be.

import { signedBy } from './forgeries.ts'
import type { Random } from './fuzz.ts'
import type { Kind } from './jwt-kinds.ts'

/** `good` must be believed, `bad` must not; of `any` nothing is said but that it is answered in words. */
export type Verdict = 'good' | 'bad' | 'any'

interface Parts {
  header: Record<string, unknown>
  claims: Record<string, unknown>
  /** the texts that are signed, and the token, changed */
  texts: { header(json: string): string; claims(json: string): string }
  token(jwt: string): string
}

type Change = (parts: Parts, random: Random) => void

const oddJson: readonly unknown[] = [
  ...[null, true, 0, -1, 1e308, 2 ** 53, '', 'x', '\u0000', '\ud800', '__proto__', [], {}],
  ...[[[[]]], { __proto__: null }, 'x'.repeat(2000), 'https://127.0.0.1:1/', '../../x', "' OR 1=1"]
]

const one = (random: Random, of: Record<string, unknown>) => random.one(Object.keys(of)) ?? 'x'

function changeText(parts: Parts, which: 'header' | 'claims', change: (json: string) => string) {
  const before = parts.texts[which]
  parts.texts[which] = json => change(before(json))
}

function changeToken(parts: Parts, change: (jwt: string) => string) {
  const before = parts.token
  parts.token = jwt => change(before(jwt))
}

function setMember(of: 'header' | 'claims', name: string | undefined, value: unknown): Change {
  return (parts, random) => {
    const members = parts[of]
    members[name ?? one(random, members)] = value ?? random.one(oddJson)
  }
}

const harmless: readonly Change[] = [
  (parts, random) => setMember('claims', `x-${random.below(9)}`, random.below(1e6))(parts, random),
  (parts, random) => setMember('claims', 'x', { a: [random.below(9)] })(parts, random),
  parts => changeText(parts, 'claims', json => ` ${json.replace(':', ' : ')}\r\n`),
  parts => changeText(parts, 'header', json => `${json}\n`)
]

/** One of these is enough; two might undo each other. */
const spoiling: readonly Change[] = [
  parts => changeText(parts, 'claims', json => json.replace(/^(\s*\{)("[^"]+")/, '$1$2:1,$2')),
  parts => changeText(parts, 'claims', json => `\ufeff${json}`),
  parts => changeText(parts, 'claims', json => json.trimEnd().slice(0, -1)),
  parts => changeText(parts, 'claims', json => `[${json}]`),
  (parts, random) =>
    setMember('header', 'crit', [random.one(['exp', 'b64', 'x', ''])])(parts, random),
  (parts, random) =>
    setMember('header', 'alg', random.one(['none', 'HS384', 'x', 'RS1', '']))(parts, random),
  parts => changeToken(parts, jwt => `${jwt}=`),
  parts => changeToken(parts, jwt => `${jwt}.`),
  parts => changeToken(parts, jwt => jwt.slice(0, jwt.lastIndexOf('.'))),
  parts => changeToken(parts, jwt => `${jwt.slice(0, jwt.lastIndexOf('.'))}.AAAA`),
  (parts, random) =>
    changeToken(parts, jwt => {
      const at = jwt.lastIndexOf('.') + 1 + random.below(20)
      return `${jwt.slice(0, at)}${jwt[at] === 'A' ? 'B' : 'A'}${jwt.slice(at + 1)}`
    })
]

const doubtful: readonly Change[] = [
  setMember('claims', undefined, undefined),
  setMember('header', undefined, undefined),
  setMember('header', 'typ', undefined),
  ({ claims }, random) => void delete claims[one(random, claims)],
  ({ header }, random) => void delete header[one(random, header)],
  (parts, random) =>
    setMember('header', random.one(['jku', 'x5c', 'zip', 'b64']), 'x')(parts, random)
]

/** The next one of a kind. */
export function nextJwt(random: Random, kind: Kind): { jwt: string; verdict: Verdict } {
  const parts: Parts = {
    header: { ...kind.header },
    claims: kind.claims(),
    texts: { header: json => json, claims: json => json },
    token: jwt => jwt
  }
  const verdict = random.one(['good', 'bad', 'bad', 'any', 'any'] as const)
  const chosen: Change[] = [random.one(harmless)]
  if (verdict === 'bad') chosen.push(random.one(spoiling))
  if (verdict === 'any') chosen.push(random.one(doubtful), random.one([...doubtful, ...spoiling]))
  for (const change of chosen) change(parts, random)
  const { header, claims, texts, token } = parts
  const jwt = signedBy(kind, {
    header: texts.header(JSON.stringify(header)),
    payload: texts.claims(JSON.stringify(claims))
  })
  return { jwt: token(jwt), verdict }
}
