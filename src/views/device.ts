// The device pages (RFC 8628 §3.3): enter the code, compare it, done. Refuses to connect by entering alone: whoever follows a link with the
// code in it sees the code, who asks, from where and since when (RFC 8628 §5.4, §3.3.1), beside a warning against codes that others send.

import type { AuthorizationDetail } from '../oauth/authorization-details.ts'
import { type DetailTypeView, detailSections } from './authorization-details.ts'
import {
  type AccessView,
  accessList,
  type ClientView,
  monogram,
  type ResourceView
} from './client.ts'
import { decline, field, hidden, problemSummary, submit } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, name } from './markup.ts'

export interface DeviceInputPage {
  action: string
  xsrf: string
  userCode: string | undefined
  problem:
    | 'not_found'
    | 'expired'
    | 'used'
    | 'aborted'
    | 'no_code'
    | 'throttled'
    | 'failed'
    | undefined
}

export interface DeviceConfirmPage {
  action: string
  xsrf: string
  userCode: string
  client: ClientView
  requested: readonly AccessView[]
  requestedDetails: readonly AuthorizationDetail[]
  detailTypes: readonly DetailTypeView[]
  resources: readonly ResourceView[]
  /** network address that asked for the code */
  address: string | undefined
  startedAt: Date | undefined
  now: Date
}

/** The page where the code is entered, or (after `aborted`) the one that says that nothing was connected. */
export function renderDeviceInput(frame: Frame, page: DeviceInputPage): string {
  const words = wordsOf(frame)
  if (page.problem === 'aborted') {
    return renderPage(frame, {
      title: words.device.abortedTitle,
      body: html`<h1>${words.device.abortedTitle}</h1>
<p>${words.device.aborted} ${words.common.closeWindow}</p>`
    })
  }
  const problem = page.problem && words.device.problems[page.problem]
  return renderPage(frame, {
    title: words.device.title,
    outcome: problem === undefined ? undefined : 'failed',
    body: html`${problemSummary(words, problem === undefined ? [] : [{ field: 'user_code', text: problem }])}
<h1>${words.device.title}</h1>
<p class="lead">${words.device.instruction}</p>
<form method="post" action="${page.action}">
${hidden({ xsrf: page.xsrf })}
${field({
  id: 'user_code',
  label: words.device.code,
  hint: words.device.hint,
  value: page.userCode,
  autocomplete: 'off',
  autocapitalize: 'characters',
  className: 'code-input',
  problem,
  start: problem === undefined ? 'focused' : undefined
})}
<div class="buttons">
${submit(words.device.submit, 'primary', undefined, 'continue')}
</div>
</form>`
  })
}

/** The page where the code is compared. `confirm=yes` goes on, `abort=yes` declines; both carry the code. */
export function renderDeviceConfirm(frame: Frame, page: DeviceConfirmPage): string {
  const words = wordsOf(frame)
  const { client } = page
  return renderPage(frame, {
    title: words.device.confirmTitle,
    body: html`${monogram(client)}
<h1>${words.device.confirmTitle}</h1>
<p class="lead">${words.device.confirmWants({ text: client.name, shown: name(client.name) })}</p>
<p>${words.device.confirmQuestion}</p>
<p class="code" dir="ltr">${page.userCode}</p>
<div class="note"><p><strong>${words.device.scam}</strong></p><p>${words.device.scamAdvice}</p></div>
${facts(page, words)}
${
  (page.requested.some(access => access.scopes.length > 0) || page.requestedDetails.length > 0) &&
  html`<h2>${words.device.access}</h2>
${accessList(page.requested, { words, locale: frame.locale, product: frame.site.product.name, resources: page.resources })}
${detailSections(page.requestedDetails, { types: page.detailTypes, locale: frame.locale })}`
}
<form method="post" action="${page.action}">
${hidden({ xsrf: page.xsrf, user_code: page.userCode })}
<div class="buttons pair">
${submit(words.device.confirm, 'equal', ['confirm', 'yes'], 'continue')}
${decline(words.device.decline, 'equal', ['abort', 'yes'], 'cancel')}
</div>
</form>`
  })
}

/** The end. */
export function renderDeviceDone(frame: Frame, page: { clientName: string | undefined }): string {
  const words = wordsOf(frame)
  const { clientName } = page
  return renderPage(frame, {
    title: words.device.doneTitle,
    body: html`<h1>${words.device.doneTitle}</h1>
${clientName === undefined ? '' : html`<p>${words.device.done({ text: clientName, shown: name(clientName) })}</p>`}
<p>${words.common.closeWindow}</p>`
  })
}

function facts(page: DeviceConfirmPage, words: ReturnType<typeof wordsOf>) {
  const { startedAt } = page
  return html`<dl class="facts">
<div><dt>${words.device.application}</dt><dd>${name(page.client.name)}</dd></div>
${page.address !== undefined && html`<div><dt>${words.device.address}</dt><dd><bdi dir="ltr">${page.address}</bdi></dd></div>`}
${
  startedAt !== undefined &&
  html`<div><dt>${words.device.startedAt}</dt><dd>${words.device.ago((page.now.getTime() - startedAt.getTime()) / 1000)} <time class="small" datetime="${startedAt.toISOString()}">${words.dateTime(startedAt)}</time></dd></div>`
}
</dl>`
}
