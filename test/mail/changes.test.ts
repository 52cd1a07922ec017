// Another password and another address, by who is signed in: what is asked for, who is told, and what a link from a mail can do.

import t from 'tap'
import { createAccountDeletion } from '../../src/accounts/account-deletion.ts'
import { endAccount } from '../../src/store/ending.ts'
import { createRequests, publicly } from '../protocol/requests.ts'
import { linkOf } from '../support/mail-server.ts'
import { person } from '../support/server.ts'
import { form, passphrase, startMailSetting, to } from './setting.ts'

const setting = await startMailSetting(t)
const { smtp, server, database, browse, rows, forgive, signIn, newAccount } = setting

t.test(
  'another address: a recent sign-in, a link to the new one, the old one is told; login follows where it was the address (checks 172, 174)',
  async t => {
    await forgive()
    const account = await newAccount('before@example.com')
    const browser = browse()
    await signIn(browser, 'before@example.com', passphrase, '/account/security')
    const page = await browser.get('/account/security/email')
    const wrong = await browser.submitForm(page, { email: 'nobody' }, form('email'))
    t.equal(wrong.status, 422)
    const asked = await browser.submitForm(page, { email: 'after@example.com' }, form('email'))
    t.equal(asked.heading, 'Check your mail')
    const url = linkOf(await smtp.next(to('after@example.com')), '/confirm-email')
    const reader = browse()
    const confirm = await reader.get(url)
    t.match(confirm.html, 'after@example.com')
    t.equal(
      (await server.server.accounts.service.findById(account.id))?.email,
      'before@example.com'
    )
    const done = await reader.submitForm(confirm)
    t.equal(done.heading, 'Your address is confirmed')
    t.equal(reader.cookies().get('mintmark_session'), undefined, 'a mailbox is no sign-in')
    t.equal((await reader.submitForm(confirm)).status, 404, 'once')
    const old = await smtp.next(to('before@example.com'))
    t.equal(old.headers.get('subject'), 'Your mintmark account has another address')
    t.notMatch(old.text, 'token=', 'it can undo nothing')
    const fresh = await smtp.next(to('after@example.com'))
    t.match(fresh.headers.get('subject'), 'This is the new address of your mintmark account')
    t.equal((await signIn(browse(), 'after@example.com', passphrase)).status, 303)
    t.equal((await signIn(browse(), 'before@example.com', passphrase)).status, 422)

    // a link for an address that the account has left meanwhile
    await forgive()
    const again = await browser.get('/account/security/email')
    await browser.submitForm(again, { email: 'third@example.com' }, form('email'))
    const third = await reader.get(linkOf(await smtp.next(to('third@example.com')), '/confirm'))
    await rows(
      `UPDATE accounts SET email = 'fourth@example.com', verified_email = 'fourth@example.com', login = 'fourth'
       WHERE id = $1`,
      [account.id]
    )
    t.equal((await reader.submitForm(third)).status, 404)
    t.equal((await signIn(browse(), 'fourth@example.com', passphrase)).status, 303)
    t.equal((await signIn(browse(), 'fourth', passphrase)).status, 303, 'by login as by address')

    // an address of somebody else
    await browser.submitForm(again, { email: person.login }, form('email'))
    const theirs = await smtp.next(to('ada@example.com'))
    t.match(theirs.headers.get('subject'), 'This address belongs to another mintmark account')
  }
)

t.test(
  'a sign-in that is not recent leads to the sign-in, not to the form (check 172)',
  async t => {
    await forgive()
    const account = await newAccount('stale@example.com')
    const browser = browse()
    await signIn(browser, 'stale@example.com', passphrase)
    const page = await browser.get('/account/security/email')
    t.equal(page.status, 200)
    await rows(
      `UPDATE sessions SET payload = jsonb_set(payload, '{loginTs}', to_jsonb((payload->>'loginTs')::int - 400))
     WHERE account_id = $1`,
      [account.id]
    )
    for (const path of ['/account/security/email', '/account/security/password']) {
      const answer = await browser.get(path)
      t.equal(answer.location?.pathname, '/sign-in', path)
      t.equal(answer.location?.searchParams.get('again'), 'yes')
    }
    const posted = await browser.submitForm(page, { email: 'evil@example.net' }, form('email'))
    t.equal(posted.location?.pathname, '/sign-in')
    t.equal((await rows('SELECT FROM mail_links WHERE account_id = $1', [account.id])).length, 0)
  }
)

