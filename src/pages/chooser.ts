// Choosing among the accounts that are signed in at this browser: the page that asks, the form that answers, and the list that account pages
// show. Owns when there is something to choose. Refuses nothing silently: an account that is signed in no longer brings the page back, which
// says so.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AccountAtBrowser, PersonSessions } from '../protocol/ports.ts'
import { type AccountChoice, type AccountSwitch, renderChooser } from '../views/chooser.ts'
import { wordsOf } from '../views/layout.ts'
import type { Child } from '../views/markup.ts'
import { html } from '../views/markup.ts'
import type { SignInPlace } from './sign-in-flow.ts'

/** The hidden field `prompt` of its forms, and `?with=` of its address. */
export const choosePrompt = 'choose'

export interface ChooserDependencies {
  persons: Pick<PersonSessions, 'accounts'>
  /** how a person knows their account: e-mail, login or name */
  accountName(accountId: string): Promise<string | undefined>
}

export interface Chooser {
  /** The document; undefined: nobody is signed in here, so there is nothing to choose. */
  page(place: ChoicePlace, problem?: 'gone'): Promise<string | undefined>
  /** What a page of ours shows below: the other accounts of this browser. */
  switching(
    request: FastifyRequest,
    reply: FastifyReply,
    form: Pick<AccountSwitch, 'action' | 'csrf' | 'carried' | 'another'>
  ): Promise<AccountSwitch>
}

/** Where an account is chosen. */
export interface ChoicePlace
  extends Pick<
    SignInPlace,
    'request' | 'reply' | 'frame' | 'client' | 'action' | 'csrf' | 'carried'
  > {
  /** path of the sign-in page, for an account that is not here */
  another: string
}

/** A way back from the sign-in page to the accounts of this browser, where there are any. */
export function createChooserWay({ persons }: Pick<ChooserDependencies, 'persons'>) {
  return async ({ request, reply, frame, address }: SignInPlace): Promise<Child | undefined> => {
    const accounts = await persons.accounts(request.raw, reply.raw)
    if (accounts.length === 0) return undefined
    const [path, query] = address.split('?', 2)
    const parameters = new URLSearchParams(query)
    parameters.delete('again')
    parameters.set('with', choosePrompt)
    return html`<p><a class="account-choice" href="${`${path}?${parameters}`}">${wordsOf(frame).chooser.title}</a></p>`
  }
}

export function createChooser(deps: ChooserDependencies): Chooser {
  const named = (accounts: readonly AccountAtBrowser[]): Promise<AccountChoice[]> =>
    Promise.all(
      accounts.map(async ({ accountId, handle, inUse }) => ({
        name: (await deps.accountName(accountId)) ?? accountId,
        ...{ handle, inUse }
      }))
    )

  return {
    async page(place, problem) {
      const { request, reply, frame, action, csrf, carried, client, another } = place
      const accounts = await deps.persons.accounts(request.raw, reply.raw)
      if (accounts.length === 0) return undefined
      return renderChooser(frame, {
        ...{ action, csrf, carried, problem },
        clientName: client?.name,
        accounts: await named(accounts),
        another
      })
    },

    async switching(request, reply, form) {
      const accounts = await deps.persons.accounts(request.raw, reply.raw)
      return { ...form, accounts: await named(accounts.filter(({ inUse }) => !inUse)) }
    }
  }
}
