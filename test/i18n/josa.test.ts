// Korean particles by the sound before them.

import t from 'tap'
import { josa } from '../../src/i18n/josa.ts'

t.test('a particle follows the final consonant of the word', async t => {
  const cases: [string, Parameters<typeof josa>[1], string][] = [
    ['달력', '이/가', '이'],
    ['지도', '이/가', '가'],
    ['달력', '을/를', '을'],
    ['지도', '을/를', '를'],
    ['달력', '은/는', '은'],
    ['지도', '와/과', '와'],
    ['달력', '와/과', '과'],
    ['달력', '로/으로', '으로'],
    ['지도', '로/으로', '로'],
    ['메일', '로/으로', '로'],
    ['메일', '이/가', '이']
  ]
  for (const [word, pair, expected] of cases) t.equal(josa(word, pair), expected, word + expected)
})

t.test('digits are read as Korean numbers', async t => {
  const readings = '영일이삼사오육칠팔구'
  for (const [digit, reading] of [...readings].entries()) {
    for (const pair of ['이/가', '로/으로'] as const) {
      t.equal(josa(`앱 ${digit}`, pair), josa(reading, pair), `${digit} ${pair}`)
    }
  }
})

t.test('both forms are written, in one unbroken piece, where the reading is not known', async t => {
  for (const word of ['Acme', 'app.example.com', '日本', '', '!!!']) {
    t.equal(josa(word, '이/가'), '이\u2060(가)', word)
    t.equal(josa(word, '을/를'), '을\u2060(를)', word)
    t.equal(josa(word, '로/으로'), '\u2060(으)\u2060로', word)
  }
})

t.test('what is not read aloud at the end does not count', async t => {
  t.equal(josa('Acme (한국)', '이/가'), '이')
  t.equal(josa('「지도」', '이/가'), '가')
})
