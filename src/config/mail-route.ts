// What follows from the configuration of mail: which mail server there is, where mails go, and who may make an account. Pure. Refuses to promise
// what needs a mail where none can be sent.

import type { Config } from './schema.ts'

type MailConfig = Pick<Config, 'mode' | 'mail' | 'signUp' | 'conformance'>

/** A mail server, as nodemailer takes it; undefined where none is named. */
export interface MailServer {
  host: string
  port: number
  tls: Config['mail']['smtp']['tls']
  user: string | undefined
  password: string | undefined
}

/** Undefined where none is named, or the URL is none. */
export function mailServerOf({ mail }: Pick<Config, 'mail'>): MailServer | undefined {
  const { url: written, host, port, user, password, tls } = mail.smtp
  if (written === undefined) {
    if (host === undefined) return undefined
    return { host, port: port ?? (tls === 'implicit' ? 465 : 587), tls, user, password }
  }
  if (!URL.canParse(written)) return undefined
  const url = new URL(written)
  const implicit = url.protocol === 'smtps:'
  if ((!implicit && url.protocol !== 'smtp:') || url.hostname === '') return undefined
  const part = (text: string) => (text === '' ? undefined : decodeURIComponent(text))
  return {
    // of a URL whose scheme is not a browser's, an IPv6 address keeps its brackets
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port) || (implicit ? 465 : 587),
    tls: implicit ? 'implicit' : tls,
    user: part(url.username),
    password: part(url.password)
  }
}

/** Where mails go; `nowhere`: what needs mail is off. */
export function mailRoute(config: MailConfig): 'smtp' | 'outbox' | 'nowhere' {
  if (mailServerOf(config) !== undefined) return 'smtp'
  return config.mode === 'development' ? 'outbox' : 'nowhere'
}

/** Who may make an account. A conformance run is nobody's place to stay. */
export function signUpOf(config: MailConfig): 'open' | 'invitation' | 'closed' {
  if (config.conformance.enabled || mailRoute(config) === 'nowhere') return 'closed'
  return config.signUp ?? (config.mode === 'development' ? 'open' : 'closed')
}

/** What a start in production says where mails go nowhere; `doctor` says it, too. */
export const noMail =
  'there is no mail server, so nobody can reset a password, sign up, change an address or be told of changes by mail'
