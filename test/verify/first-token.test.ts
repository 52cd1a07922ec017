// The `curl` line that a development start prints, as printed: pasted into a shell, it brings a token that an API can verify.

import { spawnSync } from 'node:child_process'
import t from 'tap'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { startServerAsUsersDo } from '../support/started-server.ts'

const lacking = spawnSync('curl', ['--version']).status !== 0 && 'no curl on this machine'

t.test('the printed curl line brings a first token', { skip: lacking }, async t => {
  const { banner, issuer } = await startServerAsUsersDo(t)
  const lines = banner.split('\n')
  const first = lines.findIndex(line => line.includes('First token'))
  const command = lines
    .slice(first, first + 2)
    .join('\n')
    .replace('First token', '')
  t.match(command, /^\s+curl -s /)

  const { stdout, status } = spawnSync('bash', ['-c', command], { encoding: 'utf8' })
  t.equal(status, 0)
  const answer = JSON.parse(stdout)
  t.match(answer, { access_token: String, token_type: 'Bearer', scope: 'read:things' })

  const verifier = createVerifier({ issuer, audience: `${issuer}/demo-api` })
  const verification = await verifier.verify(`Bearer ${answer.access_token}`)
  t.match(verification, { ok: true, token: { clientId: 'demo-machine' } })
})

t.test('every address of the banner answers', async t => {
  const { banner } = await startServerAsUsersDo(t)
  const addresses = [...banner.matchAll(/^ {2}(?:Discovery|Try it) +(\S+)/gm)].map(([, at]) => at)
  t.equal(addresses.length, 2)
  for (const address of addresses)
    t.equal((await fetch(String(address))).status, 200, String(address))
  t.match(banner, /self-check +(\S+ ✓ +){6}\(/i)
  t.notMatch(banner, /✗/)
})
