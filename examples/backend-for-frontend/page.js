// The page: asks its own server who is signed in, and for their things. It knows no token. Whatever changes something says x-csrf, which no
// page of another site can.

/* global document, location */

const element = id => document.getElementById(id)

const session = await fetch('/auth/session')
if (session.ok) {
  const { claims } = await session.json()
  element('who').textContent = `Signed in as ${claims.name}`
  element('out').hidden = false
  const things = await fetch('/api/things')
  element('things').textContent = await things.text()
} else {
  element('who').textContent = 'Nobody is signed in.'
  element('in').hidden = false
}

element('out').addEventListener('click', async () => {
  const answer = await fetch('/auth/logout', { method: 'POST', headers: { 'x-csrf': '1' } })
  location.assign((await answer.json()).location)
})
