// Everything that `npm run interop` proves, in the order of its table.

import type { Case } from './case.ts'
import { modAuthOpenidc, modOauth2 } from './cases/apache.ts'
import { authlib } from './cases/authlib.ts'
import { exampleApis } from './cases/example-apis.ts'
import { exampleCli, exampleSpa, exampleWebApp } from './cases/example-apps.ts'
import { authJs, openidClient, passport } from './cases/node-apps.ts'
import { oidcClientTs } from './cases/oidc-client-ts.ts'

export const cases: readonly Case[] = [
  openidClient,
  oidcClientTs,
  authJs,
  passport,
  modAuthOpenidc,
  modOauth2,
  authlib,
  ...exampleApis,
  exampleWebApp,
  exampleSpa,
  exampleCli
]
