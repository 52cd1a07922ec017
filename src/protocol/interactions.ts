// The interactions of a person with the authorization endpoint, as pages use them (ports.ts). Each answer is one unit of work: the result
// is saved for the engine to resume with, consent is a row of its own, and both are there before the browser is sent on.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { errors, type Provider } from 'oidc-provider'
import { Fault } from '../lib/fault.ts'
import { equalConstantTime, hmac } from '../lib/secret.ts'
import { type AuthorizationDetail, equalValues } from '../oauth/authorization-details.ts'
import { commonScopes, isOpenidScope, missingScopes } from '../oauth/scope.ts'
import type { ConsentedScopes, GrantStore } from '../store/grants.ts'
import type { ManagedGrantStore } from '../store/managed-grants.ts'
import { strengthReasons } from './authentication-context.ts'
import type { DetailCatalogue } from './authorization-details.ts'
import type { ClientSource } from './client.ts'
import { requestedAccess, shownClient } from './engine-pages.ts'
import { detailsOf, type GrantAction, scopesOf as managedScopes } from './grant-change.ts'
import type {
  InteractionDetails,
  Interactions,
  RequestedAccess,
  RequestedStrength,
  ShownGrantChange
} from './ports.ts'
import type { RequestFactsBook } from './request-facts.ts'
import { claimsAsked, scopesOfClaims } from './requested-claims.ts'
import { noteEffect, noteEvidence, type UnitOfWork, type UnitOfWorkRunner } from './unit-of-work.ts'

type EngineInteraction = Awaited<ReturnType<Provider['interactionDetails']>>

/** What a person is asked for. */
type Access = ConsentedScopes & { details: AuthorizationDetail[] }

