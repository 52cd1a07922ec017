// The table of everything that keys may not say together, and of what production refuses. One line per rule: its topic (a line of
// `mintmark doctor`), the modes in which it holds, the check. Rules look at a sound configuration and name keys, never values.

import type { Problem } from './configuration-error.ts'
import type { Place, Rule } from './rule.ts'
import { acrLevelsAreDistinct } from './rules-acr.ts'
import {
  accountsAreDistinct,
  clientIdsAreDistinct,
  clientIdsAreNotSubjects,
  defaultResourcesAreDeclared,
  publicClientsHaveNoSecret,
  secretsAreRandom,
  statementSignersAreSound
} from './rules-clients.ts'
import { conformanceIsAlone, conformanceIsSwitchedOn } from './rules-conformance.ts'
import {
  detailMembersAreSchemas,
  detailTypesAreDistinct,
  detailTypesNameResources,
  detailTypesOfClientsAreDeclared,
  detailWordsCanBeSaid
} from './rules-details.ts'
import {
  exchangesAreDistinct,
  exchangesKnowTheirScopes,
  exchangesNameClients,
  exchangesNameResources,
  exchangesNeverWiden
} from './rules-exchange.ts'
import { metricsArePrivate, useIsRemembered } from './rules-growth.ts'
import { trustedIssuersAreDistinct, trustedIssuersCanBeAsked } from './rules-issuers.ts'
import { mailIsComplete, signUpHasMail } from './rules-mail.ts'
import {
  demoNamesAreTaken,
  developmentIsLoopback,
  issuerIsAnOrigin,
  modeFitsIssuer,
  productionAccounts,
  productionClients,
  productionDatabase,
  productionIssuer,
  productionMasterKey
} from './rules-mode.ts'
import { profilesHaveTheirAlgorithms } from './rules-profiles.ts'
import {
  optionalScopesAreScopes,
  resourceClientsAreNamed,
  resourceServersAreConfidential,
  resourcesAreDistinct,
  resourcesAreUris,
  resourcesHaveNoOpenIdScopes
} from './rules-resources.ts'
import {
  databaseIsComplete,
  documentHostsAreNamed,
  hostIsAnAddress,
  keyTimesFit,
  logoIsAFile,
  outboundIsNamed,
  pkceExemptionIsConfidential,
  proxiesAreAddresses,
  refreshTimesFit,
  sessionTimesFit,
  statusListTimesFit
} from './rules-server.ts'
import { certificatesCanArrive, tlsIsComplete } from './rules-tls.ts'
import {
  upstreamsAreComplete,
  upstreamsAreDistinct,
  upstreamsCanBeAsked
} from './rules-upstreams.ts'
import type { Config } from './schema.ts'

