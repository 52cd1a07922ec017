// The interactions of a person with the authorization endpoint, as pages use them (ports.ts). Each answer is one unit of work: the result
// is saved for the engine to resume with, consent is a row of its own, and both are there before the browser is sent on.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { errors, type Provider } from 'oidc-provider'
import { Fault } from '../lib/fault.ts'
import { equalConstantTime, hmac } from '../lib/secret.ts'
import type { GrantStore } from '../store/grants.ts'
import type { ManagedGrantStore } from '../store/managed-grants.ts'
import { strengthReasons } from './authentication-context.ts'
import type { DetailCatalogue } from './authorization-details.ts'
import type { ClientSource } from './client.ts'
import { knownAs, secondsOf } from './consent-choice.ts'
import { accessAsked, actionOf, createConsentView, type EngineInteraction } from './consent-view.ts'
import { shownClient } from './engine-pages.ts'
import type { InteractionDetails, Interactions, RequestedStrength } from './ports.ts'
import type { RequestFactsBook } from './request-facts.ts'
import type { ResourceCatalogue } from './resources.ts'
import type { EngineSession, SessionChanges } from './session-changes.ts'
import { noteEffect, noteEvidence, type UnitOfWork, type UnitOfWorkRunner } from './unit-of-work.ts'

const prompts: Partial<Record<string, InteractionDetails['prompt']>> = {
  consent: 'consent',
  select_account: 'account'
}

const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

/** What was found when the request came (policy.ts). */
function demandOf({ prompt }: EngineInteraction): RequestedStrength {
  return (prompt.details as { demand?: RequestedStrength }).demand ?? {}
}

/** OpenID Connect Core §3.1.2.1; `max_age` is also a client's `default_max_age`. Whatever made this prompt, another provider's session may be old. */
function freshnessOf({ params }: EngineInteraction): 'any' | 'again' {
  const asked = text(params['prompt'])?.split(' ') ?? []
  return asked.includes('login') || params['max_age'] !== undefined ? 'again' : 'any'
}

/** Whether the one thing that is missing is the strength of the sign-in that is there. */
function isStepUp({ prompt }: EngineInteraction): boolean {
  return prompt.name === 'login' && prompt.reasons.every(reason => strengthReasons.has(reason))
}

/** The engine keeps them, and its types say nothing of it. */
const amrOf = (session: object) => [...((session as { amr?: string[] }).amr ?? [])]