const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

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
function accessAsked(interaction: EngineInteraction): Access {
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
function actionOf({ params }: EngineInteraction): GrantAction | undefined {
  return params['grant_management_action'] as GrantAction | undefined
}

/** What was found when the request came (policy.ts). */
function demandOf({ prompt }: EngineInteraction): RequestedStrength {
  return (prompt.details as { demand?: RequestedStrength }).demand ?? {}
}

/** Whether the one thing that is missing is the strength of the sign-in that is there. */
function isStepUp({ prompt }: EngineInteraction): boolean {
  return prompt.name === 'login' && prompt.reasons.every(reason => strengthReasons.has(reason))
}

/** The engine keeps them, and its types say nothing of it. */
const amrOf = (session: object) => [...((session as { amr?: string[] }).amr ?? [])]

function accessTo({ openid, resources }: ConsentedScopes): RequestedAccess[] {
  const byResource = Object.entries(resources).map(([identifier, scopes]) => ({
    identifier,
    scopes
  }))
  const scopes = new Set([...openid, ...byResource.flatMap(each => each.scopes)])
  return requestedAccess([...scopes], isOpenidScope, byResource)
}

export function createInteractions(deps: {
  /** the engine as it is now: it is swapped when keys rotate */
  provider(): Provider
  clients: Pick<ClientSource, 'find'>
  grants: Pick<GrantStore, 'consentStatement'>
  details: Pick<DetailCatalogue, 'isRemembered'>
  managed: Pick<ManagedGrantStore, 'find'>
  units: UnitOfWorkRunner
  requests: RequestFactsBook
  /** the current key first; a form that was shown under another one is still taken */
  csrfKeys: () => Buffer[]
  issuer: string
}): Interactions {
  const { units, clients, grants, managed, requests, issuer } = deps
  const csrfOf = (uid: string, key = deps.csrfKeys()[0]) => {
    if (key === undefined) throw new Fault('key_unavailable', 'No key for forms is in use.')
    return hmac(key, 'interaction', uid)
  }

  /** Undefined: unknown, expired, already used, or of another browser. */
  async function load(req: IncomingMessage, res: ServerResponse) {
    try {
      return await deps.provider().interactionDetails(req, res)
    } catch (error) {
      if (error instanceof errors.SessionNotFound) return undefined
      throw error
    }
  }

  /** Saves the person's answer and tells where to go on; without a result, nowhere. */
  async function finish(
    req: IncomingMessage,
    res: ServerResponse,
    work: (
      unit: UnitOfWork,
      interaction: EngineInteraction
    ) => Promise<Parameters<Provider['interactionResult']>[2] | undefined>
  ): Promise<string> {
    return units.run(requests.of(req), async unit => {
      const interaction = await load(req, res)
      if (interaction === undefined) return `${issuer}/interaction/expired`
      const result = await work(unit, interaction)
      if (result === undefined) {
        await units.send(unit, 'with effects')
        return `${issuer}/interaction/expired`
      }
      const to = await deps.provider().interactionResult(req, res, result, {
        mergeWithLastSubmission: true
      })
      await units.send(unit, 'with effects')
      return to
    })
  }

  /** The engine checks the address when a request comes, and not when it is answered: by then the client may have given it up. */
  async function leadsBack({ client_id, redirect_uri }: Record<string, unknown>) {
    const client = await deps.provider().Client.find(text(client_id) ?? '')
    const address = text(redirect_uri)
    return address === undefined || client?.redirectUriAllowed(address) === true
  }

  /**
   * A factor more makes a sign-in stronger, and not younger (ASVS v5.0.0 §7.5.1): `auth_time` stays, so that nobody who has the factor alone
   * passes for somebody who signed in a moment ago.
   */
  async function timeOf(interaction: EngineInteraction, accountId: string) {
    const { session } = interaction
    if (!isStepUp(interaction) || session?.accountId !== accountId) return {}
    const known = await deps.provider().Session.findByUid(session.uid)
    return known?.loginTs === undefined ? {} : { ts: known.loginTs }
  }

  /** Everything that this request may do, if the person allows it: remembered so that the next time only what is new is asked. */
  function consented(interaction: EngineInteraction): Access {
    const inQuestion = accessInQuestion(interaction)
    return {
      openid: [...new Set([...inQuestion.openid, ...accessAsked(interaction).openid])],
      resources: inQuestion.resources,
      details: inQuestion.details
    }
  }

  /**
   * What a person is asked, and shown beside it: what was asked and is not in question, they have allowed before. Of a grant that the client
   * manages that is what the grant holds, and nothing else.
   */
  async function inView(
    interaction: EngineInteraction
  ): Promise<
    Pick<
      InteractionDetails,
      'requested' | 'allowedBefore' | 'requestedDetails' | 'detailsAllowedBefore' | 'grantChange'
    >
  > {
    const asked = accessAsked(interaction)
    const inQuestion = accessInQuestion(interaction)
    const action = actionOf(interaction)
    const { grant_id: id, client_id: clientId } = interaction.params
    const known =
      action === 'merge' || action === 'replace'
        ? await managed.find(String(id), String(clientId))
        : undefined
    // nobody is shown what another person allowed
    const base = known?.accountId === interaction.session?.accountId ? known : undefined
    const held = base === undefined ? undefined : managedScopes(base)
    const grantChange = (takenAway: ConsentedScopes): ShownGrantChange | undefined =>
      action && { action, takenAway: accessTo(takenAway) }
    const nothing = { openid: [], resources: {} }
    if (held === undefined) {
      const allowedBefore = accessTo(compared(asked, inQuestion, 'missing'))
      return {
        requested: accessTo(inQuestion),
        allowedBefore,
        requestedDetails: inQuestion.details,
        detailsAllowedBefore: withoutThose(asked.details, inQuestion.details),
        grantChange: grantChange(nothing)
      }
    }
    // whoever is asked again for what is there already sees what is asked for
    const fresh = compared(asked, held, 'missing')
    const isNew = accessTo(fresh).length > 0
    const beside =
      action === 'merge'
        ? compared(held, isNew ? fresh : asked, 'missing')
        : compared(asked, held, 'common')
    return {
      requested: accessTo(isNew ? fresh : asked),
      allowedBefore: accessTo(action === 'merge' || isNew ? beside : nothing),
      requestedDetails: asked.details,
      // a merged grant keeps what it holds
      detailsAllowedBefore: action === 'merge' ? withoutThose(detailsOf(base), asked.details) : [],
      grantChange: grantChange(action === 'merge' ? nothing : compared(held, asked, 'missing'))
    }
  }

  return {
    async details(req, res) {
      return units.run(requests.of(req), async (): Promise<InteractionDetails | undefined> => {
        const interaction = await load(req, res)
        if (interaction === undefined) return undefined
        const { params, prompt, session } = interaction
        const row = await clients.find(text(params['client_id']) ?? '')
        if (row === undefined) return undefined
        const asked = accessAsked(interaction)
        const shown = await inView(interaction)
        const redirectUri = text(params['redirect_uri'])
        return {
          uid: interaction.uid,
          prompt: prompt.name === 'consent' ? 'consent' : 'login',
          client: {
            ...shownClient(row, redirectUri),
            // a device flow leads nowhere: its person stays on our pages (RFC 8628 §3.3)
            ...(redirectUri === undefined ? { redirectHost: '' } : {})
          },
          ...shown,
          // what the grant will hold, whenever it was allowed (consent.ts). Without this scope a refresh token of a client that always
          // gets one (`refresh_tokens`) ends with the session, too
          lasts: asked.openid.includes('offline_access') ? 'offline' : 'until sign-out',
          accountId: session?.accountId,
          loginHint: text(params['login_hint']),
          demand: demandOf(interaction),
          signedIn: isStepUp(interaction)
            ? session && { accountId: session.accountId, amr: amrOf(session) }
            : undefined,
          uiLocales: text(params['ui_locales']),
          csrf: csrfOf(interaction.uid).toString('base64url')
        }
      })
    },

    // the audit trail has it already: the authenticator wrote it down (accounts/authenticate.ts)
    login: (req, res, signedIn) =>
      finish(req, res, async (_unit, interaction) => ({
        login: {
          ...{ accountId: signedIn.accountId, amr: signedIn.amr },
          ...(await timeOf(interaction, signedIn.accountId))
        },
        // whoever signs in has chosen an account by that
        select_account: {}
      })),

    consent: (req, res) =>
      finish(req, res, async (unit, interaction) => {
        const accountId = interaction.session?.accountId
        const clientId = text(interaction.params['client_id'])
        if (accountId === undefined || clientId === undefined) {
          return { error: 'access_denied', error_description: 'nobody is signed in' }
        }
        const granted = consented(interaction)
        const action = actionOf(interaction)
        // what a grant that the client manages holds is remembered with that grant, and counts for no other
        if (action === undefined) {
          const kept = granted.details.filter(deps.details.isRemembered)
          unit.effects.push(
            grants.consentStatement(accountId, clientId, { ...granted, details: kept })
          )
        }
        noteEffect(unit, {
          type: 'consent.granted',
          accountId,
          clientId,
          data: {
            scope: [...granted.openid, ...Object.values(granted.resources).flat()],
            resource: Object.keys(granted.resources),
            // the types: what the details say is the person's and the client's
            details: granted.details.map(({ type }) => type),
            action,
            grant: text(interaction.params['grant_id'])
          }
        })
        // whose answer it is: another person may sign in before the request goes on (consent.ts)
        return { consent: action === undefined ? { accountId } : { accountId, granted } }
      }),

    decline: (req, res) =>
      finish(req, res, async (unit, interaction) => {
        noteEvidence(unit, {
          type: 'consent.declined',
          accountId: interaction.session?.accountId,
          clientId: text(interaction.params['client_id']),
          data: {}
        })
        if (!(await leadsBack(interaction.params))) return undefined
        // RFC 6749 §4.1.2.1: "The resource owner or authorization server denied the request."
        return { error: 'access_denied', error_description: 'the person declined the request' }
      }),

    verifyCsrf(details, presented) {
      if (typeof presented !== 'string') return false
      const given = Buffer.from(presented, 'base64url')
      return deps.csrfKeys().some(key => equalConstantTime(csrfOf(details.uid, key), given))
    }
  }
}
