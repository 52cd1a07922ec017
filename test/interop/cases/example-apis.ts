// The APIs of examples/: each is told issuer and audience, takes the token that the machine of call-an-api.mjs gets, and keeps out everything
// else. Those without packages of their own are also part of `npm test`.

import { equal, match } from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { audience as fakeAudience, startFakeIssuer } from '../../resource-server/fake-issuer.ts'
import { signRefusedTokens } from '../../resource-server/refused-tokens.ts'
import type { Case } from '../case.ts'
import { machineToken } from '../machine-token.ts'
import { debianVersion, moduleVersion, type Needs } from '../packages.ts'
import { start } from '../processes.ts'

const exampleFile = (name: string) =>
  fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url))

interface Api {
  name: string
  needs: Needs
  version(): string
  command: string
  args: string[]
}

const javaPackages = ['default-jdk-headless', 'libgoogle-oauth-client-java']
const apis: Api[] = [
  {
    name: 'examples/api-fastify',
    needs: {},
    version: () => moduleVersion('.', 'fastify'),
    command: process.execPath,
    args: [exampleFile('api-fastify/server.mjs')]
  },
  {
    name: 'examples/api-express',
    needs: { folder: 'examples/api-express' },
    version: () =>
      `${moduleVersion('examples/api-express', 'express')}, jose ${moduleVersion('examples/api-express', 'jose')}`,
    command: process.execPath,
    args: [exampleFile('api-express/server.mjs')]
  },
  {
    name: 'examples/api-python',
    needs: { debian: ['python3-jwt', 'python3-cryptography'] },
    version: () => `PyJWT ${debianVersion('python3-jwt')}`,
    command: '/usr/bin/python3',
    args: [exampleFile('api-python/server.py')]
  },
  {
    name: 'examples/api-java',
    needs: { debian: javaPackages },
    version: () => `google-oauth-client ${debianVersion('libgoogle-oauth-client-java')}`,
    command: exampleFile('api-java/run.sh'),
    args: []
  }
]

export const exampleApis: readonly Case[] = apis.map(({ command, args, ...rest }) => ({
  ...rest,
  async prove({ setting, life, tell }) {
    const { issuer, audience, env } = setting
    const variables = { ...env, API_PORT: '0' }
    const ready = / takes tokens for /
    const { line } = await start(life, { command, args, env: variables, ready })
    const [url = ''] = line.split(' ')
    const answer = async (token?: string) => {
      const headers = new Headers(token === undefined ? {} : { authorization: `Bearer ${token}` })
      const response = await fetch(url, { headers })
      const challenge = response.headers.get('www-authenticate') ?? ''
      return `${response.status} ${/error="(\w+)"/.exec(challenge)?.[1] ?? ''}`.trim()
    }
    const good = await machineToken(setting, audience, 'read:things')
    equal(await answer(good), '200')
    tell('its own access token')
    equal(await answer(), '401')
    equal(await answer(await machineToken(setting, issuer)), '401 invalid_token')
    equal(await answer(await machineToken(setting, `${issuer}/demo-api`)), '401 invalid_token')
    equal(await answer(`${good.slice(0, -8)}AAAAAAAA`), '401 invalid_token')
    const other = await machineToken(setting, audience, 'write:things')
    equal(await answer(other), '403 insufficient_scope')
    tell('none of another audience or without the scope')

    const fake = await startFakeIssuer(life)
    fake.serveMetadataAt('/.well-known/oauth-authorization-server')
    const judged = await start(life, {
      command,
      args,
      env: { MINTMARK_ISSUER: fake.url, API_RESOURCE: fakeAudience, API_PORT: '0' },
      ready
    })
    const statusFor = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` }
      return (await fetch(judged.line.split(' ')[0] ?? '', { headers })).status
    }
    equal(await statusFor(await fake.sign()), 200)
    const refused = Object.entries(await signRefusedTokens(fake))
    for (const [what, token] of refused) equal(await statusFor(token), 401, what)
    tell(`${refused.length} forged ones refused`)

    const machine = [exampleFile('call-an-api.mjs'), url]
    const called = await start(life, {
      command: process.execPath,
      args: machine,
      env,
      ready: /^\d+ \{/
    })
    match(called.line, /^200 .*"for":"demo-machine"/)
    tell('called by call-an-api.mjs')
  }
}))
