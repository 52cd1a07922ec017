// Lines of a fault run: what was measured, what was demanded, and whether it holds. Owns the table and the judgement.

export interface Line {
  scenario: string
  what: string
  measured: string
  demanded: string
  holds: boolean
}

export interface Report {
  lines: readonly Line[]
  /** a measure that is told and not judged */
  tell(what: string, measured: string | number): void
  equal(what: string, measured: number, demanded: number): void
  atLeast(what: string, measured: number, least: number): void
  atMost(what: string, measured: number, most: number): void
  /** A time: judged in a run that has the machine to itself, told in a test that has not. */
  within(what: string, seconds: number, most: number): void
}

/** @param times whether a time that is too long is a failure */
export function createReport(scenario: string, times: 'judged' | 'told'): Report {
  const lines: Line[] = []
  const add = (what: string, measured: string | number, demanded: string, holds: boolean) =>
    void lines.push({ scenario, what, measured: String(measured), demanded, holds })
  const short = (value: number) => Number(value.toFixed(2))
  const atMost: Report['atMost'] = (what, measured, most) =>
    add(what, short(measured), `<= ${most}`, measured <= most)
  const tell: Report['tell'] = (what, measured) => add(what, measured, '', true)
  return {
    lines,
    tell,
    equal: (what, measured, demanded) => add(what, measured, `${demanded}`, measured === demanded),
    atLeast: (what, measured, least) =>
      add(what, short(measured), `>= ${least}`, measured >= least),
    atMost,
    within: (what, seconds, most) =>
      times === 'judged' ? atMost(what, seconds, most) : tell(what, short(seconds))
  }
}

export function renderTable(lines: readonly Line[]): string {
  const rows = [
    ['', 'scenario', 'measure', 'measured', 'demanded'],
    ...lines.map(({ scenario, what, measured, demanded, holds }) => [
      holds ? (demanded === '' ? ' ' : '✓') : '✗',
      scenario,
      what,
      measured,
      demanded
    ])
  ]
  const widths = [0, 1, 2, 3, 4].map(at => Math.max(...rows.map(row => row[at]?.length ?? 0)))
  return rows
    .map(row =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd()
    )
    .join('\n')
}
