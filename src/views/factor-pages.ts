// The pages of an account about its second factors, and their sections on the page of sign-in and security. Owns what is offered to whom: who
// has an app may move to another one or remove it, who has no factor needs no recovery codes.

import { type AccountFrame, renderAccountPage } from './account-layout.ts'
import { decline, hidden, submit } from './form.ts'
import { type Frame, wordsOf } from './layout.ts'
import { html, type Markup } from './markup.ts'
import { recoveryCodeList } from './recovery-codes.ts'
import type { CodeProblem } from './second-factor.ts'
import { type OfferView, totpEnrolment } from './totp-enrolment.ts'

export interface FactorPage {
  action: string
  csrf: string
  /** the page of sign-in and security */
  security: string
}

function back(frame: Frame, href: string): Markup {
  return html`<ul class="links"><li><a href="${href}">${wordsOf(frame).factors.back}</a></li></ul>`
}

/** Setting up an app, or moving to another one, as an HTML document. */
export function renderTotpPage(
  frame: Frame,
  account: AccountFrame,
  page: FactorPage & { enrolled: boolean; offer: OfferView; problem: CodeProblem | undefined }
): string {
  const words = wordsOf(frame)
  const { factors } = words
  const { problems, form } = totpEnrolment(words, page)
  return renderAccountPage(frame, account, {
    current: 'security',
    title: page.enrolled ? factors.totpReplace : factors.totpSetUp,
    outcome: page.problem && 'failed',
    problems,
    body: html`${form}
${
  page.enrolled &&
  html`<h2>${factors.totpRemove}</h2>
<p>${factors.totpRemoveLead}</p>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, what: 'remove' })}
<div class="buttons">${decline(factors.totpRemove, 'quiet', undefined, 'remove')}</div>
</form>`
}
${back(frame, page.security)}`
  })
}

/** How many are left, and making new ones, as an HTML document; `left` undefined: the account has nothing that they stand in for. */
export function renderRecoveryCodesPage(
  frame: Frame,
  account: AccountFrame,
  page: FactorPage & { left: number | undefined }
): string {
  const { factors } = wordsOf(frame)
  return renderAccountPage(frame, account, {
    current: 'security',
    title: factors.codesHeading,
    body: html`<p>${codesLeft(frame, page.left)}</p>
${
  page.left !== undefined &&
  html`<p>${factors.codesRenewLead}</p>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, what: 'renew' })}
<div class="buttons">${submit(factors.codesRenew, 'primary', undefined, 'renew')}</div>
</form>`
}
${back(frame, page.security)}`
  })
}

/** New codes, as an HTML document. */
export function renderCodesShown(
  frame: Frame,
  account: AccountFrame,
  page: { codes: readonly string[]; security: string }
): string {
  const words = wordsOf(frame)
  return renderAccountPage(frame, account, {
    current: 'security',
    title: words.factors.codesTitle,
    body: html`${recoveryCodeList(words, page.codes)}
<p><a class="primary" id="go-on" href="${page.security}">${words.factors.codesDone}</a></p>`
  })
}

/** The section about an app. */
export function totpOverview(frame: Frame, section: { enrolled: boolean; manage: string }): Markup {
  const { factors } = wordsOf(frame)
  return html`<h2>${factors.totpHeading}</h2>
<p>${section.enrolled ? factors.totpOn : factors.totpOff}</p>
<ul class="links"><li><a href="${section.manage}">${section.enrolled ? factors.totpManage : factors.totpSetUp}</a></li></ul>`
}

/** The section about recovery codes. */
export function recoveryCodesOverview(
  frame: Frame,
  section: { left: number | undefined; manage: string }
): Markup {
  const { factors } = wordsOf(frame)
  return html`<h2>${factors.codesHeading}</h2>
<p>${codesLeft(frame, section.left)}</p>
${section.left !== undefined && html`<ul class="links"><li><a href="${section.manage}">${factors.codesManage}</a></li></ul>`}`
}

function codesLeft(frame: Frame, left: number | undefined): string {
  const { factors } = wordsOf(frame)
  if (left === undefined) return factors.codesNoFactor
  return left === 0 ? factors.codesNone : factors.codesLeft(left)
}
