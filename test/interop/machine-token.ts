// An access token of the demo's machine client (RFC 6749 §4.4), for cases that protect an API.

import type { Setting } from './setting.ts'

export async function machineToken(
  { issuer, env }: Pick<Setting, 'issuer' | 'env'>,
  resource: string,
  scope?: string
): Promise<string> {
  const id = env['MINTMARK_DEMO_MACHINE_CLIENT_ID']
  const secret = env['MINTMARK_DEMO_MACHINE_CLIENT_SECRET']
  const response = await fetch(`${issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource,
      ...(scope === undefined ? {} : { scope })
    })
  })
  const answer = (await response.json()) as { access_token?: string }
  if (answer.access_token === undefined) throw new Error(JSON.stringify(answer))
  return answer.access_token
}
