// Authorization details (RFC 9396 §2) as values: what a client asks for beside scopes, one object each. Owns the answer to one question: does
// what was granted cover what is asked? It does when nothing differs but lists, and these only name less. What a type may say is
// protocol/authorization-details.ts.

export interface AuthorizationDetail {
  readonly type: string
  readonly [member: string]: unknown
}

/** RFC 9396 §2.2: members that mean the same for every type; each is a list of names, and fewer names are less. */
export const commonLists = ['locations', 'actions', 'datatypes', 'privileges'] as const

type CommonList = (typeof commonLists)[number]

/** RFC 9396 §2.2, all of them. */
export const commonMembers: readonly string[] = ['type', 'identifier', ...commonLists]

/** `{amount.value}` and its like, in the sentences by which people are told of a detail; whatever else stands in braces is text. */
export const sentenceGap = /\{([A-Za-z_][\w.]*)\}/g

const isCommonList = (member: string): member is CommonList =>
  (commonLists as readonly string[]).includes(member)

/** Whether two values of JSON say the same. */
export function equalValues(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) {
    return one === other
  }
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every(
      name =>
        Object.hasOwn(other, name) &&
        equalValues(
          (one as Record<string, unknown>)[name],
          (other as Record<string, unknown>)[name]
        )
    )
  )
}

/** Whether `asked` allows nothing that `granted` does not. */
export function coversDetail(granted: AuthorizationDetail, asked: AuthorizationDetail): boolean {
  const members = new Set([...Object.keys(granted), ...Object.keys(asked)])
  return [...members].every(member =>
    isCommonList(member)
      ? coversList(member, granted[member], asked[member])
      : equalValues(granted[member], asked[member])
  )
}

function coversList(member: CommonList, granted: unknown, asked: unknown): boolean {
  // without `locations` a detail is for every resource of its type; what another absent list means, its API alone knows
  if (granted === undefined) return member === 'locations' || asked === undefined
  if (!Array.isArray(granted) || !Array.isArray(asked)) return false
  return asked.length > 0 && asked.every(name => granted.includes(name))
}

/** Those of `asked` that nothing of `granted` covers. */
export function uncoveredDetails(
  asked: readonly AuthorizationDetail[],
  granted: readonly AuthorizationDetail[]
): AuthorizationDetail[] {
  return asked.filter(detail => !granted.some(one => coversDetail(one, detail)))
}
