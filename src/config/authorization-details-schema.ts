// The part of the schema that says which types of authorization details there are (RFC 9396 §2): for which API, with which members, and in
// which words people are asked. Owns their shape; what cannot be meant is rules-details.ts, what a request may say
// protocol/authorization-details.ts.

import Type from 'typebox'
import { locale } from './resource-schema.ts'
import { closedObject } from './vocabulary.ts'

const name = Type.String({ minLength: 1 })
const words = Type.Record(locale, Type.String({ minLength: 1 }), {
  additionalProperties: false,
  minProperties: 1
})
const values = (description: string) =>
  Type.Optional(Type.Array(name, { minItems: 1, uniqueItems: true, description }))

export const authorizationDetailsSchema = closedObject({
  type: Type.String({
    pattern: '^[!-~]{1,200}$',
    description: 'The type, visible ASCII, as in `payment_initiation` or a URI (RFC 9396 §2.1).'
  }),
  resources: Type.Array(name, {
    minItems: 1,
    uniqueItems: true,
    description:
      'Resources that it belongs to. Only a client that may name one may ask for it, and only access tokens of one carry it.'
  }),
  members: Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' }), Type.Unknown(), {
    additionalProperties: false,
    default: {},
    description:
      'Its members besides those of RFC 9396 §2.2, each with a JSON Schema of these keywords: `type`, `description`, `enum`, `const`, `pattern`, `minLength`, `maxLength`, `minimum`, `maximum`, `multipleOf`, `items`, `minItems`, `maxItems`, `uniqueItems`, `properties`, `required`. Objects have no members but those that are named.'
  }),
  required: Type.Array(name, {
    default: [],
    description: 'Members that must be there; of `members`, or of RFC 9396 §2.2.'
  }),
  actions: values('What `actions` may name; left out: the member must not be there.'),
  datatypes: values('What `datatypes` may name; left out: the member must not be there.'),
  privileges: values('What `privileges` may name; left out: the member must not be there.'),
  identifier: Type.Boolean({
    default: false,
    description: 'Whether `identifier` may be there: one thing at the API, in up to 200 characters.'
  }),
  consent: Type.Enum(['remembered', 'always'], {
    default: 'remembered',
    description:
      '`remembered`: who allowed it is asked again only for what is new or different. `always`: people are asked each time, by first-party clients too; for what must not happen twice, such as a payment.'
  }),
  title: Type.Record(locale, Type.String({ minLength: 1 }), {
    additionalProperties: false,
    minProperties: 1,
    description: 'What it is called on the consent page, per language.'
  }),
  sentences: Type.Array(words, {
    default: [],
    description:
      'What it allows, in sentences per language. `{member}` and `{member.inner}` stand for values; a sentence whose values are not there is left out. What no sentence says is shown as data.'
  })
})
