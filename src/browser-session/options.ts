// What the owner of an app says of it. Refuses what cannot be meant, when the app starts: plain http but on loopback,
// an address with a path, a session that ends before anybody can use it.

import { isLoopback, type RelyingPartyOptions } from './relying-party.ts'
import type { SessionStore } from './session-store.ts'

export interface BrowserSessionOptions extends RelyingPartyOptions {
  /** where browsers reach the app: an origin, https, or http on loopback */
  appUrl: string
  /** default: the memory of this process, which is right for an app of one process alone */
  store?: SessionStore
  /** a session that is not used for this long is over; default 1800 */
  idleSeconds?: number
  /** and in any case after this; default 43,200 */
  absoluteSeconds?: number
  /** where the routes are; default `/auth` */
  prefix?: string
  /** where a browser comes back to after signing out; default `/`. To be registered as `post_logout_redirect_uri` */
  afterLogout?: string
  /** of the cookie, without `__Host-`; default `session` */
  cookieName?: string
  /**
   * `origin`: a request that changes something must come from the app's own origin, as the browser says. `header`: and have the header
   * `x-csrf`. Default: `origin`
   */
  csrf?: 'origin' | 'header'
  /** milliseconds since the epoch */
  now?: () => number
}

/** @throws TypeError */
export function assertOptions(options: BrowserSessionOptions): URL {
  const { idleSeconds = 1_800, absoluteSeconds = 43_200, prefix = '/auth' } = options
  const appUrl = URL.parse(options.appUrl)
  const local = appUrl?.protocol === 'http:' && isLoopback(appUrl.hostname)
  if (appUrl === null || (appUrl.protocol !== 'https:' && !local)) {
    throw new TypeError(
      `appUrl must be an https origin (http only on loopback), got ${options.appUrl}`
    )
  }
  if (appUrl.href !== `${appUrl.origin}/`) {
    throw new TypeError(`appUrl must be an origin without a path, got ${options.appUrl}`)
  }
  if (!(idleSeconds >= 60 && idleSeconds <= absoluteSeconds)) {
    throw new TypeError('idleSeconds must be 60 at least, and no more than absoluteSeconds')
  }
  if (!/^(\/[\w-]+)+$/.test(prefix)) {
    throw new TypeError(`prefix must be a path like /auth, got ${prefix}`)
  }
  if (!/^[\w-]+$/.test(options.cookieName ?? 'session')) {
    throw new TypeError(`cookieName must be letters, digits and -, got ${options.cookieName}`)
  }
  return appUrl
}
