// Rules about TLS and the certificates of clients: that what is configured can work, and that no header is believed which anybody may send
// (RFC 8705 §6.5).

import type { Problem } from './configuration-error.ts'
import type { Check } from './rule.ts'
import { isLoopback } from './rules-mode.ts'

export const tlsIsComplete: Check = ({ tls, issuer }) => {
  const problems: Problem[] = []
  for (const [given, missing] of [
    ['certificate', 'key'],
    ['key', 'certificate']
  ] as const) {
    if (tls[given] === undefined || tls[missing] !== undefined) continue
    problems.push({
      path: `tls.${missing}`,
      problem: `is missing beside tls.${given}`,
      fix: 'Give both files, or leave both out where a proxy ends TLS.'
    })
  }
  if (tls.certificate !== undefined && issuer?.startsWith('https:') !== true) {
    problems.push({
      path: 'tls.certificate',
      problem: 'makes the server speak TLS, and the issuer is not https',
      fix: 'Set MINTMARK_ISSUER to the https origin under which people reach this server.'
    })
  }
  return problems
}

export const certificatesCanArrive: Check = ({
  tls,
  clientCertificates,
  trustedProxies,
  issuer
}) => {
  const { from, authorities, origin } = clientCertificates
  const path = 'clientCertificates.from'
  const problems: Problem[] = []
  if (from === 'tls' && tls.certificate === undefined) {
    problems.push({
      path,
      problem: 'is tls, and this server does not speak TLS itself',
      fix: 'Set MINTMARK_TLS__CERTIFICATE and MINTMARK_TLS__KEY; or `proxy`, where a proxy ends TLS.'
    })
  }
  if (from === 'proxy' && trustedProxies.length === 0) {
    problems.push({
      path,
      problem: 'is proxy, and no proxy is trusted: anybody could send the header',
      fix: 'Set MINTMARK_TRUSTED_PROXIES to the addresses that your proxies connect from.'
    })
  }
  if (from === undefined && (authorities !== undefined || origin !== undefined)) {
    problems.push({
      path,
      problem: `is missing, so clientCertificates.${authorities === undefined ? 'origin' : 'authorities'} does nothing`,
      fix: 'Set it to tls or proxy.'
    })
  }
  if (origin !== undefined && !isSecondOrigin(origin, issuer)) {
    problems.push({
      path: 'clientCertificates.origin',
      problem: 'must be an https origin other than the issuer (http on loopback)',
      fix: 'Give the origin alone, as in https://mtls.example.com, or leave it out.'
    })
  }
  return problems
}

function isSecondOrigin(text: string, issuer: string | undefined): boolean {
  const url = URL.parse(text)
  if (url === null || url.origin !== text || text === issuer) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}
