// What people type as a login, folded to one form, and what is refused (checks 165 and 175).

import { test } from 'tap'
import { foldLogin, parseEmail } from '../../src/accounts/login-name.ts'

/** Each row: spellings that are one account. */
const aliases: readonly (readonly string[])[] = [
  ['alice@example.com', 'Alice@Example.COM', '  alice@example.com ', 'ＡＬＩＣＥ@ｅxample.com'],
  ['alice', 'ALICE', 'ａｌｉｃｅ', 'Alice '],
  ['strasse', 'STRASSE', 'straße', 'STRAẞE'],
  ['οδος', 'ΟΔΟΣ', 'οδοσ'],
  ['jos\u00e9@example.com', 'jose\u0301@example.com', 'JOS\u00c9@example.com'],
  ['한글', '\u1112\u1161\u11ab\u1100\u1173\u11af'],
  ['a@xn--bcher-kva.example', 'a@bücher.example', 'a@BÜCHER.example', 'a@bücher。example']
]

const refusedLogins: Readonly<Record<string, string>> = {
  'a CR and LF (mail header injection)': 'alice@example.com\r\nBcc: eve@example.com',
  'a line feed at the end': 'alice@example.com\n',
  'two @': 'alice@evil.example@example.com',
  'a fullwidth @': 'alice\uff20example.com',
  'a fullwidth @ in its domain': 'alice@evil.example\uff20example.com',
  'a small @': 'alice@evil.example\ufe6bexample.com',
  'a quoted local part': '"alice"@example.com',
  'a comment': 'alice(admin)@example.com',
  'a space inside': 'alice smith@example.com',
  'a source route': '@evil.example:alice@example.com',
  'an address literal': 'alice@[127.0.0.1]',
  'an IPv4 address': 'alice@127.1',
  'a percent-encoded domain': 'alice@ex%61mple.com',
  'an underscore in the domain': 'alice@ex_ample.com',
  'an empty label': 'alice@example..com',
  'a trailing dot': 'alice@example.com.',
  'no local part': '@example.com',
  'no domain': 'alice@',
  'two dots in the local part': 'al..ice@example.com',
  NUL: 'ali\0ce',
  'a zero-width space': 'ali\u200bce',
  'a zero-width joiner': 'ali\u200dce@example.com',
  'a soft hyphen': 'alice@ex\u00adample.com',
  'a direction override': 'ali\u202ece',
  'a variation selector': 'ali\ufe0fce',
  'a lone surrogate': 'ali\ud800ce',
  'an escape sequence': 'ali\u001b[31mce',
  'a local part of 65 octets': `${'a'.repeat(65)}@example.com`
}

test('aliases of one account fold to one login (check 165)', async t => {
  for (const [login, ...others] of aliases) {
    for (const typed of [login as string, ...others]) {
      t.strictSame(foldLogin(typed), { ok: true, login }, typed)
    }
  }
})

test('folding a folded login changes nothing, whatever the character', async t => {
  const changed: string[] = []
  for (let point = 0x21; point < 0x30000; point += 1) {
    if (point >= 0xd800 && point < 0xe000) continue
    const character = String.fromCodePoint(point)
    for (const typed of [character, `a${character}`, `${character}a@example.com`]) {
      const once = foldLogin(typed)
      if (!once.ok) continue
      const twice = foldLogin(once.login)
      if (!twice.ok || twice.login !== once.login) changed.push(`U+${point.toString(16)}`)
    }
  }
  t.strictSame(changed, [])
})

test('two domains that transitional mapping would make one stay two (RFC 5894 §4.3)', async t => {
  t.not(
    JSON.stringify(foldLogin('a@faß.de')),
    JSON.stringify(foldLogin('a@fass.de')),
    'mail for one must never go to the other'
  )
})

for (const [what, typed] of Object.entries(refusedLogins)) {
  test(`a login with ${what} is refused (R-63)`, async t => {
    t.strictSame(foldLogin(typed), { ok: false, reason: 'login_malformed' })
    t.strictSame(parseEmail(typed), { ok: false })
  })
}

test('an empty login and one of a megabyte are refused', async t => {
  t.strictSame(foldLogin('   '), { ok: false, reason: 'login_empty' })
  t.strictSame(foldLogin('a'.repeat(1_000_000)), { ok: false, reason: 'login_too_long' })
  t.strictSame(foldLogin('a'.repeat(255)), { ok: false, reason: 'login_too_long' })
})

test('an e-mail address keeps the case of its local part and loses that of its domain (RFC 5321 §2.4)', async t => {
  t.strictSame(parseEmail(' Alice.B+x@EXAMPLE.com '), { ok: true, email: 'Alice.B+x@example.com' })
  t.strictSame(parseEmail('alice'), { ok: false }, 'a name is no address')
})
