// The language menu: POST /language keeps the person's choice in a cookie and goes back to the page. A choice made just now wins over the
// client's `ui_locales` for an hour (or the menu would do nothing on a page that a client asked for in another language); later it ranks
// behind it. Refuses to lead anywhere but to a path of ours.

import type { FastifyInstance, FastifyReply } from 'fastify'
import { languageCookies, matchLocale } from '../i18n/locale.ts'
import type { Site } from '../views/layout.ts'
import { renderErrorPage } from './error-page.ts'
import { fromOurOwnPage, readFields } from './form-guard.ts'
import { safeReturnTo } from './return-to.ts'

export interface LanguageDependencies {
  site: Site
  issuer: string
  secureCookies: boolean
}

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function languageRoutes(app: FastifyInstance, deps: LanguageDependencies, done: () => void) {
  app.post('/language', (request, reply) => {
    const page = { site: deps.site, issuer: deps.issuer, request, reply }
    if (!fromOurOwnPage(request.headers, deps.issuer)) {
      return renderErrorPage(page, { status: 403, error: 'form_expired' })
    }
    const fields = readFields(request.body, ['lang', 'return_to'])
    if (fields === undefined) return renderErrorPage(page, { status: 400, error: 'invalid_form' })
    const locale = matchLocale(fields.lang)
    if (locale !== undefined) setCookies(reply, locale, deps.secureCookies)
    return reply
      .header('cache-control', 'no-store')
      .redirect(safeReturnTo(fields.return_to, `${deps.site.basePath}/`), 303)
  })
  done()
}

function setCookies(reply: FastifyReply, locale: string, secureCookies: boolean) {
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secureCookies ? '; Secure' : ''}`
  const { lasting, recent } = languageCookies(secureCookies)
  reply.header('set-cookie', [
    `${lasting}=${locale}; Max-Age=31536000; ${attributes}`,
    `${recent}=${locale}; Max-Age=3600; ${attributes}`
  ])
}
