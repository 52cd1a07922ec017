// The part of the configuration schema that is about mail and who may sign up. What follows from it is in mail-route.ts. Owns nothing else;
// schema.ts puts it together.

import Type from 'typebox'
import { closedObject, secretSchema } from './vocabulary.ts'

export const mailSchema = closedObject(
  {
    from: Type.Optional(
      Type.String({
        minLength: 3,
        maxLength: 320,
        description:
          'Sender of every mail: an address, or a name and an address, as in `Example <no-reply@example.com>`.'
      })
    ),
    smtp: closedObject(
      {
        url: Type.Optional(
          secretSchema({
            description:
              'The mail server in one: `smtps://user:password@host:465`, or `smtp://…:587` for STARTTLS. Takes the place of the other keys. In production without a mail server, nothing that needs mail is on; in development mails go to `/dev/outbox`.'
          })
        ),
        host: Type.Optional(Type.String({ minLength: 1, description: 'Mail server.' })),
        port: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 65_535,
            description: 'Left out: 465 with implicit TLS, else 587.'
          })
        ),
        user: Type.Optional(Type.String({ minLength: 1, description: 'User name, if it asks.' })),
        password: Type.Optional(secretSchema({ description: 'Password of that user.' })),
        tls: Type.Enum(['starttls', 'implicit', 'none'], {
          default: 'starttls',
          description:
            'Both verify the server, and send nothing in the open; `none` for a mail server on this machine.'
        })
      },
      { default: {} }
    )
  },
  { default: {} }
)

export const signUpSchema = Type.Optional(
  Type.Enum(['open', 'invitation', 'closed'], {
    description:
      'Who may make an account: everybody who proves an address, whoever was invited (`mintmark accounts invite`), or nobody. Left out: `closed` in production, `open` in development.'
  })
)
