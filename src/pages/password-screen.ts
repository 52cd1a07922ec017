// The first screen of a sign-in: name and password on one page, and whatever else one may begin with, each as a form or link of its own
// beside them. Owns which of them stand there. Refuses to say which of the two was wrong (password-check.ts).

import type { LoginProblem } from '../views/login.ts'
import { renderLogin } from '../views/login.ts'
import type { Child } from '../views/markup.ts'
import { type Authenticate, checkPassword, markProblem } from './password-check.ts'
import type { SignInPlace, SignInScreen } from './sign-in-flow.ts'

/** Another way to begin, as it stands below the form; undefined where it is not offered here. */
export type OtherWay = (place: SignInPlace) => Child | undefined | Promise<Child | undefined>

export function createPasswordScreen(deps: {
  authenticate: Authenticate
  secureCookies: boolean
  /** in the order in which they stand */
  others: readonly OtherWay[]
}): SignInScreen {
  async function render(
    place: SignInPlace,
    given: { login: string | undefined; problem?: LoginProblem }
  ) {
    const ways = await Promise.all(deps.others.map(other => other(place)))
    markProblem(place.reply, given.problem)
    return renderLogin(place.frame, {
      action: place.action,
      csrf: place.csrf,
      clientName: place.client?.name,
      carried: place.carried,
      others: ways.filter(way => way !== undefined),
      ...given
    })
  }

  return {
    prompt: 'login',
    fields: ['login', 'password'],
    show: place => render(place, { login: place.loginHint }),

    async answer(place, { login = '', password = '' }) {
      const client = place.client && { clientId: place.client.clientId }
      const entered = { login, password, secure: deps.secureCookies }
      const checked = await checkPassword(deps.authenticate, place, entered, client)
      if (checked.ok) return { proved: { accountId: checked.accountId, amr: checked.amr } }
      return { document: await render(place, { login, problem: checked.problem }) }
    }
  }
}
