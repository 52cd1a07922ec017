// The engine's own pages, each replaced by ours: errors, sign-out, device. Where the engine would submit a form by script (sign-out without
// a session, a device code in the link), the same form is shown with a button: none of ours needs script.
//
// Fact of the engine (9.13.3), held by test/protocol/engine-facts.test.ts: forms reach us as HTML, with their address in `action` and
// hidden inputs written as name="…" value="…" (end_session.js, helpers/user_code_form.js, response_modes/form_post.js).

import type { Client as EngineClient, KoaContextWithOIDC } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import { documentHost } from '../clients/document-url.ts'
import type { AuthorizationDetail } from '../oauth/authorization-details.ts'
import type { EngineForm, LanguageHints, Renderers, RequestedAccess, ShownClient } from './ports.ts'
import { helpfulSentence, sentenceFor } from './sentences.ts'
import type { SessionChoice } from './session-choice.ts'

/** What tells the language of the answer to this request. */
export function languageOf(ctx: KoaContextWithOIDC): LanguageHints {
  const asked: unknown = ctx.oidc?.params?.['ui_locales']
  return {
    uiLocales: typeof asked === 'string' ? asked : undefined,
    cookieHeader: ctx.get('cookie') || undefined,
    acceptLanguage: ctx.get('accept-language') || undefined
  }
}

/** A client as pages show it, at the redirect URI of this request (or its first one). */
export function shownClient(row: RegisteredClient, redirectUri?: string): ShownClient {
  const { metadata } = row
  const target = redirectUri ?? metadata.redirect_uris[0] ?? metadata.client_uri
  const url = target === undefined ? undefined : URL.parse(target)
  const onWeb = url?.protocol === 'https:'
  const loopback =
    url !== null && url !== undefined && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  return {
    clientId: row.clientId,
    ...naming(row),
    redirectHost: url?.host || url?.protocol || '',
    unverifiable: row.type !== 'machine' && (!onWeb || loopback),
    firstParty: metadata.first_party === true,
    ...(metadata.logo_uri === undefined ? {} : { logoUri: metadata.logo_uri }),
    ...(metadata.client_uri === undefined ? {} : { clientUri: metadata.client_uri }),
    ...(metadata.policy_uri === undefined ? {} : { policyUri: metadata.policy_uri }),
    ...(metadata.tos_uri === undefined ? {} : { tosUri: metadata.tos_uri })
  }
}

/** A stranger's document may say any name; what it is known by is the place where it stands. */
function naming(row: RegisteredClient): Pick<ShownClient, 'name' | 'document'> {
  const { client_name: claimedName } = row.metadata
  if (row.owner !== 'document') return { name: claimedName ?? row.clientId }
  return { name: documentHost(row.clientId), document: { url: row.clientId, claimedName } }
}

/** Scopes by where they lead: those of the account, and those of each resource. */
export function requestedAccess(
  scopes: readonly string[],
  isOpenid: (scope: string) => boolean,
  resources: readonly { identifier: string; scopes: readonly string[] }[]
): RequestedAccess[] {
  const openid = scopes.filter(isOpenid)
  return [
    ...(openid.length > 0 ? [{ scopes: openid }] : []),
    ...resources
      .map(resource => ({
        resource: resource.identifier,
        scopes: scopes.filter(scope => !isOpenid(scope) && resource.scopes.includes(scope))
      }))
      .filter(access => access.scopes.length > 0)
  ]
}

