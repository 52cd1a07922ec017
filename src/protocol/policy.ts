// When a person is asked (OpenID Connect Core §3.1.2.3): the engine's prompts, with two changes. Whoever meets a client that is a metadata
// document is asked each time: nobody here knows it. And the engine asks the users of every `native`
// client each time; we ask wherever the redirect leads to something nobody can check: a private-use scheme or a loopback address.

import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import { looksLikeDocumentUrl } from '../clients/document-url.ts'
import { requestedScopes } from './consent.ts'

const { Check, base } = interactionPolicy

/** True: whoever listens there cannot be told from the client (RFC 8252 §8.6). */
export function leadsToUncheckable(redirectUri: unknown): boolean {
  return typeof redirectUri !== 'string' || URL.parse(redirectUri)?.protocol !== 'https:'
}

export function createInteractionPolicy() {
  const prompts = base()
  const consent = prompts.get('consent')
  if (consent === undefined) throw new Error('the engine has no consent prompt')
  // the engine tells only what is missing; whoever is asked again (prompt=consent, or the check below) sees all of it again
  consent.details = ctx => ({ requestedResourceScopes: requestedScopes(ctx.oidc).resources })
  consent.checks.remove('native_client_prompt')
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
