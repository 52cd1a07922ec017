// A report as assertions: each judged line is one. Times are not: a test has no machine to itself.

import type { Test } from 'tap'
import { createReport, type Report } from './report.ts'

export async function assertReport(
  t: Test,
  fill: (report: Report) => Promise<void>
): Promise<void> {
  const report = createReport(t.name, 'told')
  await fill(report)
  const judged = report.lines.filter(({ demanded }) => demanded !== '')
  t.ok(judged.length > 0, 'something was judged')
  for (const { what, measured, demanded, holds } of judged) {
    t.ok(holds, `${what}: ${demanded}`, { measured })
  }
}
