// The pages of the demo: start, signed in, and what went wrong. Data in, string out. They use the
// product's stylesheets and one of their own; no script, no inline style, nothing from elsewhere.
// The words are for developers, in English.

import { html } from 'hono/html'
import { claimsOf, describeToken, shortened } from './describe.ts'
import type { Problem } from './problem.ts'
import type { DemoState, Outcome } from './state.ts'

/** What is the same on every page of the demo. */
export interface DemoSite {
  product: { name: string }
  issuer: string
  clientId: string
  resource: string
  stylesheets: readonly string[]
  icon?: string
}

type Markup = ReturnType<typeof html>

/** The start page: what this is, and one button. */
export async function startPage(site: DemoSite, state: DemoState): Promise<string> {
  const body = html`${state.notice === 'signed_out' ? notice('You have signed out of the demo.') : ''}
<h1>Try a sign-in</h1>
<p class="lead">This page is an app of its own, a relying party: it knows the address of the issuer
and its client id, and asks ${site.product.name} who you are, as your app would.</p>
<form method="post" action="/demo/login">${csrf(state)}
<button class="primary" type="submit">Sign in</button></form>
<p class="small">Use the account that the server printed when it started.</p>
<h2>What happens when you press the button</h2>
<ol class="demo-steps">
<li><b>Discovery.</b> The app reads
<a href="/.well-known/openid-configuration">the issuer’s metadata</a>.</li>
<li><b>Authorization.</b> Your browser goes to the issuer with a PKCE challenge, a state
and a nonce.</li>
<li><b>You sign in and consent</b> at ${site.product.name}. The app never sees your password.</li>
<li><b>Callback.</b> The app checks <code>iss</code> and <code>state</code>,
and redeems the code.</li>
<li><b>Tokens.</b> The signature of the ID token is checked with
<a href="/.well-known/jwks.json">the published keys</a>; then you see every token, and use them.</li>
</ol>
<h2>The request</h2>
${facts([
  ['Issuer', html`<code>${site.issuer}</code>`],
  ['Client', html`<code>${site.clientId}</code>, public, with PKCE`],
  ['Scope', html`<code>openid profile email offline_access read:things</code>`],
  ['Resource', html`<code>${site.resource}</code>, the demo API`]
])}`
  return document(site, 'Demo', body)
}

/**
 * The page behind the sign-in: tokens, and what can be done with them. `now` in milliseconds since
 * the epoch.
 */
export async function tokensPage(
  site: DemoSite,
  state: DemoState & { tokens: NonNullable<DemoState['tokens']> },
  now: number
): Promise<string> {
  const { tokens, outcome } = state
  const person = claimsOf(tokens.id)
  const called = person['name'] ?? person['preferred_username'] ?? person['email'] ?? person['sub']
  const body = html`<h1>Signed in as ${called}</h1>
<p class="lead">The app checked the ID token: signature, issuer, audience, nonce and lifetime.</p>
<div class="demo-actions">
${tokens.refresh ? action(state, 'userinfo', 'Call userinfo', 'primary') : ''}
${tokens.refresh ? action(state, 'refresh', 'Refresh', 'primary') : ''}
${action(state, 'things', 'Call the demo API', 'primary')}
${action(state, 'logout', 'Sign out', 'quiet')}
</div>
${outcome ? outcomeBox(outcome) : ''}
${tokenBox('ID token', 'For this app: who signed in, and where.', tokens.id, now)}
${tokenBox('Access token', 'For the demo API alone: it opens neither userinfo nor another API.', tokens.access, now)}
<section class="demo-token" aria-labelledby="refresh-token">
<h2 id="refresh-token">Refresh token</h2>
${
  tokens.refresh
    ? html`<p><code>${shortened(tokens.refresh)}</code></p>
<p class="small">Opaque, and another one after every use. The app keeps it sealed,
and shows it to nobody.</p>`
    : html`<p>None was issued: <code>offline_access</code> was not granted.</p>`
}
</section>
<section class="demo-token" aria-labelledby="verify">
<h2 id="verify">How the demo API checks the access token</h2>
<pre tabindex="0"><code>import { createVerifier } from './src/resource-server/verifier.ts'

const verifier = createVerifier({
  issuer: '${site.issuer}',
  audience: '${site.resource}'
})
const result = await verifier.verify(request.headers.authorization)</code></pre>
<p class="small">Issuer and audience are all it needs; the keys come from discovery,
and are cached. The import is of ${site.product.name}’s own repository; its
<code>docs/resource-servers.md</code> has the same for <code>jose</code> and for Python.</p>
</section>`
  return document(site, 'Signed in', body)
}

