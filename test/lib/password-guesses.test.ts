// How hard passwords are to guess, in order and in bounds: what people think of as clever counts as little as it is, what is drawn at random
// as much. And the browser's meter says the same, for it runs the same text.

import vm from 'node:vm'
import t from 'tap'
import { firstWords } from '../../src/accounts/common-passwords.ts'
import { estimateGuesses, strengthOf } from '../../src/lib/password-guesses.ts'
import { createAssets } from '../../src/pages/assets.ts'

/** By strength, 0 to 4. */
const passwords = [
  ['aaaaaaaa', 'password1', 'P@ssw0rd', 'qwerty2024', 'abcdabcd', '비밀번호비밀번호'],
  ['monitoring', 'dragonmonkey1', 'kfwqpxzm1x', 'Summer2025!'],
  ['letmein-2024-abc', 'moonlamp47-x'],
  ['Kestrel-quay', 'kestrel lantern', 'x7#Qm2!pLw'],
  [
    'kestrel lantern quarry moss',
    'kfjwqpxzmvnbtyrioeps',
    'kV3-#x9!Lq_2zR',
    '가파른 언덕 너머 푸른 등대 하나'
  ]
]

t.test('clever is not strong, and drawn at random is', async t => {
  for (const [strength, group] of passwords.entries()) {
    for (const password of group) {
      const guesses = estimateGuesses(password, firstWords)
      t.equal(strengthOf(guesses), strength, `${password}: 10^${guesses.toFixed(1)}`)
    }
  }
})

t.test('more of the same is hardly more, and no length takes long', async t => {
  const of = (password: string) => estimateGuesses(password, firstWords)
  t.ok(of('abcabcabcabcabcabc') < of('abcxyq'), 'a repetition')
  t.ok(of('a'.repeat(1_024)) < 4)
  t.ok(of('kestrel lantern'.repeat(100)) < Infinity)
})

/** A page with the field and the meter, as far as the script looks at it. */
function browserPage() {
  const input = {
    value: '',
    listen: () => {},
    addEventListener(_: string, listen: () => void) {
      this.listen = listen
    }
  }
  const said = { textContent: '' }
  const meter = {
    value: 9,
    parentElement: { hidden: true },
    dataset: {
      for: 'new_password',
      shortest: '8',
      words: 'wonderland',
      short: 'short',
      levels: '0|1|2|3|4'
    }
  }
  const document = {
    querySelectorAll: () => [meter],
    getElementById: (id: string) => (id === 'new_password' ? input : said)
  }
  const type = (text: string) => {
    input.value = text
    input.listen()
    return said.textContent
  }
  return { document, meter, type }
}

t.test('the meter in the browser says what the server would', async t => {
  const script = createAssets({}).files.find(({ stem }) => stem === 'password-meter')
  const { document, meter, type } = browserPage()
  // a module's `export` is the one thing that a script does not know
  vm.runInNewContext((script?.body.toString() ?? '').replace('export function', 'function'), {
    document
  })
  t.equal(meter.parentElement.hidden, false, 'shown only where it works')
  t.equal(meter.value, 0)
  for (const [strength, group] of passwords.entries()) {
    for (const password of group) t.equal(type(password), String(strength), password)
  }
  t.equal(type('kV3-#x9'), 'short')
  t.equal(type('Wonderland99'), '0', 'a word of this place')
  t.equal(type(''), '')
})
