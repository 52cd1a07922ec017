// Accounts from another server, one JSON object a line, with their password hashes as they are (imported-hash.ts). Owns what a line may say.
// A line is whole or refused, by its number, and costs the others nothing; what is there already is left as it is, so a file can be
// imported again from its beginning after whatever happened.

import { appendAuditEvent } from '../audit/record.ts'
import { createAccountStore, isNameTaken } from '../store/accounts.ts'
import type { Database, Queries } from '../store/database.ts'
import { checkProfile, type ProfileProblem } from './account.ts'
import { formatImportedHash, type ImportedHashProblem, readImportedHash } from './imported-hash.ts'
import { keycloakHash } from './keycloak-hash.ts'
import { foldLogin, type LoginProblem } from './login-name.ts'
import { parsePhc } from './phc.ts'

export type LineProblem =
  | 'line_malformed'
  | 'member_unknown'
  | 'id_malformed'
  | 'id_taken'
  | 'login_taken'
  | 'address_taken'
  | LoginProblem
  | ProfileProblem
  | ImportedHashProblem

export type LineOutcome =
  | { kind: 'created' }
  | { kind: 'present' }
  /** `what`: the member that is not known */
  | { kind: 'refused'; reason: LineProblem; what?: string | undefined }

export interface AccountImport {
  /** One batch of lines: one transaction. `dry run`: says what would become of them, and writes nothing. */
  take(lines: readonly string[], mode: 'write' | 'dry run'): Promise<LineOutcome[]>
}

interface Line {
  id: string | undefined
  login: string
  password: string | undefined
  name: string | undefined
  email: string | undefined
  emailVerified: boolean
  /** what it is called at sign-in besides its login, folded */
  verifiedEmail: string | undefined
  locale: string | undefined
  disabled: boolean
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const texts = ['id', 'login', 'name', 'email', 'locale', 'password_hash'] as const
const members = new Set<string>([...texts, 'email_verified', 'disabled', 'credential'])
const longestLine = 16_384

type Refused = { ok: false; reason: LineProblem; what?: string }
type ReadHash = { ok: true; hash: string | undefined } | { ok: false; reason: LineProblem }

/** Our own kind is taken as it is; it is made anew at the next sign-in if it is weaker. */
function readHash(text: string): ReadHash {
  if (parsePhc(text) !== undefined) return { ok: true, hash: text }
  const read = readImportedHash(text)
  return read.ok ? { ok: true, hash: formatImportedHash(read.hash) } : read
}

function hashOf({ password_hash, credential }: Record<string, unknown>): ReadHash {
  if (typeof password_hash === 'string') return readHash(password_hash)
  if (credential === undefined) return { ok: true, hash: undefined }
  const text = keycloakHash(credential)
  return text === undefined ? { ok: false, reason: 'hash_unknown' } : readHash(text)
}

function parseObject(text: string): Record<string, unknown> | undefined {
  if (text.length > longestLine) return undefined
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Reads one line. */
export function readLine(text: string): { ok: true; line: Line } | Refused {
  const given = parseObject(text)
  if (given === undefined) return { ok: false, reason: 'line_malformed' }
  const unknown = Object.keys(given).find(member => !members.has(member))
  if (unknown !== undefined) return { ok: false, reason: 'member_unknown', what: unknown }
  const wrong =
    texts.find(member => !['string', 'undefined'].includes(typeof given[member])) ??
    (['email_verified', 'disabled'] as const).find(
      member => !['boolean', 'undefined'].includes(typeof given[member])
    )
  if (wrong !== undefined) return { ok: false, reason: 'line_malformed', what: wrong }
  const of = (member: (typeof texts)[number]) => given[member] as string | undefined
  const id = of('id')
  if (id !== undefined && !uuid.test(id)) return { ok: false, reason: 'id_malformed' }
  const folded = foldLogin(of('login') ?? of('email') ?? '')
  if (!folded.ok) return folded
  const emailVerified = given['email_verified'] === true
  const { name, email, locale } = { name: of('name'), email: of('email'), locale: of('locale') }
  const checked = checkProfile({ name, email, locale, emailVerified })
  if (!checked.ok) return checked
  const read = hashOf(given)
  if (!read.ok) return read
  const line = {
    id: id?.toLowerCase(),
    ...{ login: folded.login, password: read.hash, name, locale },
    ...{ email: checked.profile.email, emailVerified: checked.profile.emailVerified ?? false },
    verifiedEmail: checked.profile.verifiedEmail,
    disabled: given['disabled'] === true
  }
  return { ok: true, line }
}

/** Undefined: nobody is there under its id or any of its names. */
async function existing(
  sql: Queries,
  { id, login, verifiedEmail }: Line
): Promise<LineOutcome | undefined> {
  const store = createAccountStore({ sql })
  const byLogin = await store.findByLogin(login)
  if (byLogin !== undefined) {
    const same = id === undefined || byLogin.id === id
    return same ? { kind: 'present' } : { kind: 'refused', reason: 'login_taken' }
  }
  const byId = id === undefined ? undefined : await store.findById(id)
  if (byId !== undefined) return { kind: 'refused', reason: 'id_taken' }
  const isCalled = async (name: string) => (await store.findByName(name)) !== undefined
  if (await isCalled(login)) return { kind: 'refused', reason: 'login_taken' }
  return verifiedEmail !== undefined && (await isCalled(verifiedEmail))
    ? { kind: 'refused', reason: 'address_taken' }
    : undefined
}

async function write(sql: Queries, line: Line): Promise<LineOutcome> {
  const { id, login, password, ...profile } = line
  const state = line.disabled ? 'disabled' : 'enabled'
  const made = await createAccountStore({ sql }).createImported(id, login, password, profile, state)
  // somebody was faster
  if (made === undefined) {
    return (await existing(sql, line)) ?? { kind: 'refused', reason: 'login_taken' }
  }
  await appendAuditEvent(sql, {
    type: 'account.created',
    accountId: made.id,
    data: { via: 'cli' }
  })
  return { kind: 'created' }
}

export function createAccountImport({ database }: { database: Database }): AccountImport {
  const once = (lines: readonly string[], mode: 'write' | 'dry run') =>
    database.transaction(async tx => {
      const outcomes: LineOutcome[] = []
      for (const text of lines) {
        const read = readLine(text)
        if (!read.ok) {
          outcomes.push({ kind: 'refused', reason: read.reason, what: read.what })
          continue
        }
        const there = await existing(tx, read.line)
        if (there !== undefined) outcomes.push(there)
        else if (mode === 'dry run') outcomes.push({ kind: 'created' })
        else outcomes.push(await write(tx, read.line))
      }
      return outcomes
    })

  return {
    async take(lines, mode) {
      try {
        return await once(lines, mode)
      } catch (error) {
        // a name became somebody's after it was looked for, and the batch is undone: the second look sees that
        if (!isNameTaken(error)) throw error
        return once(lines, mode)
      }
    }
  }
}
