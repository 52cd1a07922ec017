// What is measured: six requests, each as a client of the protocol sends it, at the same path of every server. Owns how an answer is
// checked, so that nobody is fast by being wrong.

import { formHeaders, formOf } from '../faults/client.ts'
import { plain } from '../faults/installation.ts'
import { basic, type Caller } from '../protocol/requests.ts'
import type { Speaker } from './closed-loop.ts'
import { benchApi } from './setting.ts'
import type { Target } from './targets.ts'

export interface Operation {
  name: string
  /** How many requests the speakers have in them; without it, as many as there is time for. */
  supply?: number
  speakers(target: Target, connections: number, supply: number): Promise<Speaker[]>
}

function head(target: Target, method: string, path: string, headers: Record<string, string>) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\nhost: ${target.host}\r\n${lines.join('')}\r\n`
}

function posted(target: Target, path: string, caller: Caller, form: Record<string, string>) {
  const body = formOf(caller, form)
  const headers = { ...formHeaders(caller), 'content-length': String(body.length) }
  return head(target, 'POST', path, headers) + body
}

const got = (target: Target, path: string, headers: Record<string, string> = {}) =>
  head(target, 'GET', path, headers)

function assertAnswer(status: number, body: string, member: string) {
  if (status !== 200 || !body.includes(`"${member}"`)) throw new Error(`${status} ${body}`)
}

/** The same request again and again, on every connection. */
const repeated = (request: string, member: string, connections: number): Speaker[] =>
  Array.from({ length: connections }, () => ({
    next: () => request,
    answered: (status, body) => assertAnswer(status, body, member)
  }))

export const operations: readonly Operation[] = [
  {
    name: 'client_credentials',
    async speakers(target, connections) {
      const form = { grant_type: 'client_credentials', scope: 'read:things', resource: benchApi }
      const request = posted(target, '/oauth/token', basic('billing'), form)
      return repeated(request, 'access_token', connections)
    }
  },
  {
    name: 'refresh',
    async speakers(target, connections) {
      const tokens = await target.refreshTokens(connections)
      return tokens.map(first => {
        let token = first
        return {
          next: () =>
            posted(target, '/oauth/token', plain.caller, {
              grant_type: 'refresh_token',
              refresh_token: token
            }),
          answered(status, body) {
            assertAnswer(status, body, 'access_token')
            const next = String(JSON.parse(body).refresh_token)
            if (next === token) throw new Error('the token was not rotated')
            token = next
          }
        }
      })
    }
  },
  {
    name: 'code exchange',
    supply: 400,
    async speakers(target, connections, supply) {
      const codes = await target.codes(supply)
      return Array.from({ length: connections }, () => ({
        next() {
          const one = codes.pop()
          return (
            one &&
            posted(target, '/oauth/token', plain.caller, {
              grant_type: 'authorization_code',
              code: one.code,
              code_verifier: one.verifier,
              redirect_uri: plain.redirectUri,
              resource: benchApi
            })
          )
        },
        answered: (status, body) => assertAnswer(status, body, 'refresh_token')
      }))
    }
  },
  {
    name: 'introspection',
    async speakers(target, connections) {
      const form = { token: await target.accessToken() }
      const request = posted(target, '/oauth/introspect', plain.caller, form)
      return repeated(request, 'client_id', connections)
    }
  },
  {
    name: 'userinfo',
    async speakers(target, connections) {
      const authorization = `Bearer ${await target.accessToken()}`
      return repeated(got(target, '/userinfo', { authorization }), 'sub', connections)
    }
  },
  {
    name: 'JWKS',
    async speakers(target, connections) {
      return repeated(got(target, '/.well-known/jwks.json'), 'keys', connections)
    }
  }
]
