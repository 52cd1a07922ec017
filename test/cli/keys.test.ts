// `mintmark keys …` over real keys and a real database: what it lists, what it makes, and how it refuses. What it says about verifiers that
// keep keys is part of what it does.

import { type Test, test } from 'tap'
import { keysCommand } from '../../src/cli/keys.ts'
import { settle } from '../../src/config/settle.ts'
import { wantedKeys } from '../../src/keys/wanted.ts'
import { composeKeyParts } from '../../src/ops/key-parts.ts'
import { turnClock } from '../keys/rotation-support.ts'
import { testConfig } from '../support/configuration.ts'
import { createTestDatabase } from '../support/postgres.ts'

const issuer = 'http://localhost:3000'
const masterKey = Buffer.alloc(32, 7)
const day = 86_400

async function setUp(t: Test) {
  const { database } = await createTestDatabase(t)
  const config = testConfig(issuer)
  const parts = composeKeyParts(database, config, masterKey)
  await parts.ring.ensure(wantedKeys(config, ['RS256']))
  await parts.signing.noteWanted(wantedKeys(config, ['RS256']))
  await parts.secrets.ensure(['cookie', 'pairwise'])

  /** Runs one command line; answers what it printed and its exit code. */
  async function run(args: readonly string[], changes: { previous?: Buffer; key?: Buffer } = {}) {
    const printed = { out: '', err: '', code: 0 }
    const given = settle(config, { issuer, resources: config.resources })
    Object.defineProperty(given, 'previousMasterKeys', {
      value: changes.previous === undefined ? [] : [changes.previous]
    })
    const command = keysCommand({
      config: () => given,
      database: async () => database,
      keys: async () => composeKeyParts(database, given, changes.key ?? masterKey),
      out: text => {
        printed.out += `${text}\n`
      },
      err: text => {
        printed.err += `${text}\n`
      },
      exit: code => {
        printed.code = code
      }
    })
    await command.parseAsync([...args], { from: 'user' })
    return printed
  }
  const active = async () => {
    await parts.ring.load()
    return parts.ring.active('access_token', 'ES256').kid
  }
  return { database, parts, run, active }
}

test('list shows every key with its state, and what comes next and when', async t => {
  const { run, active, database } = await setUp(t)
  const kid = await active()
  const { out, code } = await run(['list'])
  t.equal(code, 0)
  t.match(
    out,
    new RegExp(`access_token +ES256 +${kid} +active +\\d s ago +in 88 d: its successor is made`)
  )
  t.match(out, /identity +RS256/)
  t.match(out, /cookie +HMAC +version 1 +active +\d s ago +in 88 d/)
  t.match(out, /pairwise +HMAC +version 1 +active +\d s ago +never changes/)

  const listed = JSON.parse((await run(['list', '-o', 'json'])).out)
  t.match(listed.signingKeys[0], { purpose: 'access_token', alg: 'ES256', key: kid })
  const next = listed.signingKeys[0].next
  t.equal(next.step, 'prepare')
  t.ok(Math.abs(Date.parse(next.at) - Date.now() - 89 * day * 1_000) < 60_000)
  t.equal(listed.masterKey.previous, 'none')
  t.equal(JSON.stringify(listed).includes('"d"'), false)
  await turnClock(database, 3 * 3_600)
  t.match((await run(['list'])).out, /in 20 h: retires: no configuration uses it/)
})

test('rotate makes a key that signs when verifiers know it', async t => {
  const { run, active } = await setUp(t)
  const before = await active()
  const { out, err, code } = await run(['rotate', '--purpose', 'access_token'])
  t.match(out, /^access_token ES256: [\w-]{43} is published and signs in 1 d\.\n$/)
  t.same([err, code], ['', 0])
  t.equal(await active(), before)
  t.match((await run(['rotate', '--alg', 'ES256'])).out, /was on its way already and signs in 23 h/)
  const list = (await run(['list'])).out
  t.match(list, /pending +\d+ s ago +in 23 h: is used from then on/)
  t.match(list, /active +\d+ s ago +in 23 h: its successor takes over/)
})

test('rotate --now signs at once, and says what that means for verifiers', async t => {
  const { run, active } = await setUp(t)
  const before = await active()
  const { out, err } = await run(['rotate', '--purpose', 'access_token', '--now'])
  t.match(out, new RegExp(`signs from now on; ${before} verifies for 16 min more`))
  t.match(err, /may keep the keys of before for 5 min/)
  t.not(await active(), before)
})

test('rotate of what is not there is refused', async t => {
  const { run } = await setUp(t)
  const { err, code } = await run(['rotate', '--purpose', 'access_token', '--alg', 'EdDSA'])
  t.match(err, /No active key is like that/)
  t.equal(code, 1)
})

test('burn asks, burns, and says what others still accept and for how long', async t => {
  const { run, active, parts } = await setUp(t)
  const kid = await active()
  const asked = await run(['burn', kid])
  t.match(asked.err, /Nothing was done\..*--yes/)
  t.equal(asked.code, 1)
  t.equal(await active(), kid)

  const burnt = await run(['burn', kid, '--yes'])
  t.equal(burnt.code, 0)
  const now = await active()
  t.match(
    burnt.out,
    new RegExp(`${kid} is burnt. It was active.\nThe key ${now} signs from now on`)
  )
  t.match(burnt.err, /refuse what it signed within a second/)
  t.match(burnt.err, /until they fetch the keys again, 5 min at most/)
  t.match(burnt.err, /longer than a token lives that it signed already \(10 min\)/)
  t.equal(parts.ring.byKid(kid), undefined)

  const again = await run(['burn', kid, '--yes'])
  t.match(again, { code: 1, err: /was burnt already/ })
  t.match(await run(['burn', 'nothing', '--yes']), { code: 1, err: /There is no key nothing/ })
  t.match((await run(['list', '--all'])).out, new RegExp(`${kid} +burnt`))
  t.notMatch((await run(['list'])).out, kid)
})

test('a wrong master key changes nothing', async t => {
  const { run, active } = await setUp(t)
  const kid = await active()
  for (const args of [['rotate'], ['burn', kid, '--yes'], ['reseal']]) {
    await t.rejects(
      run(args, { key: Buffer.alloc(32, 1) }),
      { code: 'seal_broken' },
      String(args[0])
    )
  }
  t.equal(await active(), kid)
})

test('reseal seals anew, and list says when the key of before is needed no more', async t => {
  const { run } = await setUp(t)
  const change = { key: Buffer.alloc(32, 9), previous: masterKey }
  t.match((await run(['list'], change)).out, /5 values still lie under a previous master key/)
  const { out, code } = await run(['reseal'], change)
  t.equal(code, 0)
  t.match(out, /signing_keys +3 sealed anew/)
  t.match(out, /server_secrets +2 sealed anew/)
  t.match(out, /previousMasterKeys can be emptied/)
  t.match((await run(['list'], change)).out, /No value lies under a previous master key/)
  const listed = JSON.parse((await run(['list', '-o', 'json'], change)).out)
  t.equal(listed.masterKey.previous, 'no longer needed')
})
