// A CPU profile of V8, read for its costs: time of a function itself, added up by who wrote it. `mintmark` by folder of src/, others by
// package, native functions with whoever called them.

/** As `node --cpu-prof` writes it. */
export interface CpuProfile {
  nodes: {
    id: number
    callFrame: { functionName: string; url: string }
    children?: number[]
  }[]
  samples: number[]
  timeDeltas: number[]
}

export interface Cost {
  name: string
  /** of the time in which anything ran */
  percent: number
}

function ownerOf(url: string): string {
  const [, ours] = /\/src\/([^/]+)\//.exec(url) ?? []
  if (ours !== undefined && !url.includes('/node_modules/')) return `mintmark: ${ours}`
  if (url.includes('/node_modules/')) {
    const [scope = '', name = ''] = (url.split('/node_modules/').at(-1) ?? '').split('/')
    return scope.startsWith('@') ? `${scope}/${name}` : scope
  }
  return url.startsWith('node:')
    ? `Node: ${url.replace(/^node:(internal\/)?/, '').split('/')[0]}`
    : url
}

/** Nothing ran, or it was the profiler that did. */
const isNoCost = ({ functionName, url }: { functionName: string; url: string }) =>
  ['(idle)', '(root)'].includes(functionName) || url.startsWith('node:inspector')

/** Costs by owner and by function, the dearest first. */
export function readProfile(profile: CpuProfile): { owners: Cost[]; functions: Cost[] } {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map(child => [child, id] as const))
  )
  /** What is native belongs to whoever called it; the engine's own work (garbage collection) to nobody. */
  function ownerOfNode(id: number): string {
    const frame = frames.get(id)
    if (frame === undefined) return 'Node: native'
    if (frame.url !== '') return ownerOf(frame.url)
    if (frame.functionName.startsWith('(')) return `V8: ${frame.functionName.slice(1, -1)}`
    return ownerOfNode(parents.get(id) ?? -1)
  }
  const owners = new Map<string, number>()
  const functions = new Map<string, number>()
  let total = 0
  for (const [at, id] of profile.samples.entries()) {
    const frame = frames.get(id)
    const micros = profile.timeDeltas[at] ?? 0
    if (frame === undefined || isNoCost(frame)) continue
    const owner = ownerOfNode(id)
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
