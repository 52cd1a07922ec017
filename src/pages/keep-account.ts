// The last screen of a sign-in to an account that its owner has deleted, while it can be kept: keep it, or leave. Nobody is signed in before
// the account is kept, and no client is told that anybody came.

import type { AccountDeletion } from '../accounts/account-deletion.ts'
import { renderKeepAccount } from '../views/account-data.ts'
import type { LastScreen, SignInPlace } from './sign-in-flow.ts'

const prompt = 'keep_account'

export function createKeepAccountScreen(deps: {
  deletion: Pick<AccountDeletion, 'dueAt' | 'cancel'>
  /** how a person knows their account: e-mail, login or name */
  accountName(accountId: string): Promise<string | undefined>
}): LastScreen {
  const { deletion } = deps

  async function render(place: SignInPlace, accountId: string, until: Date) {
    return renderKeepAccount(place.frame, {
      action: place.action,
      csrf: place.csrf,
      prompt,
      carried: place.carried,
      accountName: (await deps.accountName(accountId)) ?? accountId,
      until
    })
  }

  return {
    isDue: async accountId => (await deletion.dueAt(accountId)) !== undefined,
    screen: {
      prompt,
      fields: ['keep'],

      async show(place, { proved }) {
        const until = proved && (await deletion.dueAt(proved.accountId))
        if (proved === undefined || until === undefined) throw new Error('nothing is to be kept')
        return render(place, proved.accountId, until)
      },

      async answer(place, { keep }, { proved }) {
        if (keep !== 'yes' || proved === undefined) return { to: place.address }
        const asked = { requestId: place.request.id, address: place.request.ip }
        await deletion.cancel(proved.accountId, asked)
        return { proved }
      }
    }
  }
}
