// Korean particles, which depend on whether the word before them ends in a consonant. Owns the five pairs that our sentences use.
// Refuses to guess how a foreign word is read: then both forms are written, as printed Korean does: "Example이(가)".

// U+2060, word joiner: a line may break before an opening bracket in Korean, and "이" alone at its end would be a false particle.
const joined = '\u2060'

const pairs = {
  '이/가': { closed: '이', open: '가', both: `이${joined}(가)` },
  '을/를': { closed: '을', open: '를', both: `을${joined}(를)` },
  '은/는': { closed: '은', open: '는', both: `은${joined}(는)` },
  '와/과': { closed: '과', open: '와', both: `와${joined}(과)` },
  '로/으로': { closed: '으로', open: '로', both: `${joined}(으)${joined}로` }
} as const

/** 영 일 이 삼 사 오 육 칠 팔 구: the last sound of each digit. A final 0 also ends 십, 백, 천, 만. */
const digits = [
  'closed',
  'l',
  'open',
  'closed',
  'open',
  'open',
  'closed',
  'l',
  'l',
  'open'
] as const

/** The particle that follows `word`; closing brackets, quotes and punctuation at its end are not read aloud and do not count. */
export function josa(word: string, pair: keyof typeof pairs): string {
  const forms = pairs[pair]
  const ending = endOf(word)
  if (ending === undefined) return forms.both
  // 로 follows ㄹ as it follows a vowel: 서울로, not 서울으로
  if (ending === 'l') return pair === '로/으로' ? forms.open : forms.closed
  return forms[ending]
}

function endOf(word: string): 'closed' | 'open' | 'l' | undefined {
  const letters = word.slice(-32).match(/[\p{L}\p{N}]/gu)
  const last = letters?.at(-1)
  if (last === undefined) return undefined
  if (last >= '0' && last <= '9') return digits[Number(last)]
  const syllable = last.codePointAt(0) ?? 0
  if (syllable < 0xac00 || syllable > 0xd7a3) return undefined
  // A Hangul syllable is (initial × 21 + vowel) × 28 + final; 0 is no final, 8 is ㄹ (Unicode §3.12).
  const final = (syllable - 0xac00) % 28
  return final === 0 ? 'open' : final === 8 ? 'l' : 'closed'
}
