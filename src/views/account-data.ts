// The pages about a person's data: take a copy home, delete the account, what happens then, and keeping it after all. Refuses a deletion by one
// click: the word is typed.

import { type AccountFrame, accountPages, renderAccountPage } from './account-layout.ts'
import { decline, field, hidden, problemSummary, submit } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, name } from './markup.ts'

export interface AccountDataPage extends AccountFrame {
  action: string
  csrf: string
}

export interface DeleteAccountPage extends AccountDataPage {
  graceSeconds: number
  problem: 'wrong word' | undefined
}

/** Without base path. */
export const deletePath = `${accountPages.data}/delete`

/** The page as an HTML document. Its form posts `csrf`; the answer is the file. */
export function renderAccountData(frame: Frame, page: AccountDataPage): string {
  const { data: words } = wordsOf(frame)
  return renderAccountPage(frame, page, {
    current: 'data',
    title: words.title,
    body: html`<h2>${words.copyTitle}</h2>
<p>${words.copy}</p>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf })}
<div class="buttons">
${submit(words.download, 'primary')}
</div>
</form>
<h2>${words.deleteTitle}</h2>
<p>${words.deleteLead}</p>
<p><a href="${frame.site.basePath}${deletePath}">${words.deleteLink}</a></p>`
  })
}

/** The page as an HTML document. Its form posts `csrf` and `word`. */
export function renderDeleteAccount(frame: Frame, page: DeleteAccountPage): string {
  const words = wordsOf(frame)
  const { data } = words
  const problem = page.problem && data.wrongWord
  return renderAccountPage(frame, page, {
    current: 'data',
    title: data.deleteTitle,
    outcome: problem === undefined ? undefined : 'failed',
    problems: problemSummary(
      words,
      problem === undefined ? [] : [{ field: 'word', text: problem }]
    ),
    body: html`<p>${data.deleteLead} ${data.ends}</p>
<p>${data.grace(page.graceSeconds)}</p>
<p>${data.keeps}</p>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf })}
${field({ id: 'word', label: data.typeWord, autocomplete: 'off', problem })}
<div class="buttons">
${submit(data.deleteSubmit, 'equal')}
</div>
</form>`
  })
}

/** After it: nobody is signed in here any more. */
export function renderDeletionRequested(frame: Frame, page: { until: Date }): string {
  const { data: words } = wordsOf(frame)
  return renderPage(frame, {
    title: words.requestedTitle,
    body: html`<h1>${words.requestedTitle}</h1>
<p>${words.requested(page.until)}</p>
<p>${words.requestedKeep}</p>`
  })
}

export interface KeepAccountPage {
  action: string
  csrf: string
  prompt: string
  carried: Record<string, string>
  accountName: string
  until: Date
}

/** A screen of a sign-in. Its forms post `keep` or `restart`. */
export function renderKeepAccount(frame: Frame, page: KeepAccountPage): string {
  const { data } = wordsOf(frame)
  const travels = { csrf: page.csrf, prompt: page.prompt, ...page.carried }
  return renderPage(frame, {
    title: data.keepTitle,
    body: html`<h1>${data.keepTitle}</h1>
<p class="lead">${name(page.accountName)}</p>
<p>${data.keepLead(page.until)}</p>
<form method="post" action="${page.action}">
${hidden(travels)}
<div class="buttons">
${submit(data.keep, 'primary', ['keep', 'yes'])}
${decline(data.leave, 'equal', ['restart', 'yes'])}
</div>
</form>`
  })
}
