// What the log says at start of the client that may leave out PKCE (`pkce.exemptClient`). A declared client is judged by the rules of the
// configuration (config/rules-server.ts); one that was made otherwise is only known here. Says what holds, never what was wished.

import type { RegisteredClient } from '../clients/client.ts'

/** Warns of the exemption, or that it exempts nobody. Told once the declared clients are in place. */
export async function tellPkceExemption(
  clientId: string | undefined,
  deps: {
    clients: { findStored(clientId: string): Promise<RegisteredClient | undefined> }
    log: { warn(data: object, message: string): void }
  }
): Promise<void> {
  if (clientId === undefined) return
  const client = await deps.clients.findStored(clientId)
  deps.log.warn({ clientId }, sentenceOf(client))
}

function sentenceOf(client: RegisteredClient | undefined): string {
  const unset = 'unset MINTMARK_PKCE__EXEMPT_CLIENT'
  if (client === undefined) {
    return `no client of this name is registered, so nobody leaves out PKCE: name another, or ${unset}`
  }
  // RFC 9700 §2.1.1: "Public clients MUST use PKCE"
  if (client.metadata.token_endpoint_auth_method === 'none') {
    return `this client is public and must use PKCE (RFC 9700 section 2.1.1), so nobody leaves it out: ${unset}`
  }
  if (client.metadata.profile !== undefined) {
    return `this client has the profile ${client.metadata.profile}, which asks for PKCE, so nobody leaves it out: ${unset}`
  }
  return 'this client may leave out PKCE, by configuration'
}
