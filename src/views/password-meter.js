// Moves the meter of a new password as one types, by the functions that the server counts with (pages/assets.ts calls it). Nothing typed
// leaves the page. Without script the meter stays hidden, and the server says after the form what is wrong.

export function moveMeters(words, estimateGuesses, strengthOf) {
  for (const meter of document.querySelectorAll('meter[data-for]')) {
    const input = document.getElementById(meter.dataset.for)
    const said = document.getElementById(`${meter.dataset.for}-strength`)
    const tried = new Set([...words, ...meter.dataset.words.split(' ')])
    const levels = meter.dataset.levels.split('|')
    const show = () => {
      const password = input.value.normalize('NFKC')
      const short = [...password].length < Number(meter.dataset.shortest)
      const strength = strengthOf(estimateGuesses(password, tried))
      meter.value = password === '' ? 0 : short ? 1 : strength + 1
      const word = password === '' ? '' : short ? meter.dataset.short : levels[strength]
      if (said.textContent !== word) said.textContent = word
    }
    input.addEventListener('input', show)
    meter.parentElement.hidden = false
    show()
  }
}
