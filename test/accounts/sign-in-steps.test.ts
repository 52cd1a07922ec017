// What a sign-in still lacks, for every first step, every set of factors and every demand: local policy applies whatever proved who it is
// (check 181), and nobody is called signed in who lacks what is demanded. The rule is written down twice: here as what must be true.

import t from 'tap'
import {
  createSignInSteps,
  type FactorKind,
  type SecondFactor,
  type SignInDemand
} from '../../src/accounts/sign-in-steps.ts'

const pending = { find: async () => undefined, save: async () => {}, drop: async () => {} }

/** Ways to begin: a password, an upstream provider, a link in a mail, nothing that RFC 8176 names; and a passkey, which is two factors. */
const firsts = [['pwd'], ['fed'], ['sms'], [], ['hwk', 'user', 'mfa']]
const sets: FactorKind[][] = [
  [],
  ['totp'],
  ['passkey'],
  ['recovery_code'],
  ['totp', 'recovery_code'],
  ['passkey', 'totp', 'recovery_code']
]
const brings: Record<FactorKind, string[]> = {
  totp: ['otp', 'mfa'],
  recovery_code: ['otp', 'mfa'],
  passkey: ['swk', 'user', 'mfa']
}
const demands = [
  {},
  { secondFactor: 'required' as const },
  { levels: [['mfa']] },
  { levels: [['pwd']] },
  { levels: [['otp'], ['swk']] },
  { levels: [['never']] },
  // the passkeys here are synced ones
  { levels: [['hwk']] },
  { levels: [['never']], secondFactor: 'required' as const }
]

const stepsOf = (kinds: FactorKind[], secondFactor: 'optional' | 'required' = 'optional') =>
  createSignInSteps({
    pending,
    factors: kinds.map(
      (kind): SecondFactor => ({
        kind,
        enrolled: async () => true,
        methods: async () => [brings[kind]]
      })
    ),
    enrollable: ['totp'],
    secondFactor
  })

/** Whether somebody gets in who proves, or adds, what they are asked for first each time. */
async function ends(
  had: readonly FactorKind[],
  first: readonly string[],
  demand: SignInDemand,
  operator: 'optional' | 'required'
): Promise<boolean> {
  let kinds = [...had]
  let amr = [...first]
  for (let turn = 0; turn < 4; turn++) {
    const missing = await stepsOf(kinds, operator).missing({ accountId: 'a', amr }, demand)
    if (missing === 'nothing') return true
    const next = missing.kinds[0] ?? missing.enrol[0]
    if (next === undefined) return false
    if (missing.kinds.length === 0) kinds = [...kinds, next]
    amr = [...amr, ...brings[next]]
  }
  return false
}

t.test('local policy applies whatever the first step was (check 181, R-50)', async t => {
  let cases = 0
  for (const operator of ['optional', 'required'] as const) {
    for (const kinds of sets) {
      for (const amr of firsts) {
        for (const demand of demands) {
          cases++
          const about = JSON.stringify({ operator, kinds, amr, demand })
          const steps = stepsOf(kinds, operator)
          const missing = await steps.missing({ accountId: 'a', amr }, demand)
          const own = kinds.filter(kind => kind !== 'recovery_code')
          const required = operator === 'required' || demand.secondFactor === 'required'
          if (missing === 'nothing') {
            if (!amr.includes('mfa') && (own.length > 0 || required)) t.fail(`let in: ${about}`)
            continue
          }
          if (missing.kinds.length > 0) {
            if (missing.enrol.length > 0) t.fail(`asked and enrolled at once: ${about}`)
            if (missing.kinds.some(kind => !kinds.includes(kind))) t.fail(`not theirs: ${about}`)
          } else if (own.length > 0 && !amr.includes('mfa')) {
            t.fail(`a factor could be added without one that is there: ${about}`)
          }
          if (!(await ends(kinds, amr, demand, operator))) t.fail(`no way on: ${about}`)
        }
      }
    }
  }
  t.equal(cases, 2 * sets.length * firsts.length * demands.length)
})

t.test('of several factors those are asked for that reach the level', async t => {
  const steps = stepsOf(['passkey', 'totp', 'recovery_code'])
  const missing = (amr: string[], levels: string[][]) =>
    steps.missing({ accountId: 'a', amr }, { levels })
  t.strictSame(await missing(['pwd'], [['swk']]), { kinds: ['passkey'], enrol: [] })
  t.strictSame(await missing(['pwd'], [['otp']]), { kinds: ['totp', 'recovery_code'], enrol: [] })
  t.strictSame(await missing(['hwk', 'user', 'mfa'], [['otp']]), {
    kinds: ['totp', 'recovery_code'],
    enrol: []
  })
  t.equal(await missing(['hwk', 'user', 'mfa'], [['mfa']]), 'nothing')
})
