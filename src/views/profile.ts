// The first page of an account: what a person is called, and how they sign in. Owns the form. Refuses fields for what has a page of its own
// (e-mail, password) or what nobody here could vouch for.

import { locales, messagesOf } from '../i18n/locale.ts'
import { type AccountFrame, renderAccountPage } from './account-layout.ts'
import { field, hidden, problemSummary, submit } from './form.ts'
import { type Frame, wordsOf } from './layout.ts'
import { html, type Markup } from './markup.ts'

export type ProfileField = 'name' | 'nickname' | 'locale' | 'zoneinfo'

export interface ProfilePage extends AccountFrame {
  action: string
  csrf: string
  values: Readonly<Record<ProfileField, string>>
  problems: readonly ProfileField[]
  saved: 'saved' | undefined
  login: string
  email: { address: string; verified: 'verified' | 'unverified' } | undefined
  timeZones: readonly string[]
}

/** The page as an HTML document. Its form posts `csrf` and the fields. */
export function renderProfile(frame: Frame, page: ProfilePage): string {
  const words = wordsOf(frame)
  const { profile } = words
  const problems = page.problems.map(id => ({ field: id, text: profile.problems[id] }))
  const text = (id: 'name' | 'nickname', autocomplete: string) =>
    field({
      id,
      label: profile[id],
      value: page.values[id],
      hint: profile.optional,
      autocomplete,
      presence: 'optional',
      problem: problems.find(problem => problem.field === id)?.text
    })
  return renderAccountPage(frame, page, {
    current: 'profile',
    title: profile.title,
    outcome: problems.length > 0 ? 'failed' : undefined,
    problems: problemSummary(words, problems),
    body: html`${page.saved !== undefined && html`<p class="note" role="status">${profile.saved}</p>`}
<p>${profile.lead}</p>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf })}
${text('name', 'name')}
${text('nickname', 'nickname')}
${choice(frame, page, 'locale', languages(frame, page.values.locale))}
${choice(frame, page, 'zoneinfo', zones(page))}
<div class="buttons">
${submit(profile.submit, 'primary')}
</div>
</form>
<h2>${profile.signIn}</h2>
<dl class="facts">
<div><dt>${profile.login}</dt><dd><bdi>${page.login}</bdi></dd></div>
${page.email !== undefined && html`<div><dt>${profile.email}</dt><dd><bdi>${page.email.address}</bdi> <span class="small">${profile[page.email.verified]}</span></dd></div>`}
</dl>`
  })
}

type Option = { value: string; label: string }

/** Ours by their own names, and the one that is set already, whatever it is. */
function languages(frame: Frame, current: string): Option[] {
  const ours = locales.map(value => ({ value, label: messagesOf(value).languageName }))
  if (current === '' || ours.some(({ value }) => value === current)) return ours
  return [...ours, { value: current, label: languageName(frame, current) }]
}

function languageName(frame: Frame, tag: string): string {
  try {
    return new Intl.DisplayNames([frame.locale], { type: 'language' }).of(tag) ?? tag
  } catch {
    return tag
  }
}

function zones({ timeZones, values }: ProfilePage): Option[] {
  const known = timeZones.includes(values.zoneinfo) || values.zoneinfo === ''
  const all = known ? timeZones : [...timeZones, values.zoneinfo]
  return all.map(value => ({ value, label: value.replaceAll('_', ' ') }))
}

function choice(
  frame: Frame,
  page: ProfilePage,
  id: 'locale' | 'zoneinfo',
  options: readonly Option[]
): Markup {
  const { profile } = wordsOf(frame)
  const failed = page.problems.includes(id)
  return html`<div class="field">
<label for="${id}">${profile[id]}</label>
${failed && html`<p class="field-problem" id="${id}-problem">${profile.problems[id]}</p>`}
<select id="${id}" name="${id}"${failed && html` aria-invalid="true" aria-describedby="${id}-problem"`}>
<option value="">${profile.unsaid}</option>
${options.map(
  ({ value, label }) =>
    html`<option value="${value}"${value === page.values[id] && html` selected`}>${label}</option>
`
)}</select>
</div>`
}
