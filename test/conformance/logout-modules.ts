// The suite's modules of RP-Initiated and Back-Channel Logout, played against our server (net.openid.conformance.openid). A module signs in,
// then sends the browser to the end session endpoint, and looks whether the session is over.

import type { Test } from 'tap'
import { suitePath } from '../../src/cli/conformance/clients.ts'
import type { Play } from './core-modules.ts'
import type { Module, Parameters } from './module.ts'

const state = 's'.repeat(128)

/** Signs in; answers the ID token and where a sign-out may return to. */
async function signIn(module: Module) {
  const { id_token } = await module.tokens(await module.authorize())
  return { id_token, back: suitePath(module.run.place, 'post_logout_redirect') }
}

async function assertSession(t: Test, module: Module, expected: 'over' | 'there') {
  const { ended } = await module.answered({ prompt: 'none' })
  const error = ended.parameters.get('error')
  if (expected === 'over') t.match(error, /^(login|interaction)_required$/, 'signed out')
  else t.equal(error, null, 'still signed in')
}

/** Comes back to the suite, with the state that was sent. */
const comesBack =
  (sent: string | undefined): Play =>
  async (t, module) => {
    const { id_token, back } = await signIn(module)
    const ended = await module.logout({
      id_token_hint: id_token,
      post_logout_redirect_uri: back,
      state: sent
    })
    t.equal(ended.arrived, back)
    t.equal(ended.parameters.get('state'), sent ?? null, 'CheckPostLogoutState')
    await assertSession(t, module, 'over')
  }

/** Stays at our page, which says that it is done. */
const staysHere =
  (request: (idToken: string, back: string) => Parameters): Play =>
  async (t, module) => {
    const { id_token, back } = await signIn(module)
    const ended = await module.logout(request(id_token, back))
    t.equal(ended.arrived, undefined, 'nobody is sent anywhere')
    t.equal(ended.pictures, 1)
    await assertSession(t, module, 'over')
  }

/** Ends at our error page, and nothing is done. */
const isRefused =
  (request: (idToken: string, back: string) => Parameters): Play =>
  async (t, module) => {
    const { id_token, back } = await signIn(module)
    const ended = await module.logout(request(id_token, back))
    t.equal(ended.arrived, undefined, 'nobody is sent anywhere')
    t.equal(ended.pictures, 1)
    t.equal(ended.page?.status, 400)
    await assertSession(t, module, 'there')
  }

function unsigned(idToken: string): string {
  const header = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
  return `${header}.${idToken.split('.')[1]}.`
}

export const logoutModules: Readonly<Record<string, Play>> = {
  'oidcc-rp-initiated-logout': comesBack(state),
  'oidcc-rp-initiated-logout-no-state': comesBack(undefined),
  'oidcc-rp-initiated-logout-no-params': staysHere(() => ({})),
  'oidcc-rp-initiated-logout-no-post-logout-redirect-uri': staysHere(idToken => ({
    id_token_hint: idToken,
    state
  })),
  'oidcc-rp-initiated-logout-only-state': staysHere(() => ({ state })),
  'oidcc-rp-initiated-logout-no-id-token-hint': staysHere((_, back) => ({
    post_logout_redirect_uri: back,
    state
  })),
  'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri': isRefused((idToken, back) => ({
    id_token_hint: idToken,
    post_logout_redirect_uri: `${back}/unregistered`,
    state
  })),
  'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri': isRefused(
    (idToken, back) => ({
      id_token_hint: idToken,
      post_logout_redirect_uri: `${back}?foo=bar`,
      state
    })
  ),
  'oidcc-rp-initiated-logout-modified-id-token-hint': isRefused((idToken, back) => ({
    id_token_hint: unsigned(idToken),
    post_logout_redirect_uri: back,
    state
  })),
  'oidcc-rp-initiated-logout-bad-id-token-hint': isRefused((_, back) => ({
    id_token_hint: 'nonsense',
    post_logout_redirect_uri: back,
    state
  }))
}
