// What all pages of this server share: product, issuer host, asset paths, and the frame of one request. Refuses a product logo from
// another site: pages make no third-party request.

import { chooseLocale, type LanguageHints } from '../i18n/locale.ts'
import type { Frame, ProductLinks, Site } from '../views/layout.ts'
import { type Assets, createAssets } from './assets.ts'

export interface Product {
  name: string
  /** a path on our own origin, or a data: image */
  logo?: string | undefined
  /** `#rrggbb` */
  colour?: string | undefined
  /** corners, in pixels */
  radius?: number | undefined
  links?: ProductLinks | undefined
}

/** What the pages know of the server. `issuer`: URL. */
export function createSite({
  product,
  issuer,
  assets = createAssets({ colour: product.colour, radius: product.radius }),
  notice
}: {
  product: Product
  issuer: string
  assets?: Assets
  notice?: Site['notice']
}): Site {
  const url = new URL(issuer)
  const basePath = url.pathname.replace(/\/$/, '')
  const logo = product.logo
  return {
    product: {
      name: product.name,
      logo: logo !== undefined && /^(\/(?![/\\])|data:image\/)/.test(logo) ? logo : undefined,
      links: product.links
    },
    issuerHost: url.host,
    basePath,
    stylesheets: assets.stylesheets.map(path => basePath + path),
    icon: basePath + assets.icon,
    passwordMeter: basePath + assets.passwordMeter,
    notice
  }
}

/** The frame of one request. `returnTo`: path that shows the same page again, for the language menu. */
export function frameOf(site: Site, hints: LanguageHints, returnTo?: string): Frame {
  return { site, locale: chooseLocale(hints), returnTo }
}

/** The language hints of a request's headers. */
export function hintsOf(
  headers: { cookie?: string | undefined; 'accept-language'?: string | undefined },
  uiLocales?: string
): LanguageHints {
  return {
    uiLocales,
    cookieHeader: headers.cookie,
    acceptLanguage: headers['accept-language']
  }
}
