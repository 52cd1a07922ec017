// A CPU profile of V8, read for its costs: time of a function itself, added up by who wrote it. `mintmark` by folder of src/, others by
// package; what is no JavaScript by V8's own name.

/** As `node --cpu-prof` writes it. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

export interface Cost {
  name: string
  /** of the time in which anything ran */
  percent: number
}

function ownerOf(url: string, functionName: string): string {
  const [, ours] = /\/src\/([^/]+)\//.exec(url) ?? []
  if (ours !== undefined && !url.includes('/node_modules/')) return `mintmark: ${ours}`
  const packaged = url.split('/node_modules/').at(-1) ?? ''
  if (url.includes('/node_modules/')) {
    const [scope = '', name = ''] = packaged.split('/')
    return scope.startsWith('@') ? `${scope}/${name}` : scope
  }
  if (url.startsWith('node:'))
    return `Node: ${url.replace(/^node:(internal\/)?/, '').split('/')[0]}`
  if (functionName.startsWith('(')) return functionName.slice(1, -1)
  return 'Node: native'
}

/** Nothing ran, or it was the profiler that did. */
const isNoCost = ({ functionName, url }: { functionName: string; url: string }) =>
  ['(idle)', '(root)'].includes(functionName) || url.startsWith('node:inspector')

/** Costs by owner and by function, the dearest first. */
export function readProfile(profile: CpuProfile): { owners: Cost[]; functions: Cost[] } {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const owners = new Map<string, number>()
  const functions = new Map<string, number>()
  let total = 0
  for (const [at, id] of profile.samples.entries()) {
    const frame = frames.get(id)
    const micros = profile.timeDeltas[at] ?? 0
    if (frame === undefined || isNoCost(frame)) continue
    const owner = ownerOf(frame.url, frame.functionName)
    const name = `${frame.functionName || '(anonymous)'} (${owner})`
    total += micros
    owners.set(owner, (owners.get(owner) ?? 0) + micros)
    functions.set(name, (functions.get(name) ?? 0) + micros)
  }
  const sorted = (costs: Map<string, number>) =>
    [...costs]
      .map(([name, micros]) => ({ name, percent: (100 * micros) / total }))
      .sort((a, b) => b.percent - a.percent)
  return { owners: sorted(owners), functions: sorted(functions) }
}
