// What is signed for a client and by it: the algorithms of each kind of message, as the engine wants to know them, and what tells one kind
// from another (RFC 8725 §3.11). ID tokens, userinfo, authorization and introspection responses are signed with keys of one purpose,
// `identity`; their `typ` and their claims tell them apart.

import type { Configuration } from 'oidc-provider'
import {
  clientAlgorithms,
  contentEncryptions,
  identityAlgorithms,
  keyManagementAlgorithms,
  requestEncryptionAlgorithms
} from '../clients/jose-members.ts'

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
    requestObjectEncryptionAlgValues: [...requestEncryptionAlgorithms],
    requestObjectEncryptionEncValues: content,
    idTokenSigningAlgValues: identity,
    userinfoSigningAlgValues: identity,
    introspectionSigningAlgValues: identity,
    authorizationSigningAlgValues: identity,
    requestObjectSigningAlgValues: clients,
    // HS256 is client_secret_jwt’s and no other's: the engine tells the two apart (shared/client_auth.js)
    clientAuthSigningAlgValues: [...clients, 'HS256'],
    dPoPSigningAlgValues: clients,
    attestSigningAlgValues: clients
  }
}
