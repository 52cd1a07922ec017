// What a browser's own header becomes in the words of a device list: names of the table and nothing else, whatever is sent (check 209).

import { test } from 'tap'
import { deviceLabel, deviceOf } from '../../src/accounts/device-label.ts'

const windows = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)'
const known: Record<string, string> = {
  [`${windows} Chrome/141.0.0.0 Safari/537.36`]: 'Chrome on Windows',
  [`${windows} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0`]: 'Edge on Windows',
  [`${windows} Chrome/141.0.0.0 Whale/4.33.1 Safari/537.36`]: 'Whale on Windows',
  [`${windows} Chrome/141.0.0.0 Safari/537.36 OPR/122.0.0.0`]: 'Opera on Windows',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15':
    'Safari on macOS',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1':
    'Safari on iPhone',
  'Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0.0.0 Mobile/15E148 Safari/604.1':
    'Chrome on iPad',
  'Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36':
    'Samsung Internet on Android',
  'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0': 'Firefox on Linux',
  'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36':
    'Chrome on ChromeOS',
  'Mozilla/5.0 (Linux; Android 16; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/141.0.0.0 Mobile Safari/537.36 KAKAOTALK 11.0.0':
    'KakaoTalk on Android',
  'curl/8.14.1': 'Unknown device',
  'Mozilla/5.0 (Android 16)': 'Android'
}

test('browsers are named as their owners know them', async t => {
  for (const [header, label] of Object.entries(known)) t.equal(deviceLabel(header), label)
})

test('nothing of a hostile header comes out, and none is read further than a bound (check 209)', async t => {
  const hostile = [
    undefined,
    42,
    ['Chrome/1', 'Chrome/2'],
    '',
    '\r\nset-cookie: a=b',
    '\u001b[2J"}{"level":60,"msg":"Chrome"',
    '<script>alert(1)</script>',
    `${' '.repeat(600)}Chrome/1 (Windows)`,
    'Version/'.repeat(200_000)
  ]
  for (const header of hostile) {
    t.equal(deviceLabel(header), 'Unknown device')
    t.strictSame(deviceOf(header), { browser: undefined, system: undefined })
  }
  t.equal(deviceLabel('Firefox/1 \r\n\u001b[31m (Windows)'), 'Firefox on Windows')
})
