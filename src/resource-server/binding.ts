// What a token is bound to (RFC 7800 §3.1), and whether the request proves all of it: a certificate (RFC 8705 §3), a key (RFC 9449 §7), or
// both. A binding of any other kind is refused, since taking such a token as a bearer token would undo its protection.

import { type ClientCertificate, certificateProblem } from './certificate.ts'
import type { createProofChecker, ShownProof } from './dpop.ts'
import type { Presented } from './presented.ts'

/** How a token is protected. `dpop` also where it is bound to a certificate besides. */
export type Binding = 'bearer' | 'dpop' | 'certificate'

export type BindingVerdict =
  | { kind: 'proved'; binding: Binding; nonce?: string }
  | { kind: 'nonce'; nonce: string; problem: string }
  | { kind: 'proof' | 'binding'; problem: string }

/** What a token says that it is bound to; a text says why nobody can tell. */
export function bindingOf(confirmation: unknown): Binding | { problem: string } {
  if (confirmation === undefined) return 'bearer'
  const kinds = Object.keys(confirmation ?? {})
  if (kinds.length === 0 || !kinds.every(kind => kind === 'x5t#S256' || kind === 'jkt')) {
    return { problem: 'The access token is bound to a key, and this API cannot check the proof.' }
  }
  return kinds.includes('jkt') ? 'dpop' : 'certificate'
}

/**
 * Makes the check of one API. Without `proofs` no token that is bound to a key opens it.
 */
export function createBindingCheck({
  proofs,
  demand
}: {
  proofs: ReturnType<typeof createProofChecker> | undefined
  /** `dpop`: no token that is not bound to a key is taken */
  demand: 'any' | 'dpop'
}) {
  return async function check(
    confirmation: unknown,
    presented: Presented,
    shown: ShownProof & { certificate?: ClientCertificate | undefined }
  ): Promise<BindingVerdict> {
    const binding = bindingOf(confirmation)
    if (typeof binding !== 'string') return refused(binding.problem)
    const cnf = (confirmation ?? {}) as { jkt?: unknown; 'x5t#S256'?: unknown }

    if (Object.hasOwn(cnf, 'x5t#S256')) {
      const problem = certificateProblem(cnf['x5t#S256'], shown.certificate)
      if (problem !== undefined) return refused(problem)
    }
    if (binding !== 'dpop') {
      // RFC 9449 §7.1: with this scheme, the token is bound to the key of the proof
      if (presented.scheme === 'dpop') {
        return refused('The access token is not bound to a key: send it as Authorization: Bearer.')
      }
      return demand === 'dpop'
        ? refused('This API takes only access tokens that are bound to a key (DPoP).')
        : { kind: 'proved', binding }
    }
    if (proofs === undefined) {
      return refused('The access token is bound to a key, and this API cannot check the proof.')
    }
    // RFC 9449 §7.2: "such a protected resource MUST reject a DPoP-bound access token received as a bearer token"
    if (presented.scheme !== 'dpop') {
      return refused(
        'The access token is bound to a key: send it as Authorization: DPoP, with a proof.'
      )
    }
    const verdict = await proofs.check(presented.token, cnf.jkt, shown)
    return verdict.kind === 'proved' ? { ...verdict, binding } : verdict
  }
}

function refused(problem: string): BindingVerdict {
  return { kind: 'binding', problem }
}
