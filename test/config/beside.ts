// What a configuration key needs beside it, so that it can be set alone in a test.
// Owns no value of the key itself.

import type { Environment } from '../../src/config/variables.ts'
import { productionEnv } from './sound.ts'

/** What other keys need beside them. */
export function besideOthers(path: string): Environment {
  if (path.startsWith('conformance.') && path !== 'conformance.enabled') {
    return { MINTMARK_CONFORMANCE__ENABLED: 'true' }
  }
  if (path.startsWith('mail.smtp.')) return { MINTMARK_MAIL__FROM: 'no-reply@example.com' }
  const resources = '[{"identifier":"https://api.example.com"}]'
  return path === 'authorizationDetails' ? { MINTMARK_RESOURCES: resources } : {}
}

/** What the keys of TLS and of clients' certificates need beside them. */
export function besideTls(path: string): Environment {
  if (!/^(tls|clientCertificates)\./.test(path)) return {}
  return {
    ...productionEnv,
    MINTMARK_TLS__CERTIFICATE: '/tls.crt',
    MINTMARK_TLS__KEY: '/tls.key',
    ...(path.startsWith('tls.') ? {} : { MINTMARK_CLIENT_CERTIFICATES__FROM: 'tls' })
  }
}
