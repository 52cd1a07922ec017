// The suite's browser, as far as it matters to our pages (gitlab.com/openid/conformance-suite, frontchannel/BrowserControl and
// SeleniumBrowserRunner): runs the printed tasks over HTTP, without script, finds elements by `id` and `name` only, and knows of a page what
// HtmlUnit knows. It does one thing by script that browsers do: an authorization response by form_post is sent.

import type { Command, Task, Visit } from '../../src/cli/conformance/automation.ts'
import { createBrowser, type Page } from '../support/browser.ts'
import { attributesOf, textOf } from '../support/forms.ts'

/** Where a visit has ended. */
export interface Ended {
  /** the last page of ours; undefined when none was shown */
  page: Page | undefined
  /** the address in the suite to which the browser was sent, without what it brought */
  arrived: string | undefined
  /** what it brought, and how */
  parameters: URLSearchParams
  by: 'query' | 'fragment' | 'form' | undefined
  /** headings of the pages that were shown, in order */
  shown: readonly string[]
  /** how many pictures were kept */
  pictures: number
}

/** Spring's PatternMatchUtils.simpleMatch: `*` is anything, also nothing. */
export function simpleMatch(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text)
}

/** Text of the element with this id; undefined when there is none. */
function textById(html: string, id: string): string | undefined {
  const found = [...html.matchAll(/<([a-z][a-z0-9]*)\b([^>]*)>/gi)].find(
    ([, , head = '']) => attributesOf(head).get('id') === id
  )
  if (found === undefined) return undefined
  const [tag, name = ''] = found
  const from = html.slice(found.index)
  return /^(input|img|br)$/i.test(name) ? '' : textOf(from, name) || tag.replace(/<[^>]*>/g, '')
}

/** One browser with its cookies, as one module of the suite has it; a `match-limit` is used up in `visits`. */
export function createSuiteBrowser(
  place: { issuer: string; suite: string },
  given: readonly Visit[]
) {
  const visits = structuredClone(given) as Visit[]
  const browser = createBrowser({ origin: place.issuer })

  async function visit(target: string, method: 'GET' | 'POST' = 'GET'): Promise<Ended> {
    const chosen = visits.find(
      each => simpleMatch(each.match, target) && (each['match-limit'] ?? 1) > 0
    )
    if (chosen === undefined) throw new Error(`no visit of the configuration fits ${target}`)
    if (chosen['match-limit'] !== undefined) chosen['match-limit'] -= 1

    let page: Page | undefined
    let address = target
    let arrived: Pick<Ended, 'arrived' | 'parameters' | 'by'> | undefined
    const shown: string[] = []
    let typed: Record<string, string> = {}
    let pictures = 0

    function arrive(url: URL, by: Ended['by'], parameters: URLSearchParams) {
      address = url.href
      arrived = { arrived: url.origin + url.pathname, parameters, by }
    }

    /** Redirects are followed to the suite's door. */
    async function open(answer: Page) {
      const end = await browser.follow(answer)
      typed = {}
      page = end
      address = end.url.href
      if (end.location !== undefined) {
        const fragment = end.location.hash.slice(1)
        const inQuery = fragment === ''
        const text = inQuery ? end.location.search : fragment
        return arrive(end.location, inQuery ? 'query' : 'fragment', new URLSearchParams(text))
      }
      const sent = end.forms.find(({ action }) => action.startsWith(place.suite))
      if (sent !== undefined) {
        return arrive(new URL(sent.action), 'form', new URLSearchParams([...sent.fields]))
      }
      shown.push(end.heading)
    }

    const fail = (command: Command, why: string): never => {
      const text = page?.html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')
      throw new Error(`${JSON.stringify(command)}: ${why} at ${address}: ${text?.slice(0, 400)}`)
    }

    async function run(command: Command) {
      const [verb, kind, target, ...rest] = command
      if (!/^(id|name)$/.test(kind)) fail(command, 'is not found by id or name')
      const html = arrived === undefined ? (page?.html ?? '') : ''
      const optional = rest.at(-1) === 'optional'
      if (verb === 'text') {
        const known = page?.forms.some(({ fields }) => fields.has(target))
        if (arrived === undefined && known) typed[target] = String(rest[0])
        else if (!optional) fail(command, 'no such field')
      } else if (verb === 'click') {
        const form = page?.forms.find(({ buttons }) => buttons.some(({ id }) => id === target))
        if (arrived === undefined && page !== undefined && form !== undefined) {
          const options = {
            form: (one: unknown) => one === form,
            button: ({ id }: { id: string | undefined }) => id === target
          }
          await open(await browser.submitForm(page, typed, options))
        } else if (!optional) fail(command, 'no such button')
      } else if (verb === 'wait') {
        // the suite's own page has this element once the response has been taken
        const text = arrived && target === 'submission_complete' ? '' : textById(html, target)
        const [, pattern, action] = rest
        if (text === undefined) fail(command, 'no such element')
        if (pattern !== undefined && !new RegExp(String(pattern)).test(text ?? '')) {
          fail(command, `says ${text}`)
        }
        if (String(action).startsWith('update-image-placeholder')) pictures += 1
      } else fail(command, 'no such command')
    }

    async function perform(task: Task) {
      if (simpleMatch(task.match, address)) {
        for (const command of task.commands ?? []) await run(command)
      } else if (task.optional !== true) {
        fail(['wait', 'id', task.task], `${address} does not fit ${task.match}`)
      }
    }

    const [path = '', query = ''] = target.split(/\?(.*)/s)
    await open(
      method === 'GET'
        ? await browser.get(target)
        : await browser.post(path, new URLSearchParams(query))
    )
    for (const task of chosen.tasks) await perform(task)
    return {
      page,
      shown,
      pictures,
      ...(arrived ?? { arrived: undefined, parameters: new URLSearchParams(), by: undefined })
    }
  }

  return { visit, cookies: browser.cookies }
}
