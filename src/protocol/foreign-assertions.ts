// Clients that show a token of a trusted issuer in place of an assertion of their own (RFC 7523 §2.2, RFC 7521 §4.2; JWT-SVIDs:
// draft-ietf-oauth-spiffe-client-auth §3.1). Judged before the engine sees the request, which is then shown a handle that is good in this
// request only, in place of the token. Such a token is no single-use assertion: a platform hands out the same one for its whole life, so it
// is bound by audience, subject and lifetime. Leaves everything else to the engine: other assertions, two mechanisms at once.

import type { IncomingMessage } from 'node:http'
import type { RegisteredClient } from '../clients/client.ts'
import type { AssertionKind, TrustedIssuers } from '../clients/trusted-issuers.ts'
import { type ForeignToken, fitsIdentity } from '../clients/workload-identity.ts'
import { randomSecret } from '../lib/secret.ts'
import { isForm, readBody, withBody } from './form-body.ts'
import { bodyLimit } from './sentences.ts'
import type { ForeignAssertion } from './unit-of-work.ts'

// How the handle gets past the engine, which knows assertions of the client's own only (shared/jwt_client_auth.js: iss = sub = client_id,
// a key of the client, a jti). It goes the way of a secret in the body: `client_secret` is the handle, the client's method reads
// `client_secret_post` in this one request, and compareClientSecret, which is ours, knows the handle and the client that it is for
// (client.ts). Nothing is signed or stored for it, and a client without that handle is what it always was. Held by
// test/protocol/engine-facts-clients.test.ts: the method is read from the client in each request, and what compareClientSecret or Client.find
// throw is the answer.

const kinds: Readonly<Record<string, AssertionKind>> = {
  'urn:ietf:params:oauth:client-assertion-type:jwt-bearer': 'jwt',
  'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe': 'svid'
}

export interface ForeignAssertionDependencies {
  issuer: string
  issuers: TrustedIssuers
  clients: {
    find(clientId: string): Promise<RegisteredClient | undefined>
    listWorkloads(): Promise<readonly RegisteredClient[]>
  }
}

export interface ForeignAssertions {
  /**
   * Reads a form; if it carries a token of a trusted issuer, judges it and puts the handle in its place.
   * @throws Fault when the database or the issuer's keys are not to be had
   */
  replace(
    raw: IncomingMessage
  ): Promise<'too large' | { request: IncomingMessage; assertion: ForeignAssertion | undefined }>
}

export function createForeignAssertions(deps: ForeignAssertionDependencies): ForeignAssertions {
  const { issuer, issuers, clients } = deps

  async function judge(
    jwt: string,
    kind: AssertionKind,
    named: string | undefined
  ): Promise<{ ok: true; client: RegisteredClient; token: ForeignToken } | Refused> {
    const verified = await issuers.verify(jwt, kind)
    if (!verified.ok) return verified
    const { token } = verified
    const whose = `the token of ${token.issuer} for ${JSON.stringify(token.subject)}`
    const asked = named === undefined ? await clients.listWorkloads() : [await clients.find(named)]
    const fitting = asked.filter(client =>
      client?.metadata.workload_identity?.some(identity => fitsIdentity(token, identity, issuer))
    )
    const [client, ...more] = fitting
    if (client === undefined) {
      const whom = named === undefined ? 'any client' : `the client ${JSON.stringify(named)}`
      return refused(`${whose} fits no workload_identity of ${whom}`)
    }
    if (more.length > 0) return refused(`${whose} fits several clients: send client_id`)
    return { ok: true, client, token }
  }

  return {
    async replace(raw) {
      const body = await readBody(raw, bodyLimit)
      if (body === undefined) return 'too large'
      const form = isForm(raw) ? new URLSearchParams(body.toString('utf8')) : undefined
      const shown = form && readAssertion(form)
      const alone = raw.headers.authorization === undefined && !form?.has('client_secret')
      if (form === undefined || shown === undefined || !alone) return unchanged(raw, body)
      const { jwt, kind, named } = shown
      // a client's own assertion names the client as its issuer
      if (kind === 'jwt' && issuers.named(jwt, kind) === undefined) return unchanged(raw, body)

      const judged = await judge(jwt, kind, named)
      const handle = randomSecret()
      form.delete('client_assertion')
      form.delete('client_assertion_type')
      form.set('client_id', judged.ok ? judged.client.clientId : (named ?? 'unknown'))
      form.set('client_secret', handle)
      return {
        request: withBody(raw, Buffer.from(form.toString())),
        assertion: judged.ok
          ? {
              handle,
              ok: true,
              clientId: judged.client.clientId,
              issuer: judged.token.issuer,
              subject: judged.token.subject
            }
          : { handle, ...judged }
      }
    }
  }
}

type Refused = { ok: false; reason: string }

function refused(reason: string): Refused {
  return { ok: false, reason }
}

function unchanged(raw: IncomingMessage, body: Buffer) {
  return { request: withBody(raw, body), assertion: undefined }
}

/** The one assertion of a form, and the one client that it names. What comes twice is refused by the engine. */
function readAssertion(
  form: URLSearchParams
): { jwt: string; kind: AssertionKind; named: string | undefined } | undefined {
  const [jwt, ...otherJwts] = form.getAll('client_assertion')
  const [type, ...otherTypes] = form.getAll('client_assertion_type')
  const [named, ...otherNames] = form.getAll('client_id')
  const more = otherJwts.length + otherTypes.length + otherNames.length
  if (jwt === undefined || type === undefined || more > 0 || !Object.hasOwn(kinds, type)) {
    return undefined
  }
  const kind = kinds[type]
  return kind && { jwt, kind, named: named === '' ? undefined : named }
}
