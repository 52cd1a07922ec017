// The verdict on an exchange, over policies by chance that the configuration accepts, from seeds that are written down: along every chain of
// exchanges nothing is opened that was not listed for what was held, and whoever comes back to an API has no more there than before.

import t from 'tap'
import { ConfigurationError } from '../../src/config/configuration-error.ts'
import type { Config } from '../../src/config/schema.ts'
import { longestChain } from '../../src/oauth/token-exchange.ts'
import type { VerifiedAccessToken } from '../../src/protocol/access-tokens.ts'
import {
  createExchangePolicy,
  type ExchangeFacts,
  judgeExchange,
  openedScopes
} from '../../src/protocol/exchange-policy.ts'
import { load, productionEnv } from '../config/sound.ts'
import { type Random, randomFrom } from '../hostile/fuzz.ts'

const issuer = 'https://id.example.com'
const now = 1_800_000_000
const names = ['a', 'b', 'c', 'd']
const uri = (name: string) => `https://${name}.example.com`
const scopesOf = (name: string) => ['one', 'two', 'three'].map(scope => `${scope}:${name}`)
const clients = ['first', 'second', 'third']

const some = <T>(random: Random, of: readonly T[], oneIn: number) =>
  of.filter(() => random.chance(oneIn))

/** Entries by chance: for each client and resource at most one. */
function entriesFor(random: Random, target: string): object[] {
  return some(random, clients, 2).flatMap(client => {
    const from = some(random, names, 3)
    // mostly of the same kind, so that not every policy leads round to a wider scope
    const opened = (scope: string) =>
      scopesOf(target).filter(name =>
        random.chance(name.split(':')[0] === scope.split(':')[0] ? 2 : 40)
      )
    const pairs = from.flatMap(source => scopesOf(source).map(scope => [scope, opened(scope)]))
    const scopes = Object.fromEntries(pairs.filter(([, list]) => list && list.length > 0))
    if (Object.keys(scopes).length === 0) return []
    const mode = random.one(['delegation', 'impersonation'])
    return [{ client, from: from.map(uri), mode, scopes, actors: some(random, clients, 3) }]
  })
}

/** Undefined: the configuration refuses it. */
function resourcesFrom(random: Random): Config['resources'] | undefined {
  const resources = names.map(name => ({
    identifier: uri(name),
    scopes: Object.fromEntries(scopesOf(name).map(scope => [scope, { en: scope }])),
    exchange: entriesFor(random, name)
  }))
  try {
    return load(productionEnv, { resources }).resources
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined
    throw error
  }
}

function token(changed: Partial<VerifiedAccessToken>, payload: object = {}): VerifiedAccessToken {
  return {
    kind: 'AccessToken',
    audience: uri('a'),
    act: undefined,
    mayAct: undefined,
    via: [],
    ...changed,
    payload: { clientId: 'app', exp: now + 600, ...payload }
  }
}

const held = ({ payload }: VerifiedAccessToken) => String(payload['scope']).split(' ')

/** What is wrong with the step from the last token of `chain` to `next`. */
function problemsOf(chain: VerifiedAccessToken[], next: VerifiedAccessToken, facts: ExchangeFacts) {
  const last = facts.subject
  const listed = held(last).flatMap(scope => facts.entry?.scopes[scope] ?? [])
  const before = chain.find(({ audience }) => audience === next.audience)
  const claims = [
    held(next).every(scope => listed.includes(scope)) || 'not listed',
    held(next).every(scope => facts.available.includes(scope)) || 'not of the resource',
    before === undefined || held(next).every(scope => held(before).includes(scope)) || 'widened',
    Number(next.payload['exp']) <= Number(last.payload['exp']) || 'lives longer',
    next.via.length === last.via.length + 1 || 'lost who it came through',
    next.via.length <= longestChain || 'too long',
    facts.entry?.mode === 'impersonation'
      ? next.act === last.act || 'wiped out who acted'
      : next.act?.act === last.act || 'lost who acted before'
  ]
  return claims.filter(claim => claim !== true)
}

for (const seed of [1, 8693, 20261127]) {
  t.test(`chains of exchanges over policies from seed ${seed} only ever narrow`, async t => {
    const random = randomFrom(seed)
    const failures: string[] = []
    const counts = { refused: 0, exchanges: 0, longest: 0, back: 0 }
    for (let round = 0; round < 150; round++) {
      const resources = resourcesFrom(random)
      if (resources === undefined) {
        counts.refused++
        continue
      }
      const policy = createExchangePolicy(resources)
      for (let chains = 0; chains < 20; chains++) {
        const start = random.one(names)
        const scope = some(random, [...scopesOf(start), 'openid'], 2).join(' ')
        const chain = [token({ audience: uri(start) }, { scope })]
        for (let step = 0; step < 40; step++) {
          const subject = chain.at(-1) as VerifiedAccessToken
          const [caller, target] = [random.one(clients), random.one(names)]
          const available = random.chance(3) ? some(random, scopesOf(target), 2) : scopesOf(target)
          const entry = policy.find(caller, uri(target), subject.audience)
          const facts: ExchangeFacts = {
            ...{ entry, caller, issuer, subject, actor: undefined, proved: {}, now, available },
            receives: () => false,
            requested: random.chance(3) ? [random.one([...scopesOf(target), 'openid'])] : undefined,
            lifetimeSeconds: random.one([30, 600, 3600])
          }
          const verdict = judgeExchange(facts)
          if (!verdict.ok) continue
          const { act, via, exp, scopes } = verdict
          const next = token(
            { audience: uri(target), act, via },
            { clientId: caller, scope: scopes.join(' '), exp }
          )
          for (const problem of problemsOf(chain, next, facts)) {
            failures.push(`round ${round}, step ${step}: ${problem}`)
          }
          if (chain.some(({ audience }) => audience === next.audience)) counts.back++
          counts.exchanges++
          counts.longest = Math.max(counts.longest, via.length)
          chain.push(next)
        }
      }
    }
    t.same(failures, [])
    t.comment(JSON.stringify(counts))
    t.ok(counts.exchanges > 200 && counts.refused > 10, 'not for want of exchanges')
    t.ok(counts.longest > 1 && counts.back > 0, 'long ones and ways back among them')
  })
}

t.test('scopes with names of JavaScript open nothing', async t => {
  const scopes = { 'read:a': ['read:b'] }
  for (const scope of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    t.same(openedScopes({ scopes }, scope, ['read:b', scope]), [], scope)
  }
  t.same(openedScopes({ scopes }, 'read:a  read:a', ['read:b', 'other']), ['read:b'])
})

t.test('nobody is found but who is listed, for what is listed', async t => {
  const entry = { client: 'first', from: [uri('a')], mode: 'delegation' as const, scopes: {} }
  const exchange = [{ ...entry, actors: [] }]
  const policy = createExchangePolicy([{ identifier: uri('b'), exchange }])
  t.ok(policy.find('first', uri('b'), uri('a')))
  for (const [client, target, from] of [
    ['second', 'b', 'a'],
    ['first', 'a', 'a'],
    ['first', 'b', 'b'],
    ['first', 'c', 'a']
  ] as const) {
    t.equal(policy.find(client, uri(target), uri(from)), undefined)
  }
  t.notOk(createExchangePolicy([{ identifier: uri('b'), exchange: [] }]).offered)
})
