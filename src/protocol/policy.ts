// When a person is asked (OpenID Connect Core §3.1.2.3): the engine's prompts, with two changes. Whoever meets a client that is a metadata
// document is asked each time: nobody here knows it. And the engine asks the users of every `native`
// client each time; we ask wherever the redirect leads to something nobody can check: a private-use scheme or a loopback address.

import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import { looksLikeDocumentUrl } from '../clients/document-url.ts'
import { type AuthorizationDetail, uncoveredDetails } from '../oauth/authorization-details.ts'
import type { AuthenticationContexts } from './authentication-context.ts'
import type { DetailCatalogue } from './authorization-details.ts'
import { requestedScopes } from './consent.ts'

const { Check, Prompt, base } = interactionPolicy

/** True: whoever listens there cannot be told from the client (RFC 8252 §8.6). */
export function leadsToUncheckable(redirectUri: unknown): boolean {
  return typeof redirectUri !== 'string' || URL.parse(redirectUri)?.protocol !== 'https:'
}

export function createInteractionPolicy(ofLogin: {
  details: Pick<DetailCatalogue, 'asked'>
  /** how strongly a person must have signed in */
  strength: Pick<AuthenticationContexts, 'check' | 'secondFactorCheck' | 'demandOf'>
  /** who must have */
  subject: InstanceType<typeof Check>
}) {
  const prompts = base()
  const login = prompts.get('login')
  if (login === undefined) throw new Error('the engine has no login prompt')
  const replaced = ['essential_acrs', 'essential_acr', 'id_token_hint', 'claims_id_token_sub_value']
  for (const reason of replaced) login.checks.remove(reason)
  login.checks.add(ofLogin.subject)
  login.checks.add(ofLogin.strength.check)
  login.checks.add(ofLogin.strength.secondFactorCheck)
  // whatever the reason: whoever signs in for this request brings what it demands
  const demand = ({ oidc }: KoaContextWithOIDC) => ({ demand: ofLogin.strength.demandOf(oidc) })
  login.details = demand
  // Core §3.1.2.1 select_account: there is one account at a browser, so another one is chosen by signing in, at the page of every sign-in
  prompts.add(new Prompt({ name: 'select_account', requestable: true }, demand), 1)
  const consent = prompts.get('consent')
  if (consent === undefined) throw new Error('the engine has no consent prompt')
  // the engine tells only what is missing; whoever is asked again (prompt=consent, or the check below) sees all of it again
  consent.details = ctx => ({
    requestedResourceScopes: requestedScopes(ctx.oidc).resources,
    requestedDetails: ofLogin.details.asked(ctx.oidc.params)
  })
  consent.checks.remove('native_client_prompt')
  // the engine asks each time; what was allowed is in the grant (consent.ts)
  consent.checks.remove('rar_prompt')
  const missingDetails = ({ oidc }: KoaContextWithOIDC) =>
    uncoveredDetails(
      ofLogin.details.asked(oidc.params),
      (oidc.grant?.rar ?? []) as AuthorizationDetail[]
    )
  consent.checks.add(
    new Check(
      'details_missing',
      'requested authorization_details not granted',
      'consent_required',
      ctx => (missingDetails(ctx).length > 0 ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT),
      ctx => ({ missingDetails: missingDetails(ctx) })
    )
  )
  consent.checks.add(
    new Check(
      'uncheckable_redirect',
      'clients that nobody here knows, or whose redirect URI cannot be verified, require interaction',
      'interaction_required',
      (ctx: KoaContextWithOIDC) => {
        const { oidc } = ctx
        // a device has no redirect: its own confirmation page asked already, consent is remembered
        const asked = oidc.result?.consent !== undefined
        const redirects = oidc.params?.['response_type'] !== undefined
        const unknown = looksLikeDocumentUrl(oidc.client?.clientId ?? '')
        return redirects && !asked && (unknown || leadsToUncheckable(oidc.params?.['redirect_uri']))
          ? Check.REQUEST_PROMPT
          : Check.NO_NEED_TO_PROMPT
      }
    ),
    0
  )
  return prompts
}
