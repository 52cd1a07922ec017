// The engine's own pages, made from the views before the engine exists: error,
// sign-out, device. Maps the port's data to views, nothing else.

import type { LanguageHints, Renderers } from '../protocol/ports.ts'
import type { DetailTypeView } from '../views/authorization-details.ts'
import type { ResourceView } from '../views/client.ts'
import { renderDeviceConfirm, renderDeviceDone, renderDeviceInput } from '../views/device.ts'
import { renderError } from '../views/error.ts'
import type { Site } from '../views/layout.ts'
import { renderLoggedOut, renderLogout } from '../views/logout.ts'
import { frameOf } from './site.ts'

export interface RenderersDependencies {
  site: Site
  issuer: string
  resources: readonly ResourceView[]
  detailTypes: readonly DetailTypeView[]
  now?: () => Date
}

/** The renderers that the protocol is given. They are pure but for the clock, and set no headers: see `pageHeaders`. */
export function createRenderers({
  site,
  issuer,
  resources,
  detailTypes,
  now = () => new Date()
}: RenderersDependencies): Renderers {
  const frame = (language: LanguageHints, returnTo?: string) => frameOf(site, language, returnTo)
  const path = (action: string) => new URL(action, issuer).pathname

  return {
    error: ({ language, ...page }) => renderError(frame(language), { ...page, now: now() }),

    // No language menu: coming back by GET would have lost who asked and where to go after.
    logout: ({ language, form, client, accounts }) =>
      renderLogout(frame(language), { ...form, clientName: client?.name, accounts }),

    loggedOut: ({ language, client, stillHere }) =>
      renderLoggedOut(frame(language), { clientName: client?.name, stillHere }),

    deviceInput: ({ language, form, userCode, problem }) =>
      renderDeviceInput(frame(language, path(form.action)), { ...form, userCode, problem }),

    deviceConfirm: ({ language, form, ...page }) =>
      renderDeviceConfirm(
        frame(language, `${path(form.action)}?user_code=${encodeURIComponent(page.userCode)}`),
        { ...form, ...page, resources, detailTypes, now: now() }
      ),

    deviceDone: ({ language, client }) =>
      renderDeviceDone(frame(language), { clientName: client?.name })
  }
}
