// What is signed for a client and by it: the algorithms of each kind of message, as the engine wants to know them, and what tells one kind
// from another (RFC 8725 §3.11). ID tokens, userinfo, authorization and introspection responses are signed with keys of one purpose,
// `identity`; their `typ` and their claims tell them apart.

import { type Configuration, errors, type Provider } from 'oidc-provider'
import {
  clientAlgorithms,
  contentEncryptions,
  identityAlgorithms,
  keyManagementAlgorithms
} from '../clients/jose-members.ts'
import type { KeyRing } from '../keys/key-ring.ts'

/** Algorithms by kind of message. What the engine knows besides is off, symmetric ones among it. */
export function enabledAlgorithms(): NonNullable<Configuration['enabledJWA']> {
  const identity = [...identityAlgorithms]
  const clients = [...clientAlgorithms]
  const keyManagement = [...keyManagementAlgorithms]
  const content = [...contentEncryptions]
  return {
    idTokenEncryptionAlgValues: keyManagement,
    idTokenEncryptionEncValues: content,
    userinfoEncryptionAlgValues: keyManagement,
    userinfoEncryptionEncValues: content,
    introspectionEncryptionAlgValues: keyManagement,
    introspectionEncryptionEncValues: content,
    authorizationEncryptionAlgValues: keyManagement,
    authorizationEncryptionEncValues: content,
    // we have no key that a client could encrypt to, so nothing that a stranger sends is ever decrypted
    requestObjectEncryptionAlgValues: [],
    requestObjectEncryptionEncValues: [],
    idTokenSigningAlgValues: identity,
    userinfoSigningAlgValues: identity,
    introspectionSigningAlgValues: identity,
    authorizationSigningAlgValues: identity,
    requestObjectSigningAlgValues: clients,
    clientAuthSigningAlgValues: clients,
    dPoPSigningAlgValues: clients
  }
}

/**
 * A hint must be an ID token. The engine takes any JWT that a key of ours signed for this client: a userinfo response has the same issuer,
 * audience and subject, a logout token, too.
 */
export function installHintCheck(provider: Provider, keys: Pick<KeyRing, 'byKid'>): void {
  const { IdToken } = provider as unknown as { IdToken: IdTokenClass }
  const { validate } = IdToken
  IdToken.validate = async (jwt, client) => {
    const hint = await validate.call(IdToken, jwt, client)
    const { typ, kid } = hint.header
    const identity = kid !== undefined && keys.byKid(kid)?.purpose === 'identity'
    // RFC 8725 §3.11: explicit typing tells kinds apart; ours with a `typ` are no ID tokens, and every ID token says when the person signed in
    if (typ !== undefined || !identity || typeof hint.payload['auth_time'] !== 'number') {
      throw new errors.InvalidRequest('id_token_hint is not an ID token')
    }
    return hint
  }
}

interface IdTokenClass {
  validate(
    jwt: string,
    client: unknown
  ): Promise<{ header: { typ?: string; kid?: string }; payload: Record<string, unknown> }>
}