/** What went wrong, and the way back. */
export async function problemPage(
  site: DemoSite,
  state: DemoState,
  problem: Problem
): Promise<string> {
  const body = html`<h1>${problem.title}</h1>
<p class="lead">${problem.advice}</p>
<form method="post" action="/demo/login">${csrf(state)}
<button class="primary" type="submit">Sign in again</button></form>
<p class="small"><a href="/demo">Back to the demo</a></p>
<h2>What the app was told</h2>
${facts([
  ['error', html`<code>${problem.code}</code>`],
  ...(problem.description ? [['error_description', problem.description] as [string, string]] : [])
])}`
  return document(site, problem.title, body)
}

function outcomeBox(outcome: Outcome): Markup {
  const failed = outcome.problem !== undefined
  return html`<section class="demo-outcome${failed ? ' demo-failed' : ''}" role="status" aria-labelledby="outcome">
<h2 id="outcome">${outcome.title}</h2>
${outcome.problem ? html`<p>${outcome.problem}</p>` : ''}
${outcome.exchanges.map(
  ({ request, status }) =>
    html`<p class="demo-exchange"><code>${request}</code> <span class="demo-status">${status}</span></p>`
)}
${outcome.body ? html`<pre tabindex="0"><code>${pretty(outcome.body)}</code></pre>` : ''}
</section>`
}

function tokenBox(title: string, purpose: string, token: string, now: number): Markup {
  const id = title.toLowerCase().replace(' ', '-')
  const { header, claims, times } = describeToken(token, now)
  return html`<section class="demo-token" aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
<p class="small">${purpose}</p>
<dl class="facts">${times.map(
    ({ claim, meaning, at, words }) =>
      html`<div><dt>${meaning} <code>${claim}</code></dt><dd>${words} <span class="small">${at}</span></dd></div>`
  )}</dl>
<h3>Header</h3>
<pre tabindex="0"><code>${JSON.stringify(header, null, 2)}</code></pre>
<h3>Payload</h3>
<pre tabindex="0"><code>${JSON.stringify(claims, null, 2)}</code></pre>
<details><summary>As it was sent</summary><p class="demo-raw"><code>${token}</code></p></details>
</section>`
}

function action(state: DemoState, path: string, label: string, look: 'primary' | 'quiet'): Markup {
  return html`<form method="post" action="/demo/${path}">${csrf(state)}
<button class="${look}" type="submit">${label}</button></form>`
}

function csrf(state: DemoState): Markup {
  return html`<input type="hidden" name="csrf" value="${state.csrf}">`
}

function notice(text: string): Markup {
  return html`<p class="demo-notice" role="status">${text}</p>`
}

function facts(rows: [term: string, value: Markup | string][]): Markup {
  return html`<dl class="facts">${rows.map(
    ([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`
  )}</dl>`
}

/** JSON with line breaks; any other text as it is. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

async function document(site: DemoSite, title: string, body: Markup): Promise<string> {
  const page = html`<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<title>${title} – ${site.product.name} demo</title>
${site.stylesheets.map(
  href => html`<link rel="stylesheet" href="${href}">
`
)}<link rel="stylesheet" href="/demo/style.css">${
    site.icon &&
    html`
<link rel="icon" href="${site.icon}">`
  }
</head>
<body class="demo">
<header class="site">
<p class="site-name">${site.product.name} demo</p>
<p class="site-host">an app that signs in at ${new URL(site.issuer).host}</p>
</header>
<main class="card">
${body}
</main>
<footer class="site-footer">
<p class="small">Development mode only. A production server has no such page.</p>
</footer>
</body>
</html>
`
  return String(await page)
}
