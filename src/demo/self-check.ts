// Proves that the server does its main job, over HTTP as a client would: discovery, keys, a machine
// token, its verification, its introspection, its revocation. Run at every start of development
// mode, and good for a pipeline. Changes nothing that lasts.

import * as oidc from 'openid-client'
import { createVerifier } from '../resource-server/verifier.ts'

const names = ['discovery', 'jwks', 'client_credentials', 'verify', 'introspect', 'revoke'] as const

export interface Step {
  name: (typeof names)[number]
  ok: boolean
  /** what was wrong; undefined when the step is ok */
  detail?: string
}

/**
 * Runs the steps in order; after one that fails the rest are not tried, and say so.
 * Never rejects. `milliseconds` is what it took.
 */
export async function selfCheck(options: {
  issuer: string
  machineClient: { id: string; secret: string }
  /** the API for which the machine client may have tokens */
  resource: string
  fetch?: typeof globalThis.fetch
}): Promise<{ steps: Step[]; milliseconds: number }> {
  const started = performance.now()
  const work = stepsOf(options)
  const steps: Step[] = []
  for (const name of names) {
    const failed = steps.find(step => !step.ok)
    if (failed) {
      steps.push({ name, ok: false, detail: `not tried, since ${failed.name} failed` })
      continue
    }
    try {
      await work[name]()
      steps.push({ name, ok: true })
    } catch (error) {
      steps.push({ name, ok: false, detail: detailOf(error) })
    }
  }
  return { steps, milliseconds: Math.round(performance.now() - started) }
}

function stepsOf(
  options: Parameters<typeof selfCheck>[0]
): Record<Step['name'], () => Promise<void>> {
  const { issuer, machineClient, resource, fetch = globalThis.fetch } = options
  let config: oidc.Configuration
  let token = ''

  const introspect = async () => (await oidc.tokenIntrospection(config, token)).active

  return {
    async discovery() {
      const authentication = oidc.ClientSecretBasic(machineClient.secret)
      config = await oidc.discovery(new URL(issuer), machineClient.id, {}, authentication, {
        [oidc.customFetch]: fetch as oidc.CustomFetch,
        timeout: 10,
        ...(issuer.startsWith('http:') ? { execute: [oidc.allowInsecureRequests] } : {})
      })
    },

    async jwks() {
      const location = config.serverMetadata().jwks_uri
      if (!location) throw new Error('the metadata names no jwks_uri')
      const answer = await fetch(location)
      if (!answer.ok) throw new Error(`${location} answered ${answer.status}`)
      const { keys } = (await answer.json()) as { keys?: Record<string, unknown>[] }
      if (!keys?.length) throw new Error(`${location} has no keys`)
      // RFC 7518 §6: members of private keys, and of symmetric ones
      const leaked = keys.flatMap(key => ['d', 'p', 'q', 'k'].filter(member => member in key))
      if (leaked.length > 0) throw new Error(`${location} shows private members: ${leaked}`)
    },

    async client_credentials() {
      const answer = await oidc.clientCredentialsGrant(config, { resource })
      token = answer.access_token
    },

    async verify() {
      const verifier = createVerifier({ issuer, audience: resource, fetch })
      const verification = await verifier.verify(`Bearer ${token}`)
      if (!verification.ok) {
        throw new Error(verification.description, { cause: verification.cause })
      }
      const { clientId } = verification.token
      if (clientId !== machineClient.id) throw new Error(`the token names the client ${clientId}`)
    },

    async introspect() {
      if (!(await introspect())) throw new Error('a fresh token is not active')
    },

    async revoke() {
      await oidc.tokenRevocation(config, token)
      if (await introspect()) throw new Error('the token is still active after its revocation')
    }
  }
}

/** One line, with what the server said where it said something. */
function detailOf(error: unknown): string {
  if (error instanceof oidc.ResponseBodyError) {
    return [error.error, error.error_description].filter(Boolean).join(': ')
  }
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
