// Rules about types of authorization details (RFC 9396): each is there once, belongs to declared resources, says what its members are in
// keywords that check something, and asks people in words whose gaps can be filled.

import { commonMembers, sentenceGap } from '../oauth/authorization-details.ts'
import { memberSchemaProblems } from './member-schema.ts'
import type { Check } from './rule.ts'
import { duplicates } from './rules-clients.ts'
import type { Config } from './schema.ts'

type DetailType = Config['authorizationDetails'][number]

export const detailTypesAreDistinct: Check = (config, place) =>
  duplicates(config.authorizationDetails, ({ type }) => type, 'type', place)

export const detailTypesNameResources: Check = (config, place) => {
  const declared = new Set(config.resources.map(({ identifier }) => identifier))
  return config.authorizationDetails.flatMap(entry =>
    entry.resources.flatMap((resource, index) =>
      declared.has(resource)
        ? []
        : [
            {
              path: `${place(entry)}.resources[${index}]`,
              problem: 'is not the identifier of a declared resource',
              fix: 'Declare the resource in `resources` (MINTMARK_RESOURCES), or name one that is there.'
            }
          ]
    )
  )
}

export const detailMembersAreSchemas: Check = (config, place) =>
  config.authorizationDetails.flatMap(entry => {
    const at = place(entry)
    const named = Object.keys(entry.members).filter(member => commonMembers.includes(member))
    return [
      ...named.map(member => ({
        path: `${at}.members["${member}"]`,
        problem: 'is a member of RFC 9396 §2.2, which means the same for every type',
        fix: 'Give it beside `members`: `actions`, `datatypes`, `privileges`, `identifier`.'
      })),
      ...Object.entries(entry.members).flatMap(([member, schema]) =>
        memberSchemaProblems(schema).map(found => ({
          path: `${at}.members["${member}"]${found.at}`,
          problem: found.problem,
          fix: 'See `authorizationDetails.members` in config/reference.md for the keywords that there are.'
        }))
      ),
      ...entry.required
        .map((member, index) => ({ member, path: `${at}.required[${index}]` }))
        .filter(({ member }) => !membersOf(entry).has(member))
        .map(({ path }) => ({
          path,
          problem: 'is no member of this type',
          fix: 'Name one of `members`, or `locations`, or a list that the type has.'
        }))
    ]
  })

export const detailWordsCanBeSaid: Check = (config, place) =>
  config.authorizationDetails.flatMap(entry => {
    const at = place(entry)
    const members = membersOf(entry)
    const english = 'Give it in English too: `en` stands in for every language that is missing.'
    const problem = 'has no text in English'
    return [
      ...(Object.hasOwn(entry.title, 'en') ? [] : [{ path: `${at}.title`, problem, fix: english }]),
      ...entry.sentences.flatMap((sentence, index) => {
        const path = `${at}.sentences[${index}]`
        const gaps = Object.values(sentence).flatMap(text =>
          [...text.matchAll(sentenceGap)].map(([, gap = '']) => gap)
        )
        const unknown = gaps.filter(gap => !members.has(gap.split('.')[0] ?? ''))
        return [
          ...(Object.hasOwn(sentence, 'en') ? [] : [{ path, problem, fix: english }]),
          ...unknown.map(gap => ({
            path,
            problem: `has {${gap}}, which is no member of this type`,
            fix: 'Name a member of `members` or of RFC 9396 §2.2.'
          }))
        ]
      })
    ]
  })

/** Every member that a detail of the type can have. */
function membersOf(entry: DetailType): Set<string> {
  const lists = (['actions', 'datatypes', 'privileges'] as const).filter(
    list => entry[list] !== undefined
  )
  const single = entry.identifier ? ['identifier'] : []
  return new Set([...Object.keys(entry.members), 'locations', ...lists, ...single])
}

export const detailTypesOfClientsAreDeclared: Check = (config, place) => {
  const declared = new Set(config.authorizationDetails.map(({ type }) => type))
  return config.clients.flatMap(client =>
    (client.authorization_details_types ?? []).flatMap((type, index) =>
      declared.has(type)
        ? []
        : [
            {
              path: `${place(client)}.authorization_details_types[${index}]`,
              problem: 'is no declared type of authorization details',
              fix: 'Declare it in `authorizationDetails`, or take it out.'
            }
          ]
    )
  )
}
