// Sign-in and consent: GET and POST /interaction/:uid. One address for both, so that reload, Back and the language menu always find the page
// again; a hidden `prompt` says which form was sent. Owns the way from a posted form to the port and back (303: a
// browser must not post the password on). Refuses forms that are not ours before the account is looked at.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { InteractionDetails, Interactions } from '../protocol/ports.ts'
import type { DetailTypeView } from '../views/authorization-details.ts'
import type { ResourceView } from '../views/client.ts'
import { renderConsent } from '../views/consent.ts'
import type { Site } from '../views/layout.ts'
import { type ChoicePlace, type Chooser, choosePrompt } from './chooser.ts'
import { renderErrorPage } from './error-page.ts'
import { fromOurOwnPage, readFields } from './form-guard.ts'
import { pageHeaders } from './headers.ts'
import type { SignInFlow, SignInPlace } from './sign-in-flow.ts'
import { frameOf, hintsOf } from './site.ts'

export interface InteractionDependencies {
  interactions: Interactions
  signIn: SignInFlow
  chooser: Chooser
  /** how a person knows their account: e-mail, login or name */
  accountName(accountId: string): Promise<string | undefined>
  site: Site
  issuer: string
  resources: readonly ResourceView[]
  detailTypes: readonly DetailTypeView[]
}

