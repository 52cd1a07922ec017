// `npm start` as a supervisor runs it: ended by its process id, which is npm's. And the shell of somebody who has taken over what
// `mintmark status` tells.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { makePlace, mintmark, postgresOf, startMintmark } from '../support/process.ts'
import { freePort } from '../support/server.ts'

const project = fileURLToPath(new URL('../../', import.meta.url))

const isReady = (port: number) =>
  fetch(`http://localhost:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false
  )

t.test('whoever ends npm ends the server and its PostgreSQL', async t => {
  const port = await freePort()
  const place = makePlace(t)
  const npm = spawn('/bin/sh', ['-c', 'unset NODE_OPTIONS; exec npm start'], {
    cwd: project,
    stdio: 'ignore',
    env: { ...process.env, MINTMARK_DATA: place.data, MINTMARK_PORT: `${port}` }
  })
  t.teardown(() => npm.kill('SIGKILL'))
  const ended = once(npm, 'exit')
  while (!(await isReady(port)) && npm.exitCode === null) await sleep(100)
  t.equal(npm.exitCode, null)
  npm.kill('SIGTERM')
  await ended
  while ((await isReady(port)) || postgresOf(place).length > 0) await sleep(100)
  t.pass('nothing is left')
})

t.test('the environment that status tells does not get in the way of the next start', async t => {
  const place = makePlace(t, { MINTMARK_PORT: `${await freePort()}` })
  const first = await startMintmark(t, place)
  const { out } = await mintmark(t, place, ['status', '-o', 'json'])
  await first.stop()
  const { DATABASE_URL } = JSON.parse(out) as { DATABASE_URL: string }
  const second = await startMintmark(t, place, { env: { DATABASE_URL } })
  t.match(second.banner(), /embedded/)
  await second.stop()
  const listed = await mintmark(t, place, ['clients', 'list', '-o', 'json'], {
    env: { DATABASE_URL }
  })
  t.equal(listed.code, 0, listed.err)
  t.match(listed.out, 'demo-web')
  t.same(postgresOf(place), [])
})

t.test('what the demo is told stays true, whatever was rotated meanwhile', async t => {
  const place = makePlace(t, { MINTMARK_PORT: `${await freePort()}` })
  const first = await startMintmark(t, place)
  const rotated = await mintmark(t, place, [
    'clients',
    'rotate-secret',
    'demo-machine',
    '--revoke-old'
  ])
  t.equal(rotated.code, 0, rotated.err)
  const refused = await mintmark(
    t,
    place,
    ['accounts', 'set-password', 'demo@example.com', '--password-stdin'],
    {
      input: 'another horse battery staple'
    }
  )
  t.not(refused.code, 0)
  t.match(refused.err, /belongs to development mode/)
  await first.stop()
  const second = await startMintmark(t, place)
  t.notMatch(second.banner(), '✗')
  await second.stop()
})
