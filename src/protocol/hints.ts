// Who a client expects (OpenID Connect Core §3.1.2.1 `id_token_hint`, §5.5.1 `sub`): somebody else is asked to sign in, and when somebody else
// did, the client is told so. Never a silent change of person. The engine looks at a hint when the request comes and not when it goes on
// after the sign-in, and then would answer for whoever signed in.

import { errors, interactionPolicy, type KoaContextWithOIDC, type Provider } from 'oidc-provider'

const { Check } = interactionPolicy

type SubjectOf = (ctx: unknown, accountId: string, client: EngineClient) => Promise<string>
type EngineClient = NonNullable<KoaContextWithOIDC['oidc']['client']>

/** Who is expected, and what an account is called at a client. */
export interface Subjects {
  expected(ctx: KoaContextWithOIDC): Promise<unknown[]>
  of(ctx: unknown, accountId: string, client: EngineClient): Promise<string>
}

export function createSubjects(pairwise: SubjectOf): Subjects {
  async function expected({ oidc }: KoaContextWithOIDC): Promise<unknown[]> {
    // the engine reads `claims` later than the first who ask here (session-choice.ts)
    const claims = JSON.parse(String(oidc.params?.['claims'] ?? '{}'))
    const sub = (claims?.id_token as { sub?: { value?: unknown } | null } | undefined)?.sub
    const expectations = sub?.value === undefined ? [] : [sub.value]
    const hint = oidc.params?.['id_token_hint']
    if (typeof hint !== 'string' || oidc.client === undefined) return expectations
    // read already when the request came; when it goes on, nobody has
    const { payload } = oidc.entities.IdTokenHint ?? (await read(oidc.provider, hint, oidc.client))
    return [...expectations, payload['sub']]
  }

  async function read(provider: Provider, hint: string, client: EngineClient) {
    try {
      return await provider.IdToken.validate(hint, client)
    } catch (cause) {
      // its key may have been burnt while the person was at the page
      throw new errors.InvalidRequest('could not validate id_token_hint', undefined, { cause })
    }
  }

  return {
    expected,
    of: async (ctx, accountId, client) =>
      client.subjectType === 'pairwise' ? pairwise(ctx, accountId, client) : accountId
  }
}

export function createSubjectCheck({ expected, of }: Subjects) {
  return new Check(
    'subject',
    'the person who is expected is not signed in',
    'login_required',
    async (ctx: KoaContextWithOIDC) => {
      const { oidc } = ctx
      const subjects = await expected(ctx)
      const accountId = oidc.session?.accountId
      if (subjects.length === 0 || oidc.client === undefined) return Check.NO_NEED_TO_PROMPT
      if (accountId === undefined) return Check.REQUEST_PROMPT
      const own = await of(ctx, accountId, oidc.client)
      if (subjects.every(subject => subject === own)) return Check.NO_NEED_TO_PROMPT
      if (oidc.result?.login !== undefined) {
        throw new errors.LoginRequired('somebody else signed in than the client expects')
      }
      return Check.REQUEST_PROMPT
    }
  )
}
