// For whom a client may get access tokens by an assertion of a trusted issuer (RFC 7523 §2.1): the client's own list of issuers, each with
// the subjects that stand for accounts of ours, one by one, and the scopes that may be had so. Refuses to guess: no subject is an account
// because it looks like one.

/** Assertions of one issuer, at one client. */
export interface AssertionGrant {
  readonly issuer: string
  /** the issuer's `sub` -> login or id of an account of ours */
  readonly subjects: Readonly<Record<string, string>>
  /** space-separated: scopes of resources, at most */
  readonly scope: string
}

export const jwtBearerGrantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

const mostIssuers = 10
const mostSubjects = 500
const longestText = 500
const members = new Set(['issuer', 'subjects', 'scope'])

/** What a subject of an issuer is to a client; undefined: nobody. */
export function grantFor(
  grants: readonly AssertionGrant[],
  issuer: string,
  subject: string
): { account: string; scopes: readonly string[] } | undefined {
  const grant = grants.find(one => one.issuer === issuer)
  // the names are the issuer's: none may be read off a prototype
  const account =
    grant !== undefined && Object.hasOwn(grant.subjects, subject)
      ? grant.subjects[subject]
      : undefined
  return grant === undefined || account === undefined
    ? undefined
    : { account, scopes: grant.scope.split(' ') }
}

/** What is wrong with the metadata member `assertion_grants`; `at` is the place inside it. */
export function grantProblems(
  value: unknown,
  trustedIssuers: readonly string[],
  isOpenidScope: (scope: string) => boolean
): { at: string; problem: string }[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostIssuers) {
    return [{ at: '', problem: `must be a list of 1 to ${mostIssuers} entries` }]
  }
  const entries: unknown[] = Array.from(value)
  const issuers = entries.map(entry => (isObject(entry) ? entry['issuer'] : undefined))
  return entries.flatMap((entry, index) => {
    const problems = entryProblems(entry, trustedIssuers, isOpenidScope)
    if (issuers.indexOf(issuers[index]) < index) problems.push(['.issuer', 'stands twice'])
    return problems.map(([at, problem]) => ({ at: `[${index}]${at}`, problem }))
  })
}

function entryProblems(
  entry: unknown,
  trustedIssuers: readonly string[],
  isOpenidScope: (scope: string) => boolean
): [string, string][] {
  if (!isObject(entry)) return [['', 'must be an object with issuer, subjects and scope']]
  const problems: [string, string][] = []
  for (const name of Object.keys(entry)) {
    if (!members.has(name)) problems.push([`.${name}`, 'is not a member that is known'])
  }
  const { issuer, subjects, scope } = entry
  if (typeof issuer !== 'string' || !trustedIssuers.includes(issuer)) {
    problems.push(['.issuer', 'must be one of the configured trustedIssuers'])
  } else if (issuer.startsWith('spiffe://')) {
    problems.push(['.issuer', 'is a trust domain, whose tokens are of workloads and not of people'])
  }
  const pairs = isObject(subjects) ? Object.entries(subjects) : []
  if (!isObject(subjects) || pairs.length === 0 || pairs.length > mostSubjects) {
    problems.push(['.subjects', `must be an object of 1 to ${mostSubjects} accounts`])
  }
  for (const [subject, account] of pairs) {
    const sound = isText(subject) && isText(account)
    if (!sound) problems.push([`.subjects["${subject}"]`, 'must be the login or id of an account'])
  }
  // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
  if (typeof scope !== 'string' || !/^[!#-[\]-~]+( [!#-[\]-~]+)*$/.test(scope)) {
    problems.push(['.scope', 'must be scopes with one blank between them'])
  } else {
    const personal = scope.split(' ').filter(isOpenidScope)
    if (personal.length > 0) {
      problems.push(['.scope', `must not have ${personal.join(', ')}: nobody signs in here`])
    }
  }
  return problems
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longestText
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
