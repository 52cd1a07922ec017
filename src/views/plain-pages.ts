// Two plain pages that many others are made of: one with a form, one that says something and leads on. Own only how they are put together; the
// words are the caller's.

import { type Field, field, hidden, type Problem, problemSummary, submit } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { type Child, html, type Markup } from './markup.ts'

export interface FormView {
  title: string
  /** paragraphs above the fields */
  lead: readonly Child[]
  action: string
  hidden: Record<string, string>
  fields: readonly (Omit<Field, 'problem'> | Markup)[]
  submit: string
  problems?: readonly Problem[]
  /** below the form */
  after?: Child
}

export function isField(part: Omit<Field, 'problem'> | Markup): part is Omit<Field, 'problem'> {
  return typeof part === 'object' && 'id' in part
}

/** The form without a page around it. */
export function formOf(view: Omit<FormView, 'title' | 'lead' | 'after'>): Markup {
  const { problems = [] } = view
  const at = (id: string) => problems.find(problem => problem.field === id)?.text
  return html`<form method="post" action="${view.action}">
${hidden(view.hidden)}
${view.fields.map(part => (isField(part) ? field({ ...part, problem: at(part.id) }) : part))}
<div class="buttons">
${submit(view.submit, 'primary', undefined, 'go-on')}
</div>
</form>`
}

/** A page with a form, as an HTML document. */
export function renderForm(frame: Frame, view: FormView): string {
  const { problems = [] } = view
  return renderPage(frame, {
    title: view.title,
    outcome: problems.length === 0 ? undefined : 'failed',
    body: html`${problemSummary(wordsOf(frame), problems)}
<h1>${view.title}</h1>
${view.lead.map(text => html`<p class="lead">${text}</p>`)}
${formOf(view)}
${view.after ?? ''}`
  })
}

/** A page that says something, as an HTML document. */
export function renderNotice(
  frame: Frame,
  view: {
    title: string
    paragraphs: readonly Child[]
    link?: { to: string; text: string } | undefined
  }
): string {
  return renderPage(frame, {
    title: view.title,
    body: html`<h1>${view.title}</h1>
${view.paragraphs.map(text => html`<p>${text}</p>`)}
${view.link !== undefined && html`<p><a class="primary" id="go-on" href="${view.link.to}">${view.link.text}</a></p>`}`
  })
}
