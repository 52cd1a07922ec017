// Stylesheets, scripts and icon: read once, named by their content, cached for ever (RFC 8246). Owns the paths under /assets. Refuses to read a file
// by a name from a request: there are a few, in a table.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { firstWords } from '../accounts/common-passwords.ts'
import { estimateGuesses, strengthOf } from '../lib/password-guesses.ts'
import { type Look, renderTheme } from '../views/theme.ts'
import { readLogo } from './logo.ts'

interface Asset {
  stem: string
  extension: string
  type: string
  body: Buffer
  /** path on the server, without the issuer's own path */
  path: string
}

export interface Assets {
  stylesheets: readonly string[]
  icon: string
  /** script of the field for a new password */
  passwordMeter: string
  /** of the pages that offer passkeys, and of no other */
  passkeys: string
  /** undefined: the product has none */
  logo: string | undefined
  files: readonly Asset[]
}

/**
 * Reads the files and makes the product's theme. `colour`: `#rrggbb`; `radius`: pixels; `logo`: path of an image file.
 * @throws when a file is missing from the installation; Fault `configuration_invalid` for the logo
 */
export function createAssets({
  logo: logoFile,
  ...look
}: Look & { logo?: string | undefined }): Assets {
  const css = 'text/css; charset=utf-8'
  const sheet = asset('mintmark', 'css', css, read('../views/mintmark.css'))
  const theme = asset('theme', 'css', css, Buffer.from(renderTheme(look)))
  const icon = asset('mark', 'svg', 'image/svg+xml', read('../views/mark.svg'))
  const meter = asset('password-meter', 'js', 'text/javascript; charset=utf-8', meterScript())
  const passkeys = asset('passkeys', 'js', 'text/javascript; charset=utf-8', passkeyScript())
  const image = logoFile === undefined ? undefined : readLogo(logoFile)
  const logo = image && asset('logo', image.extension, image.type, image.body)
  return {
    stylesheets: [sheet.path, theme.path],
    icon: icon.path,
    passwordMeter: meter.path,
    passkeys: passkeys.path,
    logo: logo?.path,
    files: [sheet, theme, icon, meter, passkeys, ...(logo === undefined ? [] : [logo])]
  }
}

/** Fastify plugin: the routes. */
export function assetRoutes(
  app: FastifyInstance,
  { assets }: { assets: Assets },
  done: () => void
) {
  for (const file of assets.files) {
    app.get(`/assets/${file.stem}-:hash.${file.extension}`, (request, reply) => {
      // While a new version rolls out, its pages ask processes that still run the old one: their sheet serves, but nobody may keep it.
      const known = request.url.endsWith(file.path)
      return reply
        .headers({
          'cache-control': known ? 'public, max-age=31536000, immutable' : 'no-store',
          'x-content-type-options': 'nosniff',
          'cross-origin-resource-policy': 'same-origin',
          // an SVG opened by itself is a document too
          'content-security-policy': "default-src 'none'; frame-ancestors 'none'"
        })
        .type(file.type)
        .send(file.body)
    })
  }
  done()
}

function asset(stem: string, extension: string, type: string, body: Buffer): Asset {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
  return { stem, extension, type, body, path: `/assets/${stem}-${hash}.${extension}` }
}

// The browser counts with the same functions as the server: Node has taken their types away already.
function meterScript(): Buffer {
  const call = `moveMeters(${JSON.stringify([...firstWords])}, estimateGuesses, strengthOf)`
  const glue = read('../views/password-meter.js').toString()
  return Buffer.from(`${[glue, estimateGuesses, strengthOf, call].join('\n')}\n`)
}

/** The browser's half of the WebAuthn library, as its makers bundle it, and what our pages do with it. */
function passkeyScript(): Buffer {
  const bundle = new URL(
    '../dist/bundle/index.umd.min.js',
    import.meta.resolve('@simplewebauthn/browser')
  )
  return Buffer.concat([readFileSync(bundle), Buffer.from('\n'), read('../views/passkeys.js')])
}

function read(file: string): Buffer {
  return readFileSync(new URL(file, import.meta.url))
}
