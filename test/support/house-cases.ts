// Small files that break a rule of the house, one per rule, and small files that keep them all. A rule without a file here that it
// catches is not held; a rule that catches one of the allowed files holds too much.

/** Files that stand where they may not reach: path, code, and words of the sentence that must name it. */
export const forbidden: [rule: string, path: string, code: string, sentence: RegExp][] = [
  ['oauth imports nothing', 'src/oauth/scope.ts', "import '../lib/fault.ts'", /may not import lib/],
  [
    'oauth takes no package',
    'src/oauth/scope.ts',
    "import { hash } from 'node:crypto'",
    /imports nothing/
  ],
  [
    'lib imports only itself',
    'src/lib/seal.ts',
    "import '../config/load.ts'",
    /may not import config/
  ],
  [
    'floor 1: no neighbour',
    'src/config/load.ts',
    "import '../telemetry/logger.ts'",
    /may not import telem/
  ],
  [
    'floor 1: nothing above',
    'src/telemetry/logger.ts',
    "import '../store/a.ts'",
    /may not import store/
  ],
  [
    'views take only i18n beside them',
    'src/views/page.ts',
    "import '../config/a.ts'",
    /may not import conf/
  ],
  [
    'store takes types of config',
    'src/store/a.ts',
    "import { c } from '../config/a.ts'",
    /only types/
  ],
  [
    'an inline type is no `import type`',
    'src/store/a.ts',
    "import { type C } from '../config/a.ts'",
    /only types/
  ],
  [
    'store knows no views',
    'src/store/a.ts',
    "import type { V } from '../views/a.ts'",
    /may not import views/
  ],
  [
    'floor 3: no neighbour',
    'src/keys/ring.ts',
    "import '../clients/a.ts'",
    /may not import clients/
  ],
  [
    'floor 3: no neighbour, type-only',
    'src/keys/ring.ts',
    "import type { A } from '../grants/a.ts'",
    /may not/
  ],
  [
    'floor 3: nothing above',
    'src/grants/a.ts',
    "import '../protocol/ports.ts'",
    /may not import protocol/
  ],
  ['audit knows no neighbour', 'src/audit/a.ts', "import '../keys/ring.ts'", /may not import keys/],
  [
    'protocol knows no pages',
    'src/protocol/a.ts',
    "import '../pages/login.ts'",
    /may not import pages/
  ],
  [
    'pages reach only the ports',
    'src/pages/a.ts',
    "import '../protocol/provider.ts'",
    /protocol\/ports\.ts/
  ],
  ['pages know no store', 'src/pages/a.ts', "import '../store/a.ts'", /may not import store/],
  ['admin knows no pages', 'src/admin/a.ts', "import '../pages/a.ts'", /may not import pages/],
  [
    'ops reach only the ports',
    'src/ops/a.ts',
    "import '../protocol/mount.ts'",
    /may not import protocol/
  ],
  ['demo knows no store', 'src/demo/a.ts', "import '../store/a.ts'", /may not import store/],
  [
    'demo knows no config',
    'src/demo/a.ts',
    "import type { C } from '../config/schema.ts'",
    /may not import conf/
  ],
  ['nothing imports the demo', 'src/pages/a.ts', "import '../demo/a.ts'", /may not import demo/],
  [
    'resource-server stands alone',
    'src/resource-server/a.ts',
    "import '../lib/seal.ts'",
    /lib\/cache\.ts/
  ],
  [
    'browser-session stands alone',
    'src/browser-session/a.ts',
    "import '../resource-server/verifier.ts'",
    /only itself/
  ],
  [
    'nothing imports browser-session',
    'src/demo/a.ts',
    "import '../browser-session/sessions.ts'",
    /may not import browser-session/
  ],
  [
    'nothing imports the root',
    'src/protocol/a.ts',
    "import '../server.ts'",
    /may not import server\.ts/
  ],
  ['src knows no test', 'src/keys/ring.ts', "import '../../test/support/a.ts'", /is outside it/],
  [
    'a dynamic import counts',
    'src/keys/ring.ts',
    "await import('../clients/a.ts')",
    /may not import clients/
  ],
  [
    'a re-export counts',
    'src/keys/ring.ts',
    "export * from '../clients/a.ts'",
    /may not import clients/
  ],
  [
    'a computed import is refused',
    'src/keys/ring.ts',
    'await import(name)',
    /hides from the import table/
  ],
  ['a folder without a floor', 'src/misc/a.ts', 'export const a = 1', /stands on no floor/],
  ['a file without a floor', 'src/setup.ts', 'export const a = 1', /stands on no floor/],
  ['imports carry their ending', 'src/keys/ring.ts', "import './rotation'", /is no \.ts file/],
  [
    'pg only in store',
    'src/keys/ring.ts',
    "import type { Pool } from 'pg'",
    /pg is opened only in store\//
  ],
  ['knex only in store', 'src/cli/a.ts', "import knex from 'knex'", /knex is opened only/],
  [
    'the engine only in protocol',
    'src/pages/a.ts',
    "import { errors } from 'oidc-provider'",
    /only in protocol\//
  ],
  [
    'the engine, by a path inside',
    'src/server.ts',
    "import 'oidc-provider/lib/provider.js'",
    /only in protocol/
  ],
  [
    'jose only where keys are used',
    'src/demo/a.ts',
    "import { jwtVerify } from 'jose'",
    /jose is opened only/
  ],
  [
    'openid-client only outwards',
    'src/protocol/a.ts',
    "import * as c from 'openid-client'",
    /only in federation/
  ],
  [
    'process.env only in config/load.ts',
    'src/server.ts',
    'const a = process.env.HOME',
    /only in config\/load/
  ],
  ['process.env by an index', 'src/server.ts', "const a = process['env']", /only in config\/load/],
  [
    'process.env taken apart',
    'src/server.ts',
    'const { pid, env } = process',
    /only in config\/load/
  ],
  [
    'env of node:process',
    'src/server.ts',
    "import { env } from 'node:process'",
    /only in config\/load/
  ],
  [
    'process.exit only in main and cli',
    'src/ops/a.ts',
    'process.exit(1)',
    /only in main\.ts and cli/
  ],
  [
    'SQL only in store',
    'src/keys/ring.ts',
    'const a = `SELECT kid FROM signing_keys`',
    /SQL stands only/
  ],
  ['no barrel', 'src/keys/index.ts', '', /no barrel index/],
  ['no utils', 'src/keys/utils/a.ts', '', /no folder is called utils/],
  ['no helpers', 'test/helpers/a.ts', '', /no folder is called helpers/],
  ['no common', 'src/lib/common/a.ts', '', /no folder is called common/],
  ['no types', 'src/lib/types/a.ts', '', /no folder is called types/],
  ['kebab-case files', 'src/keys/keyRing.ts', '', /keyRing\.ts is not kebab-case/],
  ['kebab-case folders', 'src/keys/Ring/a.ts', '', /folder Ring is not kebab-case/],
  ['400 lines at most', 'src/keys/ring.ts', 'a\n'.repeat(399), /401 lines are too many/],
  ['no default export', 'src/keys/ring.ts', 'export default {}', /no default export/],
  [
    'no default export by renaming',
    'src/keys/ring.ts',
    'export { a as default }',
    /no default export/
  ],
  ['no enum', 'src/keys/ring.ts', 'const enum State { on }', /no enum/],
  ['no namespace', 'src/keys/ring.ts', 'namespace Keys { }', /no namespace/],
  [
    'no parameter property',
    'src/keys/a.ts',
    'class A { constructor(readonly a: B) {} }',
    /parameter property/
  ],
  ['no import equals', 'src/keys/ring.ts', "import a = require('./a.ts')", /does not vanish/],
  ['no mutable variable in a module', 'src/keys/ring.ts', 'let count = 0', /no mutable state/],
  [
    'no container in a module',
    'src/keys/a.ts',
    'const a = new Map<string, B>()',
    /no mutable state/
  ],
  ['no silenced compiler', 'src/keys/ring.ts', '// @ts-expect-error\na.b()', /without a reason/],
  ...['TO-DO', 'FIX-ME', 'X-XX', 'HA-CK'].map((word): [string, string, string, RegExp] => {
    const joined = word.replace('-', '')
    return [`no ${word}`, 'src/keys/ring.ts', `// ${joined}: later`, new RegExp(`${joined} stands`)]
  })
]