type Exchange = { request: FastifyRequest; reply: FastifyReply }
type Asked = Exchange & { details: InteractionDetails; path: string }

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function interactionRoutes(
  app: FastifyInstance,
  deps: InteractionDependencies,
  done: () => void
) {
  const { interactions, chooser, site, issuer } = deps

  app.get('/interaction/:uid', async (request, reply) => {
    const asked = await find({ request, reply })
    if (asked === undefined) return expired({ request, reply })
    const { prompt } = asked.details
    const screen = (request.query as Record<string, unknown>)['with']
    // also whoever is asked for something else may say that it is another account which should go on
    if (screen === choosePrompt || (screen === undefined && prompt === 'account')) {
      const document = await chooser.page(choiceOf(asked))
      if (document !== undefined) return show(asked, document)
    }
    if (prompt === 'consent' && screen === undefined) return showConsent(asked)
    return deps.signIn.show(await placeOf(asked))
  })

  app.post('/interaction/:uid', async (request, reply) => {
    if (!fromOurOwnPage(request.headers, issuer)) return refuse({ request, reply })
    const fields = readFields(request.body, [
      'csrf',
      'decline',
      'account',
      'lasts',
      ...deps.signIn.fields
    ])
    if (fields === undefined) {
      return renderErrorPage(
        { site, issuer, request, reply },
        { status: 400, error: 'invalid_form' }
      )
    }
    const asked = await find({ request, reply })
    if (asked === undefined) return expired({ request, reply })
    if (!interactions.verifyCsrf(asked.details, fields['csrf'])) return refuse(asked)
    const declines = fields['decline'] !== ''
    if (fields['prompt'] === choosePrompt && !declines)
      return choose(asked, fields['account'] ?? '')
    // A form left over from the step before: show where the person is now. Another account may sign in at any step.
    const consents = fields['prompt'] === 'consent'
    const switches = (request.query as Record<string, unknown>)['with'] !== undefined
    if (consents !== (asked.details.prompt === 'consent') && !switches && !declines) {
      return onward(reply, asked.path)
    }
    if (declines) return onward(reply, await interactions.decline(request.raw, reply.raw))
    if (consents) {
      const answer = {
        ticked: tickedIn(request.body),
        lasts: fields['lasts'] === 'seven_days' ? 'seven days' : 'until removed'
      } as const
      return onward(reply, await interactions.consent(request.raw, reply.raw, answer))
    }
    return deps.signIn.answer(await placeOf(asked), fields)
  })

  done()

  async function find({ request, reply }: Exchange): Promise<Asked | undefined> {
    const { uid } = request.params as { uid: string }
    const details = await interactions.details(request.raw, reply.raw)
    // The cookie says which interaction this browser is in, the address which one the form is for: they must be one.
    if (details === undefined || details.uid !== uid) return undefined
    return { request, reply, details, path: `${site.basePath}/interaction/${uid}` }
  }

  /**
   * Where the person signs in. The interaction's cookie is this browser's alone, so its name is the flow's. Where something else comes first at
   * the interaction's address, signing in has an address beside it.
   */
  async function placeOf(asked: Asked): Promise<SignInPlace> {
    const { request, reply, details } = asked
    const { clientId, name } = details.client
    const address = details.prompt === 'login' ? asked.path : anotherAt(asked)
    // whoever has been chosen, and is asked to sign in again, is known by name
    const chosen = details.prompt === 'login' && details.chosen ? details.accountId : undefined
    return {
      request,
      reply,
      frame: frame(asked, address),
      flow: details.uid,
      client: { clientId, name },
      action: address,
      address,
      csrf: details.csrf,
      carried: {},
      loginHint: chosen === undefined ? details.loginHint : await deps.accountName(chosen),
      demand: { clientId, ...details.demand },
      freshness: details.freshness,
      signedIn: details.signedIn,
      headers: 'onward',
      finish: proved => interactions.login(request.raw, reply.raw, proved)
    }
  }

  const anotherAt = ({ path }: Asked) => `${path}?with=login`

  function choiceOf(asked: Asked): ChoicePlace {
    const { request, reply, details, path } = asked
    const { clientId, name } = details.client
    return {
      ...{ request, reply, frame: frame(asked, `${path}?with=${choosePrompt}`) },
      client: { clientId, name },
      action: path,
      csrf: details.csrf,
      carried: {},
      another: anotherAt(asked)
    }
  }

  async function choose(asked: Asked, account: string) {
    const { request, reply, path } = asked
    const to = await interactions.choose(request.raw, reply.raw, account)
    if (to !== undefined) return onward(reply, to)
    const document = await chooser.page(choiceOf(asked), 'gone')
    if (document === undefined) return onward(reply, path)
    reply.code(409)
    return show(asked, document)
  }

  async function showConsent(asked: Asked) {
    const { details, path } = asked
    const { accountId } = details
    return show(
      asked,
      renderConsent(frame(asked), {
        action: path,
        csrf: details.csrf,
        client: details.client,
        requested: details.requested,
        choices: details.choices,
        allowedBefore: details.allowedBefore,
        requestedDetails: details.requestedDetails,
        detailsAllowedBefore: details.detailsAllowedBefore,
        detailTypes: deps.detailTypes,
        takenAway: details.grantChange?.takenAway,
        lasts: details.lasts,
        resources: deps.resources,
        accountName: accountId === undefined ? undefined : await deps.accountName(accountId),
        switchAccount: `${path}?with=${choosePrompt}`
      })
    )
  }

  function frame({ request, details, path }: Asked, address = path) {
    return frameOf(site, hintsOf(request.headers, details.uiLocales), address)
  }

  function show({ reply }: Exchange, document: string) {
    return reply
      .headers(pageHeaders('onward', issuer))
      .type('text/html; charset=utf-8')
      .send(document)
  }

  function onward(reply: FastifyReply, url: string) {
    return reply.headers(pageHeaders('onward', issuer)).redirect(url, 303)
  }

  function expired(exchange: Exchange) {
    return renderErrorPage(
      { site, issuer, ...exchange },
      { status: 404, error: 'interaction_expired' }
    )
  }

  function refuse(exchange: Exchange & { path?: string }) {
    exchange.request.log.warn({ reason: 'cross_site_or_csrf' }, 'form refused')
    return renderErrorPage(
      { site, issuer, request: exchange.request, reply: exchange.reply },
      { status: 403, error: 'form_expired', tryAgain: exchange.path }
    )
  }
}

/** The boxes that were ticked; what they mean, and whether they were offered, is not judged here (`readFields` has looked at the form). */
function tickedIn(body: unknown): string[] {
  return Object.entries(body as Record<string, string>).flatMap(([field, value]) =>
    /^allow-\d{1,3}$/.test(field) ? [value] : []
  )
}
