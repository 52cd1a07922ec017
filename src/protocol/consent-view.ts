// What a person sees who is asked for consent, out of the engine's interaction: what is in question, what may be left out of it, what was
// allowed before, and what a grant that the client manages loses. Owns the arithmetic; the answer is interactions.ts.

import type { Provider } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import { type AuthorizationDetail, equalValues } from '../oauth/authorization-details.ts'
import { commonScopes, isOpenidScope, missingScopes } from '../oauth/scope.ts'
import type { ConsentedScopes } from '../store/consents.ts'
import type { GrantStore } from '../store/grants.ts'
import type { ManagedGrantStore } from '../store/managed-grants.ts'
import { declinedAt, declinedOf, optionalOf } from './consent-choice.ts'
import { requestedAccess } from './engine-pages.ts'
import { detailsOf, type GrantAction, scopesOf as managedScopes } from './grant-change.ts'
import type {
  ConsentAnswer,
  InteractionDetails,
  RequestedAccess,
  ScopeChoice,
  ShownGrantChange
} from './ports.ts'
import { claimsAsked, scopesOfClaims } from './requested-claims.ts'
import type { ResourceCatalogue } from './resources.ts'

export type EngineInteraction = Awaited<ReturnType<Provider['interactionDetails']>>

/** What a person is asked for. */
type Access = ConsentedScopes & { details: AuthorizationDetail[] }

const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
const nothing: ConsentedScopes = { openid: [], resources: {} }

/**
 * What the consent prompt is about: the OpenID scopes, those of single claims, and scopes by resource that it found missing (engine:
 * interaction_policy/prompts/consent.js), or, where nothing is missing, all that this request asks for (policy.ts).
 */
function accessInQuestion(interaction: EngineInteraction): Access {
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes, missingDetails } =
    promptDetails(interaction)
  const missing = missingOIDCScope ?? missingOIDCClaims ?? missingResourceScopes ?? missingDetails
  if (missing === undefined) return accessAsked(interaction)
  const openid = new Set([...(missingOIDCScope ?? []), ...scopesOfClaims(missingOIDCClaims ?? [])])
  return {
    openid: [...openid],
    resources: missingResourceScopes ?? {},
    details: missingDetails ?? []
  }
}

function promptDetails(interaction: EngineInteraction) {
  return interaction.prompt.details as {
    missingOIDCScope?: string[]
    missingOIDCClaims?: string[]
    missingResourceScopes?: Record<string, string[]>
    requestedResourceScopes?: Record<string, string[]>
    missingDetails?: AuthorizationDetail[]
    requestedDetails?: AuthorizationDetail[]
  }
}

/** All that this request asks for. The engine has left out what it will not give, such as `offline_access` without `prompt=consent`. */
export function accessAsked(interaction: EngineInteraction): Access {
  const scopes = (text(interaction.params['scope']) ?? '').split(' ').filter(isOpenidScope)
  return {
    openid: [...new Set([...scopes, ...scopesOfClaims(claimsAsked(interaction.params['claims']))])],
    resources: promptDetails(interaction).requestedResourceScopes ?? {},
    details: promptDetails(interaction).requestedDetails ?? []
  }
}

/** What of `scopes` is in `others`, too, or is not. */
function compared(scopes: ConsentedScopes, others: ConsentedScopes, which: 'common' | 'missing') {
  const pick = which === 'common' ? commonScopes : missingScopes
  return {
    openid: pick(scopes.openid, others.openid),
    resources: Object.fromEntries(
      Object.entries(scopes.resources).map(([identifier, names]) => [
        identifier,
        pick(names, others.resources[identifier] ?? [])
      ])
    )
  }
}

/** What of the details does not stand among the others. */
function withoutThose(details: AuthorizationDetail[], others: AuthorizationDetail[]) {
  return details.filter(detail => !others.some(one => equalValues(one, detail)))
}

/** The action of a request on a grant that its client manages; it was judged before the page came (grant-management.ts). */
export function actionOf({ params }: EngineInteraction): GrantAction | undefined {
  return params['grant_management_action'] as GrantAction | undefined
}

function accessTo({ openid, resources }: ConsentedScopes): RequestedAccess[] {
  const byResource = Object.entries(resources).map(([identifier, scopes]) => ({
    identifier,
    scopes
  }))
  const scopes = new Set([...openid, ...byResource.flatMap(each => each.scopes)])
  return requestedAccess([...scopes], isOpenidScope, byResource)
}