/** What the same rules let through: a rule that refuses everything would pass the test above. */
export const allowed: [path: string, code: string][] = [
  ['src/oauth/scope.ts', "import './errors.ts'"],
  ['src/lib/seal.ts', "import { hkdf } from 'node:crypto'"],
  ['src/config/load.ts', "import '../lib/fault.ts'\nexport const a = process.env.HOME"],
  ['src/views/page.ts', "import '../i18n/messages.ts'"],
  ['src/store/a.ts', "import type { C } from '../config/schema.ts'\nimport pg from 'pg'"],
  ['src/store/a.ts', 'const a = `SELECT 1`'],
  ['src/keys/ring.ts', "import '../audit/events.ts'\nimport '../store/a.ts'\nimport 'jose'"],
  ['src/protocol/a.ts', "import '../grants/a.ts'\nimport 'oidc-provider'\nimport 'jose'"],
  ['src/pages/a.ts', "import type { P } from '../protocol/ports.ts'\nimport '../views/page.ts'"],
  ['src/ops/a.ts', "import '../store/a.ts'"],
  ['src/demo/a.ts', "import '../resource-server/verify.ts'\nimport 'openid-client'"],
  [
    'src/resource-server/a.ts',
    "import '../lib/cache.ts'\nimport '../oauth/bearer.ts'\nimport 'jose'"
  ],
  ['src/cli/a.ts', "import '../server.ts'\nprocess.exit(1)"],
  ['src/main.ts', "import './cli/start.ts'\nprocess.exit(1)"],
  ['src/server.ts', "import './protocol/mount.ts'\nimport '../package.json' with { type: 'json' }"],
  ['src/keys/ring.ts', '// process.env is not read here, and process.exit is not called'],
  ['src/keys/ring.ts', "export const algorithms = new Set(['ES256'])\nfunction f() { let a = 1 }"],
  ['src/keys/ring.ts', 'class A { readonly a: B\n constructor(a: B, b = (readonly: C) => 1) {} }'],
  ['src/keys/ring.ts', 'a\n'.repeat(398)]
]
