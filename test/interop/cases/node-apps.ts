// Relying parties with a server on Node: openid-client, Auth.js, passport-openidconnect.

import { equal } from 'node:assert/strict'
import { startApp } from '../apps.ts'
import type { Case } from '../case.ts'
import { moduleVersion } from '../packages.ts'
import { eventually, proveLogout, proveRefresh, proveSignIn, readJson } from '../story.ts'

const folder = 'test/interop'

export const openidClient: Case = {
  name: 'openid-client',
  needs: { folder },
  version: () => moduleVersion(folder, 'openid-client'),
  async prove(given) {
    const { person, tell } = given
    const { here } = await startApp(given, 'openid-client', 'openid-client.mjs')
    const story = { ...given, here }
    const subject = await proveSignIn(story)
    await proveRefresh(story, subject)
    const ended = async () => readJson(await person.ask(`${here}/state`))['ended']
    equal(await ended(), 'not yet')
    await person.signOut()
    await eventually(ended, 'by a logout token')
    tell('back-channel logout')
    await person.open(`${here}/login`)
    await proveLogout(story)
  }
}

export const authJs: Case = {
  name: 'Auth.js',
  needs: { folder },
  version: () =>
    `${moduleVersion(folder, '@auth/express')}, core ${moduleVersion(folder, '@auth/core')}`,
  async prove(given) {
    const { person, tell } = given
    const { here } = await startApp(given, 'auth-js', 'auth-js.mjs')
    const begin = async () => person.press(await person.ask(`${here}/auth/signin`))
    const story = { ...given, here, begin }
    const subject = await proveSignIn(story)
    const session = readJson(await person.open(`${here}/refresh`))
    equal(session['refreshed'], true)
    const { userinfo } = readJson(await person.ask(`${here}/me`))
    equal((userinfo as Record<string, unknown>)['sub'], subject)
    tell('refresh')
    await proveLogout(story)
  }
}

export const passport: Case = {
  name: 'passport-openidconnect',
  needs: { folder },
  version: () => moduleVersion(folder, 'passport-openidconnect'),
  async prove(given) {
    const { person, tell } = given
    const { here } = await startApp(given, 'passport-openidconnect', 'passport-openidconnect.mjs')
    const story = { ...given, here }
    const { location } = await person.ask(`${here}/login`)
    equal(location?.searchParams.has('code_challenge'), false)
    tell('no PKCE, by exemption')
    const subject = await proveSignIn(story)
    await proveRefresh(story, subject)
    await proveLogout(story)
  }
}
