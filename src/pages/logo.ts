// The product's logo: an image file that the operator names. Served from our own origin, so that no page asks another site for anything.
// Refuses a file that is not there, with what to set.

import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { Fault } from '../lib/fault.ts'

const types: Record<string, string> = {
  svg: 'image/svg+xml',
  png: 'image/png',
  webp: 'image/webp',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg'
}

/** @throws Fault `configuration_invalid` when the file cannot be read */
export function readLogo(file: string): { extension: string; type: string; body: Buffer } {
  const extension = extname(file).slice(1).toLowerCase()
  const type = types[extension] ?? 'application/octet-stream'
  try {
    return { extension, type, body: readFileSync(file) }
  } catch (error) {
    throw new Fault(
      'configuration_invalid',
      `product.logo: ${file} cannot be read. Set MINTMARK_PRODUCT__LOGO to an image file, or leave it out.`,
      error
    )
  }
}