export const rules: readonly Rule[] = [
  { topic: 'issuer', mode: 'any', check: issuerIsAnOrigin },
  { topic: 'issuer', mode: 'any', check: modeFitsIssuer },
  { topic: 'issuer', mode: 'production', check: productionIssuer },
  { topic: 'loopback', mode: 'development', check: developmentIsLoopback },
  { topic: 'address', mode: 'any', check: hostIsAnAddress },
  { topic: 'proxies', mode: 'any', check: proxiesAreAddresses },
  { topic: 'TLS', mode: 'any', check: tlsIsComplete },
  { topic: 'client certificates', mode: 'any', check: certificatesCanArrive },
  { topic: 'outbound', mode: 'any', check: outboundIsNamed },
  { topic: 'database', mode: 'any', check: databaseIsComplete },
  { topic: 'database', mode: 'production', check: productionDatabase },
  { topic: 'master key', mode: 'production', check: productionMasterKey },
  { topic: 'keys', mode: 'any', check: keyTimesFit },
  { topic: 'token lifetimes', mode: 'any', check: refreshTimesFit },
  { topic: 'session lifetimes', mode: 'any', check: sessionTimesFit },
  { topic: 'token lifetimes', mode: 'any', check: statusListTimesFit },
  { topic: 'registration', mode: 'any', check: useIsRemembered },
  { topic: 'registration', mode: 'any', check: documentHostsAreNamed },
  { topic: 'registration', mode: 'any', check: statementSignersAreSound },
  { topic: 'metrics', mode: 'any', check: metricsArePrivate },
  { topic: 'resources', mode: 'any', check: resourcesAreUris },
  { topic: 'resources', mode: 'any', check: resourcesAreDistinct },
  { topic: 'resources', mode: 'any', check: resourcesHaveNoOpenIdScopes },
  { topic: 'resources', mode: 'any', check: optionalScopesAreScopes },
  { topic: 'resources', mode: 'any', check: resourceClientsAreNamed },
  { topic: 'resources', mode: 'any', check: resourceServersAreConfidential },
  { topic: 'token exchange', mode: 'any', check: exchangesNameClients },
  { topic: 'token exchange', mode: 'any', check: exchangesNameResources, needs: 'resources' },
  { topic: 'token exchange', mode: 'any', check: exchangesKnowTheirScopes, needs: 'resources' },
  { topic: 'token exchange', mode: 'any', check: exchangesAreDistinct },
  { topic: 'token exchange', mode: 'any', check: exchangesNeverWiden },
  { topic: 'authorization details', mode: 'any', check: detailTypesAreDistinct },
  {
    topic: 'authorization details',
    mode: 'any',
    check: detailTypesNameResources,
    needs: 'resources'
  },
  { topic: 'authorization details', mode: 'any', check: detailMembersAreSchemas },
  { topic: 'authorization details', mode: 'any', check: detailWordsCanBeSaid },
  {
    topic: 'authorization details',
    mode: 'any',
    check: detailTypesOfClientsAreDeclared,
    needs: 'authorizationDetails'
  },
  { topic: 'trusted issuers', mode: 'any', check: trustedIssuersAreDistinct },
  { topic: 'trusted issuers', mode: 'any', check: trustedIssuersCanBeAsked },
  { topic: 'upstreams', mode: 'any', check: upstreamsAreDistinct },
  { topic: 'upstreams', mode: 'any', check: upstreamsAreComplete },
  { topic: 'upstreams', mode: 'any', check: upstreamsCanBeAsked },
  { topic: 'profiles', mode: 'any', check: profilesHaveTheirAlgorithms, needs: 'resources' },
  { topic: 'clients', mode: 'any', check: clientIdsAreDistinct },
  { topic: 'clients', mode: 'any', check: clientIdsAreNotSubjects },
  { topic: 'clients', mode: 'any', check: defaultResourcesAreDeclared, needs: 'resources' },
  { topic: 'clients', mode: 'development', check: demoNamesAreTaken },
  { topic: 'clients', mode: 'production', check: productionClients },
  { topic: 'client secrets', mode: 'any', check: secretsAreRandom },
  { topic: 'client secrets', mode: 'any', check: publicClientsHaveNoSecret },
  { topic: 'acr', mode: 'any', check: acrLevelsAreDistinct },
  { topic: 'PKCE', mode: 'any', check: pkceExemptionIsConfidential },
  { topic: 'conformance', mode: 'any', check: conformanceIsSwitchedOn },
  { topic: 'conformance', mode: 'any', check: conformanceIsAlone },
  { topic: 'accounts', mode: 'any', check: accountsAreDistinct },
  { topic: 'accounts', mode: 'production', check: productionAccounts },
  { topic: 'mail', mode: 'any', check: mailIsComplete },
  { topic: 'mail', mode: 'production', check: signUpHasMail },
  { topic: 'pages', mode: 'any', check: logoIsAFile }
]

/** Entries are named by where they stand now, for a configuration that is already loaded. */
export function placesOf(config: Config): Place {
  const places = new Map<object, string>()
  for (const list of [
    'clients',
    'resources',
    'accounts',
    'trustedIssuers',
    'upstreams',
    'authorizationDetails'
  ] as const) {
    for (const [index, entry] of config[list].entries()) places.set(entry, `${list}[${index}]`)
  }
  return entry => places.get(entry) ?? ''
}

/** Everything that the rules of `mode` refuse. */
export function checkRules(
  config: Config,
  options: { mode: Config['mode']; place?: Place; incomplete?: ReadonlySet<string> }
): (Problem & { topic: string })[] {
  const { mode, place = placesOf(config), incomplete = new Set() } = options
  return rules
    .filter(rule => rule.mode === 'any' || rule.mode === mode)
    .filter(({ needs }) => needs === undefined || !incomplete.has(needs))
    .flatMap(({ topic, check }) => check(config, place).map(problem => ({ ...problem, topic })))
}
