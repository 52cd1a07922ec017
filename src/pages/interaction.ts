// Sign-in and consent: GET and POST /interaction/:uid. One address for both, so that reload, Back and the language menu always find the page
// again; a hidden `prompt` says which form was sent. Owns the way from a posted form to the port and back (303: a
// browser must not post the password on). Refuses forms that are not ours before the account is looked at.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { InteractionDetails, Interactions } from '../protocol/ports.ts'
import type { DetailTypeView } from '../views/authorization-details.ts'
import type { ResourceView } from '../views/client.ts'
import { renderConsent } from '../views/consent.ts'
import type { Site } from '../views/layout.ts'
import { renderErrorPage } from './error-page.ts'
import { fromOurOwnPage, readFields } from './form-guard.ts'
import { pageHeaders } from './headers.ts'
import type { SignInFlow, SignInPlace } from './sign-in-flow.ts'
import { frameOf, hintsOf } from './site.ts'

export interface InteractionDependencies {
  interactions: Interactions
  signIn: SignInFlow
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
  const { interactions, site, issuer } = deps

  app.get('/interaction/:uid', async (request, reply) => {
    const asked = await find({ request, reply })
    if (asked === undefined) return expired({ request, reply })
    return asked.details.prompt === 'login' ? deps.signIn.show(placeOf(asked)) : showConsent(asked)
  })

  app.post('/interaction/:uid', async (request, reply) => {
    if (!fromOurOwnPage(request.headers, issuer)) return refuse({ request, reply })
    const fields = readFields(request.body, ['csrf', 'decline', ...deps.signIn.fields])
    if (fields === undefined) {
      return renderErrorPage(
        { site, issuer, request, reply },
        { status: 400, error: 'invalid_form' }
      )
    }
    const asked = await find({ request, reply })
    if (asked === undefined) return expired({ request, reply })
    if (!interactions.verifyCsrf(asked.details, fields['csrf'])) return refuse(asked)
    // A form left over from the step before: show where the person is now.
    const consents = fields['prompt'] === 'consent'
    if (consents !== (asked.details.prompt === 'consent')) return onward(reply, asked.path)
    if (fields['decline'] !== '') {
      return onward(reply, await interactions.decline(request.raw, reply.raw))
    }
    if (consents) return onward(reply, await interactions.consent(request.raw, reply.raw))
    return deps.signIn.answer(placeOf(asked), fields)
  })

  done()

  async function find({ request, reply }: Exchange): Promise<Asked | undefined> {
    const { uid } = request.params as { uid: string }
    const details = await interactions.details(request.raw, reply.raw)
    // The cookie says which interaction this browser is in, the address which one the form is for: they must be one.
    if (details === undefined || details.uid !== uid) return undefined
    return { request, reply, details, path: `${site.basePath}/interaction/${uid}` }
  }

  /** Where the person signs in. The interaction's cookie is this browser's alone, so its name is the flow's. */
  function placeOf(asked: Asked): SignInPlace {
    const { request, reply, details, path } = asked
    const { clientId, name } = details.client
    return {
      request,
      reply,
      frame: frame(asked),
      flow: details.uid,
      client: { clientId, name },
      action: path,
      address: path,
      csrf: details.csrf,
      carried: {},
      loginHint: details.loginHint,
      demand: { clientId, ...details.demand },
      signedIn: details.signedIn,
      headers: 'onward',
      finish: proved => interactions.login(request.raw, reply.raw, proved)
    }
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
        allowedBefore: details.allowedBefore,
        requestedDetails: details.requestedDetails,
        detailsAllowedBefore: details.detailsAllowedBefore,
        detailTypes: deps.detailTypes,
        takenAway: details.grantChange?.takenAway,
        lasts: details.lasts,
        resources: deps.resources,
        accountName: accountId === undefined ? undefined : await deps.accountName(accountId)
      })
    )
  }

  function frame({ request, details, path }: Asked) {
    return frameOf(site, hintsOf(request.headers, details.uiLocales), path)
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
