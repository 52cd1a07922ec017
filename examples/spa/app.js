// The page: who is signed in, and three buttons. Everything about tokens is in sign-in.js.

import { createSignIn } from './sign-in.js'

const element = id => document.getElementById(id)
const say = text => {
  element('status').textContent = text
}

async function show(signIn, anew) {
  if (anew === 'now') await signIn.accessToken('now')
  const who = await signIn.person()
  element('sign-in').hidden = who !== undefined
  element('refresh').hidden = who === undefined
  element('sign-out').hidden = who === undefined
  const again = anew === 'now' ? ', with a new token' : ''
  say(who === undefined ? 'Nobody is signed in' : `Signed in as ${who.name}${again}`)
}

try {
  const { issuer, clientId } = await (await fetch('/settings.json')).json()
  const signIn = await createSignIn({ issuer, clientId, scope: 'openid profile' })
  element('sign-in').addEventListener('click', signIn.begin)
  element('refresh').addEventListener('click', () => show(signIn, 'now'))
  element('sign-out').addEventListener('click', signIn.end)
  await signIn.finish().catch(error => alert(error.message))
  await show(signIn)
} catch (error) {
  say(error.message)
}
