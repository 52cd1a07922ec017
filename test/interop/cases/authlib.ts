// Authlib (Python, Debian's packages): a relying party on Flask, and an API that verifies access tokens by issuer and audience.

import { equal } from 'node:assert/strict'
import { startApp } from '../apps.ts'
import type { Case } from '../case.ts'
import { machineToken } from '../machine-token.ts'
import { debianVersion } from '../packages.ts'
import { proveLogout, proveRefresh, proveSignIn } from '../story.ts'

export const authlib: Case = {
  name: 'Authlib',
  needs: { debian: ['python3-authlib', 'python3-flask', 'python3-requests'] },
  version: () => debianVersion('python3-authlib') ?? '',
  async prove(given) {
    const { setting, tell } = given
    const { here } = await startApp(given, 'authlib', 'authlib_app.py')
    const story = { ...given, here }
    const subject = await proveSignIn(story)
    await proveRefresh(story, subject)
    await proveLogout(story)

    const answer = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` }
      return (await fetch(`${here}/things`, { headers })).status
    }
    const good = await machineToken(setting, setting.audience)
    equal(await answer(good), 200)
    equal(await answer(await machineToken(setting, setting.issuer)), 401)
    equal(await answer(`${good.slice(0, -8)}AAAAAAAA`), 401)
    tell('access token at an API')
  }
}
