// `mintmark keys …`: what there is and what comes next, a new key now, a leaked key burnt, everything sealed anew. Changes reach every server
// through the database; no restart. Refuses to burn without `--yes`, and whatever would leave a server without a key.

import { Command } from 'commander'
import type { Config } from '../config/schema.ts'
import { burnKey } from '../keys/burn.ts'
import { isResealed } from '../keys/reseal.ts'
import { graceSeconds } from '../keys/schedule.ts'
import type { ScheduledKey } from '../keys/signing-key-rotation.ts'
import { keyTimes } from '../keys/wanted.ts'
import type { KeyParts } from '../ops/key-parts.ts'
import type { Database } from '../store/database.ts'
import { listSigningKeyAges } from '../store/signing-key-steps.ts'
import { aligned, formatOption } from './clients-text.ts'
import {
  describeListed,
  listedKey,
  listedRetired,
  listedSecret,
  listLines,
  spell
} from './keys-text.ts'

/** What the commands are given. */
export interface KeysCliContext {
  config(): Config
  database(): Promise<Database>
  keys(): Promise<KeyParts>
  out(text: string): void
  err(text: string): void
  exit(code: number): void
}

interface RotateOptions {
  purpose?: string
  alg?: string
  now?: true
}

export function keysCommand(context: KeysCliContext): Command {
  const keys = new Command('keys').description('the keys that sign, and what they are sealed with')

  function fail(sentence: string): void {
    context.err(sentence)
    context.exit(1)
  }

  keys
    .command('list')
    .description('all keys: state, since when, what comes next and when')
    .option('--all', 'the retired and burnt ones, too')
    .addOption(formatOption('text', 'json'))
    .action(async ({ all, output }: { all?: true; output: 'text' | 'json' }) => {
      const { signing, secretRotation } = await context.keys()
      const retired = all
        ? (await listSigningKeyAges(await context.database())).filter(
            ({ state }) => state === 'retired'
          )
        : []
      const signingKeys = [
        ...(await signing.schedule([])).map(listedKey),
        ...retired.map(listedRetired)
      ]
      const secrets = (await secretRotation.schedule()).map(listedSecret)
      const masterKey = await previousMasterKey()
      if (output === 'json') {
        const now = new Date()
        const signed = describeListed(signingKeys, now)
        const serverSecrets = describeListed(secrets, now)
        context.out(JSON.stringify({ signingKeys: signed, serverSecrets, masterKey }, null, 2))
        return
      }
      for (const line of listLines([...signingKeys, ...secrets])) context.out(line)
      if (masterKey.sentence !== undefined) context.out(`\n${masterKey.sentence}`)
    })

  keys
    .command('rotate')
    .description('make the next key now: it is published, and signs when verifiers know it')
    .option(
      '--purpose <purpose>',
      'access_token, identity, status_list or encryption; all when left out'
    )
    .option('--alg <algorithm>', 'ES256, RS256 or EdDSA; all when left out')
    .option('--now', 'it signs at once, although verifiers may not know it yet')
    .action(async (options: RotateOptions) => {
      const { signing } = await context.keys()
      const scheduled = await signing.schedule([])
      const chosen = scheduled.filter(
        ({ key }) =>
          key.state === 'active' &&
          (options.purpose ?? key.purpose) === key.purpose &&
          (options.alg ?? key.alg) === key.alg
      )
      if (chosen.length === 0) {
        return fail(
          'No active key is like that: see mintmark keys list. A server makes the first ones when it starts.'
        )
      }
      for (const each of chosen) await rotate(each, scheduled, options)
      if (options.now) {
        context.err(
          `Whoever verifies may keep the keys of before for ${spell(cacheSeconds())}: until then, a verifier that does not fetch them again for a key that it does not know refuses new tokens.`
        )
      }
    })

  keys
    .command('burn <kid>')
    .description('a leaked key: nothing that it signed is accepted again')
    .option('--yes', 'it is meant: this cannot be undone')
    .action(async (kid: string, { yes }: { yes?: true }) => {
      if (!yes) {
        return fail(
          `Nothing was done. Every token that the key ${kid} signed would be refused, and it could not come back: say --yes if that is meant.`
        )
      }
      const { ring, seal } = await context.keys()
      const burnt = await burnKey({ database: await context.database(), ring, seal }, kid)
      if (!burnt.ok) {
        return fail(
          burnt.reason === 'unknown'
            ? `There is no key ${kid}: see mintmark keys list --all.`
            : `The key ${kid} was burnt already.`
        )
      }
      const { key, successor } = burnt
      context.out(`The key ${kid} is burnt. It was ${key.state}.`)
      if (successor !== undefined) context.out(`The key ${successor} signs from now on.`)
      if (key.state === 'retired') {
        context.err(
          'It had left long ago, so nothing was accepted from it; it is marked all the same.'
        )
        return
      }
      context.err(
        'The servers refuse what it signed within a second: userinfo, introspection, revocation and sign-out.'
      )
      context.err(
        `Others that verify tokens by themselves accept it until they fetch the keys again, ${spell(cacheSeconds())} at most if they heed Cache-Control (mintmark's own resource-server: 15 min), and in no case longer than a token lives that it signed already (${spell(key.valueSeconds)}). Whoever has the key can sign longer-lived ones: tell verifiers that keep keys for longer.`
      )
    })

  keys
    .command('reseal')
    .description('seal anew what lies under a master key of before')
    .action(async () => {
      const { resealer, ring, secrets } = await context.keys()
      // who cannot open what is there has the wrong key in hand
      await ring.load()
      await secrets.load()
      const walked = await resealer.walk('reseal')
      for (const line of aligned(
        walked.map(({ table, resealed, unreadable }) => [
          table,
          `${resealed} sealed anew`,
          unreadable === 0 ? '' : `${unreadable} open with no master key that is configured`
        ])
      )) {
        context.out(line)
      }
      if (!isResealed(walked)) {
        return fail('Some values changed meanwhile and are still as they were: run it again.')
      }
      context.out(
        'Nothing that opens lies under a master key of before: previousMasterKeys can be emptied once every server runs with the new key.'
      )
    })

  return keys

  async function rotate(
    { key }: ScheduledKey,
    scheduled: readonly ScheduledKey[],
    options: RotateOptions
  ): Promise<void> {
    const { signing } = await context.keys()
    const { purpose, alg } = key
    const waiting = scheduled.find(
      ({ key }) => key.state === 'pending' && key.purpose === purpose && key.alg === alg
    )
    const made = waiting === undefined ? await signing.prepare(key) : { kid: waiting.key.kid }
    if (made === 'lost') {
      return fail(`${purpose} ${alg}: another process made a key at this moment; look again.`)
    }
    if (!options.now) {
      const { publishAheadSeconds } = context.config().keys
      const inSeconds = waiting?.next.inSeconds ?? publishAheadSeconds
      const word = waiting === undefined ? 'is published' : 'was on its way already'
      return context.out(`${purpose} ${alg}: ${made.kid} ${word} and signs in ${spell(inSeconds)}.`)
    }
    if ((await signing.activate({ kid: made.kid, purpose, alg })) === 'lost') {
      return fail(`${purpose} ${alg}: another process changed the keys at this moment; look again.`)
    }
    context.out(
      `${purpose} ${alg}: ${made.kid} signs from now on; ${key.kid} verifies for ${spell(key.valueSeconds + graceSeconds(keyTimes(context.config())))} more.`
    )
  }

  function cacheSeconds(): number {
    return context.config().keys.cacheLifetimeSeconds
  }

  async function previousMasterKey(): Promise<{ previous: string; sentence?: string }> {
    if (context.config().previousMasterKeys.length === 0) return { previous: 'none' }
    const { resealer } = await context.keys()
    const remaining = (await resealer.walk('look')).reduce((sum, each) => sum + each.remaining, 0)
    return remaining === 0
      ? {
          previous: 'no longer needed',
          sentence:
            'No value lies under a previous master key: previousMasterKeys can be emptied once every server runs with the new key.'
        }
      : {
          previous: 'needed',
          sentence: `${remaining} values still lie under a previous master key; a running server seals them anew, and so does mintmark keys reseal.`
        }
  }
}
