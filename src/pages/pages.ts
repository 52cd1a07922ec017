// All routes of the pages in one Fastify plugin: assets, language menu, sign-in (for an app and without one) and consent, with the form parser and the error pages that
// belong to them and to nobody else. Refuses bodies over 16 KB and every content type but a form's.

import formbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import type { ConnectedApps, PersonSessions } from '../protocol/ports.ts'
import { accountRoutes, type OwnAccountDependencies } from './account.ts'
import { type ApproveDependencies, approveRoutes } from './approve.ts'
import { type Assets, assetRoutes } from './assets.ts'
import { type ConnectedAppsDependencies, connectedAppsRoutes } from './connected-apps.ts'
import { createPageErrorHandler } from './error-page.ts'
import { type FactorPagesDependencies, factorRoutes } from './factor-pages.ts'
import { type InteractionDependencies, interactionRoutes } from './interaction.ts'
import { languageRoutes } from './language.ts'
import { type LinkedAccountsDependencies, linkedAccountsRoutes } from './linked-accounts.ts'
import { type PasskeysDependencies, passkeysRoutes } from './passkeys.ts'
import { type SecurityDependencies, securityRoutes } from './security.ts'
import { type SelfServiceDependencies, selfServiceRoutes } from './self-service.ts'
import { type SignInDependencies, signInRoutes } from './sign-in.ts'
import { type UpstreamCallbackDependencies, upstreamCallbackRoutes } from './upstream-callback.ts'

const bodyLimit = 16 * 1024

export interface PagesDependencies
  extends InteractionDependencies,
    SignInDependencies,
    ConnectedAppsDependencies,
    SecurityDependencies,
    OwnAccountDependencies,
    LinkedAccountsDependencies,
    UpstreamCallbackDependencies,
    SelfServiceDependencies,
    FactorPagesDependencies,
    PasskeysDependencies,
    ApproveDependencies {
  persons: PersonSessions
  apps: ConnectedApps
  assets: Assets
  /** true: https, the cookie gets `Secure` and the `__Host-` prefix */
  secureCookies: boolean
}

/** Fastify plugin: `await app.register(pages, deps)`. */
export function pages(app: FastifyInstance, deps: PagesDependencies, done: () => void) {
  app.setErrorHandler(createPageErrorHandler(deps))
  app.register(assetRoutes, { assets: deps.assets })
  app.register((forms, _, ready) => {
    // JSON and text are what another site's script can send without asking: nothing here reads them.
    forms.removeAllContentTypeParsers()
    forms.register(formbody, { bodyLimit })
    forms.register(languageRoutes, deps)
    forms.register(interactionRoutes, deps)
    forms.register(signInRoutes, deps)
    forms.register(accountRoutes, deps)
    forms.register(upstreamCallbackRoutes, deps)
    forms.register(securityRoutes, deps)
    forms.register(linkedAccountsRoutes, deps)
    forms.register(selfServiceRoutes, deps)
    forms.register(factorRoutes, deps)
    forms.register(passkeysRoutes, deps)
    forms.register(connectedAppsRoutes, deps)
    forms.register(approveRoutes, deps)
    ready()
  })
  done()
}