function unescapeHtml(html: string): string {
  const entities: Record<string, string> = {
    '&lt;': '<',
    '&gt;': '>',
    '&quot;': '"',
    '&#39;': "'",
    '&amp;': '&'
  }
  return html.replace(/&(?:lt|gt|quot|#39|amp);/g, entity => entities[entity] ?? entity)
}

/** Reads one of the engine's forms. */
export function parseEngineForm(html: string): EngineForm & { inputs: Record<string, string> } {
  const action = unescapeHtml(/<form[^>]* action="([^"]*)"/.exec(html)?.[1] ?? '')
  const inputs: Record<string, string> = {}
  for (const [, name = '', value = ''] of html.matchAll(/name="([^"]*)" value="([^"]*)"/g)) {
    inputs[unescapeHtml(name)] = unescapeHtml(value)
  }
  return { action, xsrf: inputs['xsrf'] ?? '', inputs }
}

/** What went wrong with a user code, by the name of the engine's error (helpers/re_render_errors.js). */
const codeProblems = {
  NotFoundError: 'not_found',
  ExpiredError: 'expired',
  AlreadyUsedError: 'used',
  AbortedError: 'aborted',
  NoCodeError: 'no_code',
  // ours (user-code-guesses.ts)
  TooManyCodesError: 'throttled'
} as const

export interface EnginePages {
  error(
    ctx: KoaContextWithOIDC,
    out: { error: string; error_description?: string | undefined }
  ): void
  logout(ctx: KoaContextWithOIDC, form: string): void
  loggedOut(ctx: KoaContextWithOIDC): Promise<void>
  deviceInput(ctx: KoaContextWithOIDC, form: string, error: Error | undefined): void
  deviceConfirm(
    ctx: KoaContextWithOIDC,
    form: string,
    client: EngineClient,
    device: { address?: string; startedAt?: number } | undefined,
    userCode: string
  ): void
  deviceDone(ctx: KoaContextWithOIDC): void
  /** Replaces a page of the engine that would submit itself by script, if the answer is one. */
  replaceSelfSubmitting(ctx: KoaContextWithOIDC): void
}

export function createEnginePages(deps: {
  renderers: Renderers
  requestId(ctx: KoaContextWithOIDC): string
  registeredOf(client: EngineClient): RegisteredClient
  requestedOf(ctx: KoaContextWithOIDC): {
    requested: RequestedAccess[]
    requestedDetails: AuthorizationDetail[]
  }
  /** the accounts at the browser; made after these pages */
  accounts(): Pick<SessionChoice, 'signOutAccounts' | 'namesAt'>
}): EnginePages {
  const { renderers, registeredOf } = deps

  function clientOf(ctx: KoaContextWithOIDC): ShownClient | undefined {
    const client = ctx.oidc?.client
    return client && shownClient(registeredOf(client))
  }

  function html(ctx: KoaContextWithOIDC, body: string) {
    ctx.type = 'html'
    ctx.body = body
  }

  function deviceInput(ctx: KoaContextWithOIDC, form: string, error: Error | undefined) {
    const parsed = parseEngineForm(form)
    const userCode = error !== undefined && 'userCode' in error ? String(error.userCode) : undefined
    const known = error && codeProblems[error.constructor.name as keyof typeof codeProblems]
    const problem = error === undefined ? undefined : (known ?? 'failed')
    html(ctx, renderers.deviceInput({ form: parsed, userCode, problem, language: languageOf(ctx) }))
  }

  function signOut(ctx: KoaContextWithOIDC, { action, xsrf }: EngineForm) {
    const accounts = deps.accounts().signOutAccounts(ctx)
    const form = { action: action + (accounts?.query ?? ''), xsrf }
    html(
      ctx,
      renderers.logout({ form, accounts, client: clientOf(ctx), language: languageOf(ctx) })
    )
  }

  return {
    error(ctx, out) {
      html(
        ctx,
        renderers.error({
          status: ctx.status,
          error: out.error,
          description: helpfulSentence(out.error_description ?? sentenceFor(out.error)),
          requestId: deps.requestId(ctx),
          language: languageOf(ctx)
        })
      )
    },

    logout(ctx, form) {
      signOut(ctx, parseEngineForm(form))
    },

    async loggedOut(ctx) {
      const stillHere = await deps.accounts().namesAt(ctx)
      const language = languageOf(ctx)
      html(ctx, renderers.loggedOut({ client: clientOf(ctx), stillHere, language }))
    },

    deviceInput,

    deviceConfirm(ctx, form, client, device, userCode) {
      html(
        ctx,
        renderers.deviceConfirm({
          form: parseEngineForm(form),
          userCode,
          client: shownClient(registeredOf(client)),
          ...deps.requestedOf(ctx),
          address: device?.address,
          startedAt: device?.startedAt === undefined ? undefined : new Date(device.startedAt),
          language: languageOf(ctx)
        })
      )
    },

    deviceDone(ctx) {
      html(ctx, renderers.deviceDone({ client: clientOf(ctx), language: languageOf(ctx) }))
    },

    replaceSelfSubmitting(ctx) {
      if (typeof ctx.body !== 'string' || !ctx.body.includes('document.forms[0].submit()')) return
      const { inputs, ...form } = parseEngineForm(ctx.body)
      // an authorization response by form_post belongs to the client; everything else is addressed to ourselves
      if (inputs['xsrf'] === undefined) return
      const language = languageOf(ctx)
      const { user_code: userCode } = inputs
      if (userCode === undefined) return signOut(ctx, form)
      html(ctx, renderers.deviceInput({ form, userCode, problem: undefined, language }))
    }
  }
}
