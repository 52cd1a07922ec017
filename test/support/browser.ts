// A browser without a window: a cookie jar over fetch, redirects followed by hand, forms submitted
// as they stand in the page. Stays on one origin: an address elsewhere (a client's callback) is an
// answer, not a request.

import { type Button, type Form, parseForms, textOf } from './forms.ts'

/** One response. */
export interface Page {
  url: URL
  status: number
  headers: Headers
  html: string
  forms: Form[]
  /** text of the first h1 */
  heading: string
  /** where a redirect points, resolved */
  location: URL | undefined
}

interface Cookie {
  value: string
  path: string
  secure: boolean
  httpOnly: boolean
  sameSite: string
}

export interface SubmitOptions {
  /** which form; default: the first that posts and has no language menu's `lang` field */
  form?: (form: Form) => boolean
  /** which button; default: the first that does not decline */
  button?: (button: Button) => boolean
}

export type Browser = ReturnType<typeof createBrowser>

/** Whether a button says no. */
export function declines(button: Button): boolean {
  return /^(decline|abort|cancel|deny|no)$/i.test(button.name ?? '') || button.value === 'no'
}

/** A browser with an empty cookie jar, at one origin. `headers` go with every request. */
export function createBrowser(options: { origin: string; headers?: Record<string, string> }) {
  const origin = new URL(options.origin).origin
  const jar = new Map<string, Cookie>()

  function cookieHeader(url: URL): string {
    return [...jar]
      .filter(([, { path }]) => matchesPath(url.pathname, path))
      .sort(([, a], [, b]) => b.path.length - a.path.length)
      .map(([key, { value }]) => `${nameOf(key)}=${value}`)
      .join('; ')
  }

  function keep(response: Response, url: URL): void {
    for (const line of response.headers.getSetCookie()) {
      const { name, cookie, dead } = parseSetCookie(line, url)
      const key = `${name};${cookie.path}`
      if (dead) jar.delete(key)
      else jar.set(key, cookie)
    }
  }

  async function send(target: string | URL, init: RequestInit = {}): Promise<Page> {
    const url = new URL(target, origin)
    if (url.origin !== origin) throw new Error(`${url} is not at ${origin}`)
    const headers = new Headers({
      ...options.headers,
      ...Object.fromEntries(new Headers(init.headers))
    })
    const cookies = cookieHeader(url)
    if (cookies) headers.set('cookie', cookies)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    keep(response, url)
    const html = await response.text()
    const location = response.headers.get('location')
    return {
      url,
      status: response.status,
      headers: response.headers,
      html,
      forms: parseForms(html),
      heading: textOf(html, 'h1'),
      location: location === null ? undefined : new URL(location, url)
    }
  }

  const get = (url: string | URL, headers: Record<string, string> = {}) => send(url, { headers })

  const post = (
    url: string | URL,
    fields: Record<string, string> | URLSearchParams,
    headers: Record<string, string> = {}
  ) => send(url, { method: 'POST', body: new URLSearchParams(fields), headers })

  return {
    /** one request; redirects are not followed */
    get,
    /** one form-encoded request; redirects are not followed */
    post,

    /**
     * Follows redirects until a page comes, or one that leads to another origin or to where `until`
     * says; then `location` of the answer is that address, which was not asked.
     */
    async follow(start: Page, until: (url: URL) => boolean = () => false): Promise<Page> {
      let page = start
      for (let hops = 0; hops < 20; hops++) {
        const { location } = page
        if (!location || location.origin !== origin || until(location)) return page
        page = await get(location)
      }
      throw new Error(`more than 20 redirects, the last to ${page.location}`)
    },

    /** Presses a button of a form with what the form holds, and `fields` typed into it. */
    async submitForm(
      page: Page,
      fields: Record<string, string> = {},
      { form: wanted = isOrdinary, button: pressed = one => !declines(one) }: SubmitOptions = {}
    ): Promise<Page> {
      const form = page.forms.find(wanted)
      if (!form) throw new Error(`no such form on ${page.url}: ${page.status} ${page.heading}`)
      const button = form.buttons.find(pressed)
      if (!button && form.buttons.length > 0) throw new Error(`no such button on ${page.url}`)
      const values = new URLSearchParams([...form.fields])
      if (button?.name !== undefined) values.append(button.name, button.value)
      for (const [name, value] of Object.entries(fields)) values.set(name, value)
      const action = new URL(button?.action || form.action || page.url, page.url)
      if (form.method === 'POST') return post(action, values)
      action.search = values.toString()
      return get(action)
    },

    /** the jar: name and value of every cookie that is alive */
    cookies: () => new Map([...jar].map(([key, { value }]) => [nameOf(key), value])),
    /** attributes of one cookie */
    cookie: (name: string) => [...jar].find(([key]) => nameOf(key) === name)?.[1],
    clearCookies: () => jar.clear()
  }
}

function isOrdinary(form: Form): boolean {
  return form.method === 'POST' && !form.fields.has('lang')
}

function nameOf(key: string): string {
  return key.slice(0, key.lastIndexOf(';'))
}

/** RFC 6265 §5.1.4 */
function matchesPath(path: string, cookiePath: string): boolean {
  return (
    path === cookiePath ||
    (path.startsWith(cookiePath) && (cookiePath.endsWith('/') || path[cookiePath.length] === '/'))
  )
}

function parseSetCookie(line: string, url: URL): { name: string; cookie: Cookie; dead: boolean } {
  const [pair = '', ...rest] = line.split(';').map(part => part.trim())
  const at = pair.indexOf('=')
  const attributes = new Map(
    rest.map(part => {
      const [name = '', ...value] = part.split('=')
      return [name.toLowerCase(), value.join('=')]
    })
  )
  const path = attributes.get('path')
  const maxAge = attributes.get('max-age')
  const expires = attributes.get('expires')
  return {
    name: pair.slice(0, at),
    dead:
      maxAge === undefined
        ? expires !== undefined && Date.parse(expires) <= Date.now()
        : Number(maxAge) <= 0,
    cookie: {
      value: pair.slice(at + 1),
      // RFC 6265 §5.1.4: the directory of the request
      path: path?.startsWith('/') ? path : url.pathname.replace(/\/[^/]*$/, '') || '/',
      secure: attributes.has('secure'),
      httpOnly: attributes.has('httponly'),
      sameSite: attributes.get('samesite') ?? ''
    }
  }
}
