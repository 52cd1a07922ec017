// The part of the schema that says what the pages look like, and whom people can turn to. Owns what may stand in a stylesheet and in a link of
// every page: a colour, a number, an address of the web or of mail, and nothing else.

import Type from 'typebox'
import { closedObject, pathSchema } from './vocabulary.ts'

const address = (what: string) =>
  Type.Optional(
    Type.String({
      pattern: '^(https://|mailto:[^\\s@]+@)[^\\s@"\'<>]+$',
      maxLength: 500,
      description: `${what}: \`https:\` or \`mailto:\`. Left out: no link.`
    })
  )

export const productSchema = closedObject(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 60,
      default: 'mintmark',
      description: 'Name on the pages.'
    }),
    logo: Type.Optional(
      pathSchema({ description: 'Image file (svg, png, webp, jpg) for the pages.' })
    ),
    colour: Type.Optional(
      Type.String({
        // stands in a stylesheet, so nothing but a colour may get through
        pattern: '^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$',
        description:
          'Colour of buttons and marks, as in `#1f6f5c`; mixed with black or white as far as it must be to be legible.'
      })
    ),
    radius: Type.Integer({
      minimum: 0,
      maximum: 24,
      default: 10,
      description: 'How round the corners of fields and buttons are, in pixels; `0` is square.'
    }),
    links: closedObject(
      {
        help: address('Where people get help, at the foot of every page'),
        privacy: address('Your privacy policy, at the foot of every page'),
        terms: address('Your terms of service, at the foot of every page'),
        report: address('Where people report an app, where one asks for access or has failed')
      },
      { default: {} }
    )
  },
  { default: {} }
)