t.test(
  'another password: the one of now is asked for and counted, other devices are signed out, this one is not',
  async t => {
    await forgive()
    await newAccount('change@example.com')
    const [here, there] = [browse(), browse()]
    for (const browser of [here, there]) await signIn(browser, 'change@example.com', passphrase)
    const wellKnown = await here.get('/.well-known/change-password')
    t.equal(wellKnown.location?.pathname, '/account/security/password')
    const page = await here.get('/account/security/password')
    t.match(page.html, 'autocomplete="username" value="change@example.com"')
    t.match(page.html, 'name="elsewhere" value="yes" checked')
    const fields = (current: string, password: string) => ({
      current,
      password,
      password_again: password
    })
    const send = (given: Record<string, string>) => here.submitForm(page, given, form('current'))
    const wrong = await send({ ...fields('not it', 'the next long passphrase'), elsewhere: 'yes' })
    t.equal(wrong.status, 422)
    t.match(wrong.html, 'This is not your current password.')
    const changed = await send({
      ...fields(passphrase, 'the next long passphrase'),
      elsewhere: 'yes'
    })
    t.equal(changed.location?.pathname, '/account/security')
    t.equal((await there.get('/account/security')).status, 303, 'signed out there')
    t.equal((await here.get('/account/security')).status, 200, 'and not here')
    const told = await smtp.next(to('change@example.com'))
    t.match(told.headers.get('subject'), 'Your mintmark password was changed')

    await signIn(there, 'change@example.com', 'the next long passphrase')
    const second = await here.get('/account/security/password')
    const kept = await here.submitForm(
      second,
      { ...fields('the next long passphrase', 'the third long passphrase'), elsewhere: '' },
      form('current')
    )
    t.equal(kept.status, 303)
    t.equal((await there.get('/account/security')).status, 200, 'as asked')

    const third = await here.get('/account/security/password')
    const guesses = await Promise.all(
      Array.from({ length: 14 }, (_, at) =>
        here.submitForm(third, fields(`guess ${at}`, 'a password of a thief'), form('current'))
      )
    )
    const refused = guesses.map(({ status }) => status)
    t.equal(refused.filter(status => status === 429).length, 4, 'ten guesses, counted exactly')
    const elsewhere = await signIn(browse(), 'change@example.com', 'the third long passphrase')
    t.equal(elsewhere.status, 429, 'and none are left at the sign-in: it is one counter (R-53)')
  }
)

t.test('a device that was connected is told to its person (RFC 8628 §5.4)', async t => {
  await forgive()
  await newAccount('viewer@example.com')
  const browser = browse()
  await signIn(browser, 'viewer@example.com', passphrase)
  const asked = await createRequests(server).post('/oauth/device', publicly('tv'), {
    scope: 'openid'
  })
  let page = await browser.get('/device')
  page = await browser.submitForm(page, { user_code: asked.body['user_code'] as string })
  while (page.forms.some(({ fields }) => fields.has('csrf') || fields.has('xsrf'))) {
    page = await browser.follow(await browser.submitForm(page))
  }
  t.equal(page.heading, 'You’re connected')
  const mail = await smtp.next(to('viewer@example.com'))
  t.equal(mail.headers.get('subject'), 'A device was connected to your mintmark account')
  t.match(mail.text, '/account/security')
})

t.test('who deleted their account is told when it is gone, though it is', async t => {
  await forgive()
  const account = await newAccount('leaves@example.com')
  await rows(`UPDATE accounts SET delete_at = clock_time() - interval '1 second' WHERE id = $1`, [
    account.id
  ])
  const deletion = createAccountDeletion({ database, endAccount, graceSeconds: 60 })
  t.equal(await deletion.deleteDue(), 1)
  t.equal((await rows('SELECT FROM accounts WHERE id = $1', [account.id])).length, 0)
  const mail = await smtp.next(to('leaves@example.com'))
  t.equal(mail.headers.get('subject'), 'Your mintmark account was deleted')
  t.match(mail.text, 'leaves@example.com')
})
