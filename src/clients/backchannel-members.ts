// Members of clients that ask a person who is not at a browser of theirs (OpenID Connect CIBA Core §4). Owns what they may be and what they
// need of one another. Refuses push, whose tokens would travel to an address without being asked for, and user codes, which this server does
// not have: what a person approves, they approve where they are signed in.

export const cibaGrantType = 'urn:openid:params:grant-type:ciba'

export const deliveryModes = ['poll', 'ping'] as const

export interface BackchannelMembers {
  /** there for every client with the grant type: `poll` unless it says otherwise */
  readonly backchannel_token_delivery_mode?: (typeof deliveryModes)[number]
  readonly backchannel_client_notification_endpoint?: string
  readonly backchannel_authentication_request_signing_alg?: string
}

const members = [
  'backchannel_token_delivery_mode',
  'backchannel_client_notification_endpoint',
  'backchannel_authentication_request_signing_alg'
] as const

/** What is wrong with the members together. */
export function backchannelProblems(
  metadata: BackchannelMembers & {
    readonly grant_types: readonly string[]
    readonly jwks?: object
    readonly jwks_uri?: string
    readonly subject_type?: 'pairwise'
  }
): { member: string; problem: string }[] {
  if (!metadata.grant_types.includes(cibaGrantType)) {
    return members
      .filter(member => metadata[member] !== undefined)
      .map(member => ({ member, problem: `needs ${cibaGrantType} among the grant_types` }))
  }
  const problems: { member: string; problem: string }[] = []
  const endpoint = metadata.backchannel_client_notification_endpoint
  const pings = metadata.backchannel_token_delivery_mode === 'ping'
  // CIBA Core §4: "REQUIRED if the token delivery mode is set to ping or push."
  if (pings && endpoint === undefined) {
    problems.push({
      member: 'backchannel_client_notification_endpoint',
      problem: 'is needed for backchannel_token_delivery_mode ping'
    })
  }
  if (!pings && endpoint !== undefined) {
    problems.push({
      member: 'backchannel_client_notification_endpoint',
      problem: 'is for backchannel_token_delivery_mode ping only'
    })
  }
  const signs = metadata.backchannel_authentication_request_signing_alg !== undefined
  if (signs && metadata.jwks === undefined && metadata.jwks_uri === undefined) {
    problems.push({
      member: 'backchannel_authentication_request_signing_alg',
      problem: 'needs jwks_uri or jwks, with a key to verify with'
    })
  }
  // the engine takes the sector of such a client from its jwks_uri, and a pairwise `sub` names nobody to us
  if (metadata.subject_type === 'pairwise') {
    problems.push({ member: 'subject_type', problem: `must be public with ${cibaGrantType}` })
  }
  return problems
}
