// A mail server of a test's own (RFC 5321), real enough for a real client: it takes mails on loopback, or refuses as a test says, and takes
// what came apart again.

import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lifetime } from './lifetime.ts'

export interface ReceivedMail {
  from: string
  to: string[]
  /** decoded, by name in small letters */
  headers: Map<string, string>
  raw: string
  text: string
  html: string
}

export interface MailServer {
  port: number
  mails: ReceivedMail[]
  /** how many connections there were */
  connections(): number
  /** answers one command differently: `RCPT` -> `550 no` */
  refuse(command: string | undefined, reply?: string): void
  /** Resolves with the first mail, and takes it out, that fulfils it. */
  next(wanted: (mail: ReceivedMail) => boolean): Promise<ReceivedMail>
  /** Stops listening, as a server that is down. */
  down(): Promise<void>
  up(): Promise<void>
}

/** The link in a mail. */
export function linkOf(mail: ReceivedMail, path: string): URL {
  const found = mail.text.split('\n').find(line => line.startsWith('http') && line.includes(path))
  if (found === undefined) throw new Error(`no link to ${path} in ${mail.text}`)
  return new URL(found)
}

export async function startMailServer(t: Lifetime): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  const waiting: (() => void)[] = []
  let refused: { command: string; reply: string } | undefined
  let connections = 0
  let port = 0
  let server: Server | undefined
  const open = new Set<Socket>()

  function serve(socket: Socket) {
    connections += 1
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => undefined)
    let buffer = ''
    let data = false
    let envelope = { from: '', to: [] as string[] }
    const say = (line: string) => socket.write(`${line}\r\n`)
    say('220 test')
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      buffer += chunk
      for (;;) {
        const end = buffer.indexOf(data ? '\r\n.\r\n' : '\r\n')
        if (end < 0) return
        const line = buffer.slice(0, end)
        buffer = buffer.slice(end + (data ? 5 : 2))
        if (data) {
          data = false
          mails.push(parse(envelope, line.replace(/^\.\./gm, '.')))
          envelope = { from: '', to: [] }
          say('250 taken')
          for (const look of waiting.splice(0)) look()
          continue
        }
        const verb = line.split(/[ :]/, 1)[0]?.toUpperCase() ?? ''
        if (verb === refused?.command) say(refused.reply)
        else if (verb === 'MAIL') {
          envelope.from = /<([^>]*)>/.exec(line)?.[1] ?? ''
          say('250 ok')
        } else if (verb === 'RCPT') {
          envelope.to.push(Buffer.from(/<([^>]*)>/.exec(line)?.[1] ?? '', 'latin1').toString())
          say('250 ok')
        } else if (verb === 'DATA') {
          data = true
          say('354 go on')
        } else if (verb === 'EHLO') socket.write('250-test\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n')
        else if (verb === 'QUIT') socket.end('221 bye\r\n')
        else say('250 ok')
      }
    })
  }

  async function up() {
    const listening = createServer(serve)
    server = listening
    await new Promise<void>((resolve, reject) => {
      listening.once('error', reject)
      listening.listen(port, '127.0.0.1', resolve)
    })
    const address = listening.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  }

  async function down() {
    const closing = server
    server = undefined
    for (const socket of open) socket.destroy()
    if (closing !== undefined) await new Promise(resolve => closing.close(resolve))
  }

  await up()
  t.teardown(down)
  return {
    get port() {
      return port
    },
    mails,
    connections: () => connections,
    refuse(command, reply = '550 refused') {
      refused = command === undefined ? undefined : { command, reply }
    },
    async next(wanted) {
      const late = performance.now() + 20_000
      for (;;) {
        const at = mails.findIndex(wanted)
        const [mail] = at < 0 ? [] : mails.splice(at, 1)
        if (mail !== undefined) return mail
        const left = late - performance.now()
        if (left <= 0) {
          const there = mails.map(each => `${each.to} ${each.headers.get('subject')}`).join('; ')
          throw new Error(`the mail did not come; there are: ${there}`)
        }
        const stop = new AbortController()
        const come = new Promise<void>(resolve => waiting.push(resolve))
        await Promise.race([come, sleep(left, undefined, { signal: stop.signal })])
        stop.abort()
      }
    },
    down,
    up
  }
}

function parse({ from, to }: { from: string; to: string[] }, raw: string): ReceivedMail {
  const { headers, body } = apart(raw)
  const boundary = /boundary="?([^";]+)/.exec(headers.get('content-type') ?? '')?.[1] ?? ''
  const parts = body.split(`--${boundary}`).map(part => apart(part.replace(/^\r\n/, '')))
  const part = (type: string) => {
    const found = parts.find(each => each.headers.get('content-type')?.startsWith(type))
    return found === undefined ? '' : decoded(found)
  }
  return { from, to, headers, raw, text: part('text/plain'), html: part('text/html') }
}

function apart(text: string) {
  const end = text.indexOf('\r\n\r\n')
  const head = end < 0 ? '' : text.slice(0, end).replace(/\r\n[ \t]+/g, ' ')
  const headers = new Map<string, string>()
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0)
      headers.set(line.slice(0, colon).toLowerCase(), words(line.slice(colon + 1).trim()))
  }
  return { headers, body: end < 0 ? '' : text.slice(end + 4) }
}

function decoded({ headers, body }: ReturnType<typeof apart>): string {
  const encoding = headers.get('content-transfer-encoding')
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString().replaceAll('\r\n', '\n')
  const bytes =
    encoding === 'quoted-printable'
      ? body
          .replace(/=\r\n/g, '')
          .replace(/=([0-9A-F]{2})/g, (_, hex: string) =>
            String.fromCharCode(Number.parseInt(hex, 16))
          )
      : body
  return Buffer.from(bytes, 'latin1').toString().replaceAll('\r\n', '\n')
}

/** RFC 2047 encoded words. */
function words(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?UTF-8\?([BQ])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
      kind.toUpperCase() === 'B'
        ? Buffer.from(text, 'base64').toString()
        : Buffer.from(
            text
              .replaceAll('_', ' ')
              .replace(/=([0-9A-F]{2})/gi, (__, hex: string) =>
                String.fromCharCode(Number.parseInt(hex, 16))
              ),
            'latin1'
          ).toString()
    )
}
