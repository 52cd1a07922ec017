// How many guesses a password may take, as a power of ten: words, runs, walks over the keyboard, years and repetitions count as one guess of a
// short list, whatever else as one character. Meant to flatter nobody: a run of letters counts as a word that some list has. Owns one
// function that stands alone, for it runs in the browser as well, in this very text (pages/assets.ts): it may use nothing from outside.

/** @param words in lower case, what everybody tries first; those of the place among them */
export function estimateGuesses(password: string, words: { has(word: string): boolean }): number {
  const rows = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm', '1234567890', 'qwertzuiop', 'azertyuiop']
  const walks = [...rows, ...rows.map(row => [...row].reverse().join('')), '1qaz2wsx3edc4rfv5tgb']
  const spelt: Record<string, string> = { '@': 'a', '4': 'a', '3': 'e', '1': 'l', '0': 'o' }
  Object.assign(spelt, { $: 's', '5': 's', '7': 't', '!': 'i' })

  // beyond this nobody guesses, and no time is spent
  const typed = [...password].slice(0, 64)
  const lower = typed.map(character => character.toLowerCase())
  const plain = lower.map(character => spelt[character] ?? character)

  /** One guess of a list: as long as that list, and its capitals. */
  function asWord(from: number, to: number): number {
    const listed =
      words.has(lower.slice(from, to).join('')) || words.has(plain.slice(from, to).join(''))
    if (!listed) return Infinity
    const capitals = typed.slice(from, to).filter((character, at) => character !== lower[from + at])
    return 3 + (capitals.length === 0 ? 0 : 0.5)
  }

  /** Equal steps: aaaa, abcd, 8642. */
  function asRun(from: number, to: number): number {
    const points = lower.slice(from, to).map(character => character.codePointAt(0) ?? 0)
    const step = (points[1] ?? 0) - (points[0] ?? 0)
    if (points.length < 3 || Math.abs(step) > 2) return Infinity
    const even = points.every((point, at) => at === 0 || point - (points[at - 1] ?? 0) === step)
    return even ? 1.2 + Math.log10(points.length) : Infinity
  }

  function asWalk(from: number, to: number): number {
    const text = lower.slice(from, to).join('')
    if (to - from < 4 || !walks.some(walk => walk.includes(text))) return Infinity
    return 1.5 + Math.log10(to - from)
  }

  function asYear(from: number, to: number): number {
    return to - from === 4 && /^(?:19|20)\d\d$/.test(lower.slice(from, to).join('')) ? 2 : Infinity
  }

  /** The same again. */
  function asEcho(from: number, to: number): number {
    const length = to - from
    if (from < length) return Infinity
    const before = lower.slice(from - length, from).join('')
    return before === lower.slice(from, to).join('') ? 0.5 : Infinity
  }

  /** Letters that no list here has are taken for a word of a longer one; as many as no word has are not. */
  function asLetters(from: number, to: number): number {
    const part = lower.slice(from, to)
    if (!part.every(character => /\p{L}/u.test(character))) return Infinity
    const drawn = part.reduce((sum, character) => sum + (character < '\u0080' ? 1 : 2), 0)
    return Math.min(drawn, 5 + Math.max(0, drawn - 8))
  }

  function asCharacter(from: number, to: number): number {
    if (to - from !== 1) return Infinity
    return (lower[from] ?? '') < '\u0080' ? 1 : 2
  }

  const kinds = [asWord, asRun, asWalk, asYear, asEcho, asLetters, asCharacter]
  // the cheapest way to put it together, from the left
  const least: number[] = [0]
  for (let to = 1; to <= typed.length; to += 1) {
    let best = Infinity
    for (let from = Math.max(0, to - 32); from < to; from += 1) {
      const part = Math.min(...kinds.map(kind => kind(from, to)))
      best = Math.min(best, (least[from] ?? 0) + part)
    }
    least.push(best)
  }
  return least[typed.length] ?? 0
}

/** 0 to 4. The limits of sign-in let 10^6 guesses take years; a copy of the hashes does not. */
export function strengthOf(guesses: number): number {
  return [6, 8, 10, 14].filter(bound => guesses >= bound).length
}
