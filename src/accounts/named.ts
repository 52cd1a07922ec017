// An account by what an operator calls it: its id, or its login in any spelling. Not for what people type at a sign-in, which is told nothing
// of who there is (authenticate.ts). Refuses accounts that are disabled or being deleted.

import type { Account } from '../store/accounts.ts'
import { foldLogin } from './login-name.ts'

interface AccountRows {
  findById(id: string): Promise<Account | undefined>
  findByLogin(login: string): Promise<Account | undefined>
}

/** @throws Fault `store_unavailable` */
export async function findEnabledAccount(
  accounts: AccountRows,
  name: string
): Promise<Account | undefined> {
  const folded = foldLogin(name)
  const found =
    (await accounts.findById(name)) ??
    (folded.ok ? await accounts.findByLogin(folded.login) : undefined)
  return found?.disabledAt === undefined && found?.deleteAt === undefined ? found : undefined
}
