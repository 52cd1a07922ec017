// The races that the naive controls run as well: one code and one refresh token, presented by everybody at once.

import { type Contest, race } from './contest.ts'
import { type App, web } from './requests.ts'

const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }

/** One authorization code, redeemed by all contenders. */
export async function codeRace({ main, requests, post }: Contest) {
  const { code, verifier, app } = await requests.code(offline)
  const answers = await race(main.databaseUrl, 'artifacts', turn =>
    post(turn, '/oauth/token', app.caller, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: app.redirectUri,
      code_verifier: verifier
    })
  )
  return { answers, code }
}

export const refreshWith = (
  { post }: Contest,
  turn: number,
  refreshToken: string,
  app: App = web
) =>
  post(turn, '/oauth/token', app.caller, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken
  })

/** The first refresh token of a new family. */
export async function newFamily({ requests }: Contest): Promise<string> {
  const { refresh_token: refreshToken } = await requests.tokens(offline)
  return refreshToken
}

/** One refresh token, presented by all contenders. */
export async function refreshRace(contest: Contest) {
  const first = await newFamily(contest)
  const answers = await race(contest.main.databaseUrl, 'refresh_families', turn =>
    refreshWith(contest, turn, first)
  )
  return { answers, first }
}

/** The member of every answer that has it. */
export function members(answers: readonly { text: string }[], member: string): string[] {
  return answers.flatMap(({ text }) => {
    const value = text.startsWith('{') ? JSON.parse(text)[member] : undefined
    return typeof value === 'string' ? [value] : []
  })
}
