#!/usr/bin/env node
// Builds one of our packages, `node bin/build-package.mjs resource-server`: dist/<name> is then what `npm pack` and `npm publish` take. Owns
// the folder's content: JavaScript and declarations of the package and of the few files that it shares with the server, package.json,
// README.md and LICENSE; nothing of before.

import { spawnSync } from 'node:child_process'
import { copyFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const names = ['resource-server', 'browser-session']
const [name = ''] = process.argv.slice(2)
if (!names.includes(name)) {
  console.error(`usage: node bin/build-package.mjs ${names.join('|')}`)
  process.exit(2)
}

const source = `${root}src/${name}`
const target = `${root}dist/${name}`
const compiler = `${root}node_modules/typescript/bin/tsc`
rmSync(target, { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [compiler, '-p', source], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
for (const file of ['package.json', 'README.md', 'LICENSE']) {
  copyFileSync(`${source}/${file}`, `${target}/${file}`)
}
