// The block that a development start prints: what runs, where, and a
// line that works as printed. It names only what exists.

export interface Banner {
  version: string
  issuer: string
  host: string
  login: string
  password: string
  /** where mails are looked at; undefined: they leave */
  outbox: string | undefined
  database: string
  machineClientId: string
  machineSecret: string
  resource: string
  selfCheck: { steps: { name: string; ok: boolean; detail?: string }[]; milliseconds: number }
  notes: readonly string[]
}

/** The block, ready to be printed. */
export function renderBanner(banner: Banner): string {
  const { issuer, selfCheck } = banner
  const steps = selfCheck.steps.map(({ name, ok }) => `${name} ${ok ? '✓' : '✗'}`).join('  ')
  const failed = selfCheck.steps.filter(step => !step.ok && step.detail !== undefined)
  const lines = [
    '',
    `  mintmark ${banner.version}  ·  development mode — not for production`,
    '',
    `  Issuer        ${issuer}        (${banner.host} only)`,
    `  Discovery     ${issuer}/.well-known/openid-configuration`,
    `  Try it        ${issuer}/demo     sign in as ${banner.login} / ${banner.password}`,
    ...(banner.outbox === undefined ? [] : [`  Mail outbox   ${banner.outbox}`]),
    `  Database      ${banner.database}`,
    '',
    `  Self-check    ${steps}   (${selfCheck.milliseconds} ms)`,
    ...failed.map(step => `                ${step.name}: ${step.detail}`),
    `  First token   curl -s ${issuer}/oauth/token -u ${banner.machineClientId}:${banner.machineSecret} \\`,
    `                  -d grant_type=client_credentials -d scope=read:things -d resource=${banner.resource}`,
    '',
    ...banner.notes.map(note => `  ${note}`),
    '  WARNING development mode: plain http, demo clients, a demo account. `npx mintmark doctor` lists what production needs.',
    ''
  ]
  return `${lines.join('\n')}\n`
}