/** All of both. */
function joined(one: ConsentedScopes, other: ConsentedScopes): ConsentedScopes {
  const identifiers = new Set([...Object.keys(one.resources), ...Object.keys(other.resources)])
  return {
    openid: [...new Set([...one.openid, ...other.openid])],
    resources: Object.fromEntries(
      [...identifiers].map(identifier => [
        identifier,
        [...new Set([...(one.resources[identifier] ?? []), ...(other.resources[identifier] ?? [])])]
      ])
    )
  }
}

/** The boxes of the page. What was left out before is not ticked. */
function choicesAmong(optional: ConsentedScopes, declined: ConsentedScopes): ScopeChoice[] {
  const start = (scope: string, left: readonly string[] = []) =>
    left.includes(scope) ? ('unticked' as const) : ('ticked' as const)
  return [
    ...optional.openid.map(scope => ({ scope, start: start(scope, declined.openid) })),
    ...Object.entries(optional.resources).flatMap(([resource, scopes]) =>
      scopes.map(scope => ({ resource, scope, start: start(scope, declined.resources[resource]) }))
    )
  ]
}

export interface ConsentView {
  shown: Pick<
    InteractionDetails,
    | 'requested'
    | 'allowedBefore'
    | 'requestedDetails'
    | 'detailsAllowedBefore'
    | 'grantChange'
    | 'choices'
  >
  /** what this request may do after the person's answer, and what of it they left out */
  answered(answer: ConsentAnswer): { granted: Access; declined: ConsentedScopes }
}

export function createConsentView(deps: {
  grants: Pick<GrantStore, 'findConsent'>
  managed: Pick<ManagedGrantStore, 'find'>
  resources: Pick<ResourceCatalogue, 'optionalScopesOf'>
}) {
  /**
   * What a person is asked, and shown beside it: what was asked and is not in question, they have allowed before. Of a grant that the client
   * manages that is what the grant holds, and nothing else. What they declined before is no reason to ask, but where the page comes anyway it
   * stands there, unticked.
   */
  return async (interaction: EngineInteraction, client: RegisteredClient): Promise<ConsentView> => {
    const asked = accessAsked(interaction)
    const inQuestion = accessInQuestion(interaction)
    const action = actionOf(interaction)
    const accountId = interaction.session?.accountId
    const { grant_id: id, client_id: clientId } = interaction.params
    const known =
      action === 'merge' || action === 'replace'
        ? await deps.managed.find(String(id), String(clientId))
        : undefined
    // nobody is shown what another person allowed
    const base = known?.accountId === accountId ? known : undefined
    const held = base === undefined ? undefined : managedScopes(base)
    const grantChange = (takenAway: ConsentedScopes): ShownGrantChange | undefined =>
      action && { action, takenAway: accessTo(takenAway) }

    // what a grant that the client manages holds is asked for each time
    const consent =
      action === undefined && accountId !== undefined
        ? await deps.grants.findConsent(accountId, client.clientId)
        : undefined
    const declined = consent?.declined ?? nothing

    const fresh = held && compared(asked, held, 'missing')
    const isNew = fresh !== undefined && accessTo(fresh).length > 0
    // whoever is asked again for what is there already sees what is asked for
    const question =
      fresh === undefined
        ? joined(inQuestion, compared(asked, declined, 'common'))
        : isNew
          ? fresh
          : asked
    const optional = optionalOf(question, client, deps.resources)

    function beside(): ConsentedScopes {
      if (held === undefined) return compared(asked, question, 'missing')
      if (action === 'merge') return compared(held, isNew ? question : asked, 'missing')
      return isNew ? compared(asked, held, 'common') : nothing
    }

    return {
      shown: {
        requested: accessTo(question),
        choices: choicesAmong(optional, declined),
        allowedBefore: accessTo(beside()),
        requestedDetails: held === undefined ? inQuestion.details : asked.details,
        detailsAllowedBefore:
          held === undefined
            ? withoutThose(asked.details, inQuestion.details)
            : // a merged grant keeps what it holds
              action === 'merge'
              ? withoutThose(detailsOf(base), asked.details)
              : [],
        grantChange: grantChange(
          held === undefined || action === 'merge' ? nothing : compared(held, asked, 'missing')
        )
      },

      answered(answer) {
        const left = declinedOf(optional, answer)
        const all = joined(joined(inQuestion, { openid: asked.openid, resources: {} }), question)
        const declined = declinedAt(left, all.resources)
        return {
          granted: { ...compared(all, declined, 'missing'), details: inQuestion.details },
          declined
        }
      }
    }
  }
}
