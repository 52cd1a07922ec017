// The write policy for redirect URIs: a corpus of forms that peers have fallen for, the rules by type of client, and an oracle: what is
// accepted is the same string to everybody.

import t from 'tap'
import { redirectUriProblem } from '../../src/clients/redirect-uri.ts'

const good = 'https://app.example.com/callback'
const web = { type: 'web', development: false } as const

/** Mutations of `good`: each with the reason that must be given, so that one guard cannot stand in for another. */
const mutations: readonly [string, RegExp][] = [
  ['', /empty/],
  ['HTTPS://app.example.com/callback', /normal form: write "https:/],
  ['https://APP.example.com/callback', /normal form/],
  ['https://app.example.com', /normal form: write "https:\/\/app.example.com\/"/],
  ['https:app.example.com/callback', /normal form/],
  ['https:/app.example.com/callback', /normal form/],
  ['https:///app.example.com/callback', /normal form/],
  ['//app.example.com/callback', /absolute/],
  ['/callback', /absolute/],
  ['app.example.com/callback', /absolute/],
  ['https://app.example.com:443/callback', /normal form/],
  ['https://app.example.com:0/callback', /port 0/],
  ['https://app.example.com:/callback', /normal form/],
  ['https://app.example.com:99999/callback', /absolute/],
  ['https://app.example.com./callback', /ends with a dot/],
  ['https://app..example.com/callback', /not a host name/],
  ['https://*.example.com/callback', /wildcard/],
  ['https://app.example.com/*', /wildcard/],
  ['https://app.example.com/callback#', /fragment/],
  ['https://app.example.com/callback#/x', /fragment/],
  ['https://app.example.com/callback%23x%', /two hex digits/],
  ['https://app.example.com/a/../callback', /"\.\."/],
  ['https://app.example.com/./callback', /"\.\."/],
  ['https://app.example.com/a/%2e%2e/callback', /"\.\."/],
  ['https://app.example.com/a/.%2E/callback', /"\.\."/],
  ['https://app.example.com/a/..;/callback', /"\.\."/],
  ['https://app.example.com/a/..;x=1/callback', /"\.\."/],
  ['https://app.example.com/callback/%2e%2e;/', /"\.\."/],
  ['https://app.example.com/a%252f..%252fcallback', /encoded "%"/],
  ['https://app.example.com/%252e%252e/callback', /encoded "%"/],
  ['https://app.example.com/a%2fcallback', /encoded slash/],
  ['https://app.example.com/a%5Ccallback', /encoded slash or backslash/],
  ['https://app.example.com//evil.test', /begins with "\/\/"/],
  ['https://user@app.example.com/callback', /user name/],
  ['https://user:password@app.example.com/callback', /user name/],
  ['https:user@app.example.com/callback', /user name/],
  ['https://@app.example.com/callback', /user name/],
  ['https://app.example.com@evil.test/callback', /user name/],
  ['https://a@b@app.example.com/callback', /user name/],
  ['https://127.0.0.1:80@evil.test/callback', /user name/],
  ['https://app.example.com\\@evil.test/callback', /backslash/],
  ['https:\\\\app.example.com\\callback', /backslash/],
  ['https://app.example.com/\\evil.test', /backslash/],
  ['https://app.example.com/call\tback', /visible ASCII/],
  ['https://app.example.com/call\r\nback', /visible ASCII/],
  ['https://app.example.com/call\0back', /visible ASCII/],
  ['https://app.example.com/callback ', /visible ASCII/],
  [' https://app.example.com/callback', /visible ASCII/],
  ['/\thttps://app.example.com/callback', /visible ASCII/],
  ['https://app.example.com/%0d%0aSet-Cookie:x', /control characters/],
  ['https://app.example.com/%00', /control characters/],
  ['https://app.example.com/callback%7F', /control characters/],
  ['https://аpp.example.com/callback', /punycode/],
  ['https://app。example.com/callback', /punycode/],
  ['https://app.example.com/ｃallback', /visible ASCII/],
  ['https://2130706433/callback', /normal form: write "https:\/\/127\.0\.0\.1/],
  ['https://0x7f.1/callback', /normal form/],
  ['https://0177.0.0.1/callback', /normal form/],
  ['https://[::ffff:127.0.0.1]/callback', /normal form/],
  ['https://[::ffff:7f00:1]/callback', /IPv4 address written as IPv6/],
  ['https://[fe80::1%25eth0]/callback', /absolute/],
  ['http://app.example.com/callback', /must use https/],
  ['ftp://app.example.com/callback', /must be an https URL/],
  ['com.example.app:/callback', /type native/],
  ['https://app.example.com/callback?code=x', /"code" in its query/],
  ['https://app.example.com/callback?x=1&state=x', /"state"/],
  ['https://app.example.com/callback?%63ode=x', /"code"/],
  ['https://app.example.com/callback?code', /"code"/],
  ['https://app.example.com/callback?Code=x', /"code"/],
  ['https://app.example.com/callback?code[]=x', /"code"/],
  ['https://app.example.com/callback?x=1;iss=x', /"iss"/],
  ['https://app.example.com/callback?error=x', /"error"/],
  ['https://app.example.com/callback?error_description=x', /"error_description"/],
  ['https://app.example.com/callback?response=x', /"response"/],
  ['https://app.example.com/callback?session_state=x', /"session_state"/],
  [`https://app.example.com/${'x'.repeat(8192)}`, /longer than 2048/],
  ['javascript:alert(1)', /runs script/],
  ['JavaScript://app.example.com/%0aalert(1)', /runs script/],
  [' javascript:alert(1)', /runs script/],
  ['\tjava\nscript:alert(1)', /runs script/],
  ['data:text/html,x', /runs script/],
  ['DATA:text/html,x', /runs script/],
  ['vbscript:x', /runs script/],
  ['blob:https://app.example.com/x', /runs script/],
  ['file:///etc/passwd', /reads files/],
  ['FILE:///etc/passwd', /reads files/]
]

t.test(
  'every form of the mutation corpus is refused at the time of writing (RFC 9700 §4.1.3)',
  async t => {
    t.ok(mutations.length >= 40)
    for (const [uri, reason] of mutations) {
      t.match(redirectUriProblem(uri, web) ?? 'accepted', reason, JSON.stringify(uri).slice(0, 80))
    }
    for (const odd of [undefined, null, 1, true, {}, [good], new String(good)]) {
      t.equal(redirectUriProblem(odd, web), 'must be a string')
    }
  }
)

t.test('what is accepted is exactly what a browser would go to (RFC 3986 §6.2.1)', async t => {
  const accepted = [
    good,
    'https://app.example.com/',
    'https://app.example.com:8443/callback',
    'https://app.example.com/callback/',
    'https://app.example.com/Callback;x=1',
    'https://app.example.com/callback?tenant=a&x=%C3%A4',
    'https://app.example.com/callback?codes=1&my_state=2',
    'https://xn--mnchen-3ya.example/callback',
    'https://my_app.example.com/callback',
    'https://10.0.0.1/callback',
    'https://[2001:db8::1]/callback'
  ]
  for (const uri of accepted) {
    t.equal(redirectUriProblem(uri, web), undefined, uri)
    t.equal(new URL(uri).href, uri)
  }
})

t.test(
  'no combination of mutated parts passes that two readers take for different places',
  async t => {
    const schemes = ['https://', 'HTTPS://', 'https:', 'https:/', 'https:\\\\', ' https://']
    const hosts = ['app.example.com', 'App.example.com', 'app.example.com:443', 'x@app.example.com']
    const paths = [
      '',
      '/',
      '/a/../b',
      '/a/%2E%2E/b',
      '/a b',
      '/ä',
      '/a%',
      '/b',
      '/b?x=1',
      '/b?x#',
      '/b?'
    ]
    let accepted = 0
    for (const scheme of schemes) {
      for (const host of hosts) {
        for (const path of paths) {
          const uri = `${scheme}${host}${path}`
          if (redirectUriProblem(uri, web) !== undefined) continue
          accepted++
          t.equal(new URL(uri).href, uri)
          t.equal(new URL(uri).host, 'app.example.com')
        }
      }
    }
    t.equal(accepted, 4, 'the root, /b, its query, and its empty query')
  }
)

t.test(
  'a web client returns over https; http on loopback is for development (RFC 9700 §2.6)',
  async t => {
    const local = 'http://localhost:3000/callback'
    t.match(redirectUriProblem(local, web), /development mode only/)
    t.equal(redirectUriProblem(local, { type: 'web', development: true }), undefined)
    t.match(
      redirectUriProblem('http://localhost.evil.test/callback', { type: 'web', development: true }),
      /http is for loopback only/
    )
    t.match(
      redirectUriProblem('http://127.0.0.1.evil.test/', { type: 'web', development: true }),
      /http is for loopback only/
    )
  }
)

t.test('a spa returns over https, or to the development server of its developer', async t => {
  const spa = { type: 'spa', development: false } as const
  for (const uri of [
    good,
    'http://localhost:5173/',
    'http://127.0.0.1:5173/callback',
    'http://[::1]/x'
  ]) {
    t.equal(redirectUriProblem(uri, spa), undefined, uri)
  }
  for (const uri of ['http://app.example.com/', 'com.example.app:/callback', 'http://127.0.0.2/']) {
    t.match(redirectUriProblem(uri, spa), /must be an https URL, or http on loopback/, uri)
  }
})

t.test(
  'a native client returns to loopback, a claimed https URI or a private-use scheme (RFC 8252 §7)',
  async t => {
    const native = { type: 'native', development: false } as const
    for (const uri of [
      'http://127.0.0.1/callback',
      'http://[::1]:49152/callback',
      good,
      'com.example.app:/callback',
      'com.example.app://callback/x'
    ]) {
      t.equal(redirectUriProblem(uri, native), undefined, uri)
    }
    const refused: readonly [string, RegExp][] = [
      ['http://localhost/callback', /127\.0\.0\.1 or \[::1\] in place of localhost/],
      ['http://app.example.com/callback', /must use https/],
      ['http://127.0.0.2/callback', /must use https/],
      ['https://127.0.0.1/callback', /domain/],
      ['https://localhost/callback', /domain/],
      ['https://192.0.2.1/callback', /domain/],
      ['myapp:/callback', /reverse order/],
      ['mailto:a@example.com', /reverse order/],
      ['com.example.app:callback', /slash behind the scheme/],
      ['Com.Example.App:/callback', /normal form/],
      ['com.example.app:/a/..;/b', /"\.\."/],
      ['com.example.app:/callback#x', /fragment/],
      ['com.example.app:/callback?code=x', /"code"/],
      ['com.example.app://user@host/callback', /user name/],
      ['javascript:alert(1)', /runs script/]
    ]
    for (const [uri, reason] of refused) {
      t.match(redirectUriProblem(uri, native) ?? 'accepted', reason, uri)
    }
    const developing = { type: 'native', development: true } as const
    t.equal(redirectUriProblem('http://localhost:3000/callback', developing), undefined)
  }
)

t.test('a machine client returns nowhere (RFC 6749 §4.4)', async t => {
  t.match(
    redirectUriProblem(good, { type: 'machine', development: true }),
    /not for clients of type machine/
  )
})
