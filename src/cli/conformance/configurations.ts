// The two halves of a conformance run: the configuration that the suite takes for one plan, and the one that this server runs with for some
// plans. What a plan does not need is not switched on (security D-19). Pure: everything comes in.

import { createAutomation } from './automation.ts'
import {
  clientIds,
  declaredClients,
  type Place,
  person,
  suiteClient,
  suitePath
} from './clients.ts'
import type { Credentials } from './credentials.ts'
import type { Cast, Plan } from './plans.ts'

/** The suite as the OpenID Foundation runs it; others are in somebody's own network, where this server fetches nothing by itself. */
const foundation = /(^|\.)certification\.openid\.net$/

const showsCertificate = (cast: Cast) => cast === 'mtls' || cast.startsWith('ciba')

/** What stands in the suite's field «configuration» for this plan. */
export function suiteConfiguration(
  plan: Plan,
  place: Place,
  credentials: Credentials
): Record<string, unknown> {
  const { cast } = plan
  const { issuer, alias } = place
  const automation = createAutomation(place, credentials.password())
  const server = {
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    login_hint: person.login
  }
  const head = { alias, description: `mintmark, ${plan.name}`, server }
  if (cast === 'none') return head
  const { first, second, post } = clientIds[cast]
  const certificate = (clientId: string) => credentials.certificate(clientId)
  return {
    ...head,
    ...(first === undefined
      ? {
          client: { client_name: 'Conformance suite' },
          client2: { client_name: 'Conformance suite, the second' }
        }
      : { client: suiteClient(cast, first, credentials) }),
    ...(second === undefined ? {} : { client2: suiteClient(cast, second, credentials) }),
    ...(post === undefined ? {} : { client_secret_post: suiteClient(cast, post, credentials) }),
    ...(showsCertificate(cast) && first !== undefined && second !== undefined
      ? { mtls: certificate(first), mtls2: certificate(second) }
      : {}),
    // the API that the profiles call with their tokens is our own
    ...(plan.strictness === 'any end' ? { resource: { resourceUrl: `${issuer}/userinfo` } } : {}),
    browser: automation.browser(plan),
    override: automation.override(plan)
  }
}

/** What this server runs with for these plans; database, master key and TLS are added by whoever runs it. */
export function serverConfiguration(
  chosen: readonly Plan[],
  place: Place,
  credentials: Credentials
): Record<string, unknown> {
  const registers = chosen.some(({ cast }) => cast === 'registered')
  const certificates = chosen.some(({ cast }) => showsCertificate(cast))
  const { hostname } = new URL(suitePath(place, ''))
  return {
    issuer: place.issuer,
    conformance: {
      enabled: true,
      responseTypes: [...new Set(chosen.flatMap(({ responseTypes }) => responseTypes))],
      registration: registers ? 'open' : 'token'
    },
    ...(registers ? { registration: { enabled: true } } : {}),
    ...(chosen.some(({ cast }) => cast.startsWith('ciba')) ? { ciba: { enabled: true } } : {}),
    ...(certificates ? { clientCertificates: { from: 'tls' } } : {}),
    ...(foundation.test(hostname) ? {} : { outbound: { allowed: [hostname] } }),
    clients: declaredClients(chosen, place, credentials),
    accounts: [{ ...person, password: credentials.password() }]
  }
}
