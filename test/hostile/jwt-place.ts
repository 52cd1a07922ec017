// A place that reads a JWT, as a row of the table in jwt-places.ts: how the JWT is presented, and how it is told that it was refused. Owns the
// requests and answers that many of them share.

import { form } from './endpoints.ts'
import type { Kind } from './jwt-kinds.ts'
import type { Answer, Wire } from './wire.ts'

export interface Place {
  name: string
  kind: Kind
  /** what is sent; `header`: the JWT stands in a header, where blanks and length are the parser's affair */
  wire?: (jwt: string) => Wire | Promise<Wire>
  inHeader?: true
  /** for a reader that is no endpoint */
  read?: (jwt: string) => Promise<'accepted' | 'refused'>
  accepted(answer: Answer): boolean
  refused(answer: Answer): boolean
  /** a JWT that is good once: it is shown last, if it is still good by then */
  goodUntilShown?: () => Promise<boolean>
  /** read by the same code as a place before it: one forgery of four, unless all are asked for */
  thin?: true
  /** forgeries that are none here, by title, and why */
  except?: Readonly<Record<string, string>>
}

export const jsonOf = ({ text }: Answer): Record<string, unknown> => JSON.parse(text)
export const refusedWith =
  (...codes: string[]) =>
  (answer: Answer) =>
    (answer.status === 400 || answer.status === 401) &&
    codes.includes(String(jsonOf(answer)['error']))
export const isOk = ({ status }: Answer) => status === 200

export const post = (
  target: string,
  parameters: Record<string, string>,
  ...headers: (readonly [string, string])[]
): Wire => ({
  ...{ method: 'POST', target, headers: [form, ...headers] },
  body: new URLSearchParams(parameters).toString()
})