export function createInteractions(deps: {
  /** the engine as it is now: it is swapped when keys rotate */
  provider(): Provider
  clients: Pick<ClientSource, 'find'>
  grants: Pick<GrantStore, 'findConsent' | 'consentStatement' | 'shortenStatement'>
  details: Pick<DetailCatalogue, 'isRemembered'>
  managed: Pick<ManagedGrantStore, 'find'>
  changes: SessionChanges
  resources: Pick<ResourceCatalogue, 'optionalScopesOf'>
  units: UnitOfWorkRunner
  requests: RequestFactsBook
  /** the current key first; a form that was shown under another one is still taken */
  csrfKeys: () => Buffer[]
  issuer: string
}): Interactions {
  const { units, clients, grants, changes, requests, issuer } = deps
  const viewOf = createConsentView(deps)
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

  /** Saves an answer that another session goes on with, with the rest of the unit; the engine would look for that session in the database. */
  async function answer(
    interaction: EngineInteraction,
    session: EngineSession,
    result: object
  ): Promise<string> {
    const { accountId, uid, jti: cookie, acr, amr } = session
    Object.assign(interaction, { result, session: { accountId, uid, cookie, acr, amr } })
    await interaction.persist()
    return interaction.returnTo
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
    if (!isStepUp(interaction) || session?.accountId !== accountId) return undefined
    const known = await deps.provider().Session.findByUid(session.uid)
    return known?.loginTs
  }

  async function saidNo(unit: UnitOfWork, interaction: EngineInteraction) {
    noteEvidence(unit, {
      type: 'consent.declined',
      accountId: interaction.session?.accountId,
      clientId: text(interaction.params['client_id']),
      data: {}
    })
    if (!(await leadsBack(interaction.params))) return undefined
    // RFC 6749 §4.1.2.1: "The resource owner or authorization server denied the request."
    return { error: 'access_denied', error_description: 'the person declined the request' }
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
        const { shown } = await viewOf(interaction, row)
        const redirectUri = text(params['redirect_uri'])
        return {
          uid: interaction.uid,
          prompt: prompts[prompt.name] ?? 'login',
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
          chosen: interaction.lastSubmission?.select_account !== undefined,
          loginHint: text(params['login_hint']),
          freshness: freshnessOf(interaction),
          demand: demandOf(interaction),
          signedIn: isStepUp(interaction)
            ? session && { accountId: session.accountId, amr: amrOf(session) }
            : undefined,
          uiLocales: text(params['ui_locales']),
          csrf: csrfOf(interaction.uid).toString('base64url')
        }
      })
    },

    // the audit trail has it already: it was told before (pages/sign-in-flow.ts)
    async login(req, res, signedIn) {
      let to = `${issuer}/interaction/expired`
      const { accountId, amr } = signedIn
      const loginTs = await units.run(requests.of(req), async () => {
        const interaction = await load(req, res)
        return interaction && timeOf(interaction, accountId)
      })
      await changes.signIn(req, res, { accountId, amr, loginTs }, async (_, session) => {
        const interaction = await load(req, res)
        if (interaction === undefined) return
        to = await answer(interaction, session, {
          ...interaction.lastSubmission,
          login: { accountId, amr, ts: session.loginTs },
          // whoever signs in has chosen an account by that
          select_account: {}
        })
      })
      return to
    },

    // what was proved and allowed before was another's, maybe
    async choose(req, res, handle) {
      let to = `${issuer}/interaction/expired`
      const outcome = await changes.choose(req, res, handle, async (_, session) => {
        const interaction = await load(req, res)
        if (interaction === undefined) return
        to = await answer(interaction, session, { select_account: {} })
      })
      return outcome === 'gone' ? undefined : to
    },

    consent: (req, res, answer) =>
      finish(req, res, async (unit, interaction) => {
        const accountId = interaction.session?.accountId
        const clientId = text(interaction.params['client_id'])
        const client = clientId === undefined ? undefined : await clients.find(clientId)
        if (accountId === undefined || clientId === undefined || client === undefined) {
          return { error: 'access_denied', error_description: 'nobody is signed in' }
        }
        const view = await viewOf(interaction, client)
        const { granted, declined } = view.answered(answer)
        const scope = [...granted.openid, ...Object.values(granted.resources).flat()]
        const left = [...new Set([...declined.openid, ...Object.values(declined.resources).flat()])]
        // who leaves out all that there is to allow, has said no
        if (left.length > 0 && scope.length === 0 && granted.details.length === 0) {
          return saidNo(unit, interaction)
        }
        const action = actionOf(interaction)
        const lifetimeSeconds = secondsOf(answer)
        // what a grant that the client manages holds is remembered with that grant, and counts for no other
        if (action === undefined) {
          const kept = granted.details.filter(deps.details.isRemembered)
          // the last answer counts for all that this client has of the person; grants go before consents (order of locks)
          if (lifetimeSeconds !== undefined) {
            unit.effects.push(grants.shortenStatement(accountId, clientId, lifetimeSeconds))
          }
          unit.effects.push(
            grants.consentStatement(
              accountId,
              clientId,
              { ...granted, details: kept },
              {
                declined,
                knownAs: knownAs(client, interaction.params['redirect_uri']),
                lifetimeSeconds
              }
            )
          )
        }
        noteEffect(unit, {
          type: 'consent.granted',
          accountId,
          clientId,
          data: {
            scope,
            ...(left.length > 0 ? { declined: left } : {}),
            resource: Object.keys(granted.resources).filter(
              name => granted.resources[name]?.length
            ),
            // the types: what the details say is the person's and the client's
            details: granted.details.map(({ type }) => type),
            seconds: lifetimeSeconds,
            action,
            grant: text(interaction.params['grant_id'])
          }
        })
        // whose answer it is: another person may sign in before the request goes on (consent.ts)
        const held = { ...granted, declined, remainingSeconds: lifetimeSeconds }
        return { consent: action === undefined ? { accountId } : { accountId, granted: held } }
      }),

    decline: (req, res) => finish(req, res, saidNo),

    verifyCsrf(details, presented) {
      if (typeof presented !== 'string') return false
      const given = Buffer.from(presented, 'base64url')
      return deps.csrfKeys().some(key => equalConstantTime(csrfOf(details.uid, key), given))
    }
  }
}
