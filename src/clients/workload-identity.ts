// Which tokens of a foreign issuer stand for a client (RFC 7523 §2.2, draft-ietf-oauth-spiffe-client-auth §3.1): the client's own list of
// issuer, subject, audience and claims. Everything is compared to the letter; one wildcard, at the end of a subject, is all there is.
// Refuses subjects that would let in whoever has an account at the issuer.

/** One way in; a client may have several, and any one suffices. */
export interface WorkloadIdentity {
  readonly issuer: string
  readonly subject: string
  /** the one audience of its tokens; left out: the issuer identifier of this server */
  readonly audience?: string
  readonly claims?: Readonly<Record<string, string>>
}

/** A token of a trusted issuer, once its signature, times and form are known to be good. Nothing says yet what it may be used for. */
export interface ForeignToken {
  issuer: string
  subject: string
  audience: readonly string[]
  claims: Readonly<Record<string, unknown>>
}

const mostIdentities = 20
const longestText = 500
const members = new Set(['issuer', 'subject', 'audience', 'claims'])
/** Judged by themselves, and not as texts. */
const reservedClaims = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'])

/** Whether a token stands for a client with this identity. */
export function fitsIdentity(
  token: ForeignToken,
  { issuer, subject, audience, claims = {} }: WorkloadIdentity,
  ownIssuer: string
): boolean {
  // RFC 7523bis §4: the audience is «the issuer identifier of the authorization server as its sole value»; with a second one, whoever that
  // is could use here what was shown to him
  const [only, ...others] = token.audience
  return (
    token.issuer === issuer &&
    fitsSubject(token.subject, subject) &&
    only === (audience ?? ownIssuer) &&
    others.length === 0 &&
    Object.entries(claims).every(
      ([name, text]) => Object.hasOwn(token.claims, name) && token.claims[name] === text
    )
  )
}

function fitsSubject(subject: string, pattern: string): boolean {
  if (!pattern.endsWith('*')) return subject === pattern
  const beginning = pattern.slice(0, -1)
  return subject.startsWith(beginning) && subject.length > beginning.length
}

/** What is wrong with the metadata member `workload_identity`; `at` is the place inside it. */
export function identityProblems(
  value: unknown,
  trustedIssuers: readonly string[]
): { at: string; problem: string }[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostIdentities) {
    return [{ at: '', problem: `must be a list of 1 to ${mostIdentities} entries` }]
  }
  // an array may have holes, which flatMap would skip
  return Array.from(value).flatMap((entry: unknown, index) =>
    entryProblems(entry, trustedIssuers).map(([at, problem]) => ({
      at: `[${index}]${at}`,
      problem
    }))
  )
}

function entryProblems(entry: unknown, trustedIssuers: readonly string[]): [string, string][] {
  if (!isObject(entry)) return [['', 'must be an object with issuer and subject']]
  const problems: [string, string][] = []
  for (const name of Object.keys(entry)) {
    if (!members.has(name)) problems.push([`.${name}`, 'is not a member that is known'])
  }
  const { issuer, subject, audience, claims } = entry
  if (typeof issuer !== 'string' || !trustedIssuers.includes(issuer)) {
    const known = trustedIssuers.join(', ')
    const hint = known === '' ? ', and none is configured' : `: ${known}`
    problems.push(['.issuer', `must be one of the configured trustedIssuers${hint}`])
  }
  const wrong = subjectProblem(subject, String(issuer))
  if (wrong !== undefined) problems.push(['.subject', wrong])
  if (audience !== undefined && !isText(audience)) {
    problems.push(['.audience', `must be a text of 1 to ${longestText} characters`])
  }
  if (claims !== undefined) {
    if (!isObject(claims) || Object.keys(claims).length > mostIdentities) {
      problems.push(['.claims', `must be an object of up to ${mostIdentities} texts`])
    } else {
      for (const [name, text] of Object.entries(claims)) {
        const problem = reservedClaims.has(name)
          ? 'is not for claims: it is judged by itself'
          : isText(text)
            ? undefined
            : `must be a text of 1 to ${longestText} characters`
        if (problem !== undefined) problems.push([`.claims.${name}`, problem])
      }
    }
  }
  return problems
}

function subjectProblem(subject: unknown, issuer: string): string | undefined {
  if (!isText(subject)) return `must be a text of 1 to ${longestText} characters`
  const star = subject.indexOf('*')
  if (issuer.startsWith('spiffe://') && !subject.startsWith(`${issuer}/`)) {
    return `must be of the trust domain: ${issuer}/…`
  }
  if (star === -1) return undefined
  if (star !== subject.length - 1 || !/[/:]\*$/.test(subject)) {
    return 'may have one "*", at its end, after "/" or ":"'
  }
  // `repo:*` would be everybody who has an account at that service
  const parts = subject
    .slice(0, -1)
    .split(/[/:]+/)
    .filter(part => part !== '')
  return parts.length < 2 ? 'must have at least two parts before the "*"' : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longestText
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
