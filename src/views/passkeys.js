// The one script of our pages: it shows the passkey button where the browser has passkeys, asks the browser, and posts what it says as a form's
// field. Runs behind the bundle of @simplewebauthn/browser, in the same file. Has no words: sentences stand in the page, hidden.

{
  const webauthn = globalThis.SimpleWebAuthnBrowser
  const form = document.querySelector('form[data-passkey]')
  // a challenge lives five minutes
  const renewMillis = 4 * 60_000
  let since = performance.now()
  let renewing = false

  function say(problem) {
    for (const sentence of form.querySelectorAll('[data-passkey-problem]')) {
      sentence.hidden = sentence.dataset.passkeyProblem !== problem
    }
  }

  // The page again, for a new challenge; undefined: it is another page by now.
  async function freshOptions() {
    if (performance.now() - since > renewMillis - 1_000) {
      const response = await fetch(location.href, { redirect: 'manual' })
      if (!response.ok) return undefined
      const page = new DOMParser().parseFromString(await response.text(), 'text/html')
      const other = page.querySelector('form[data-passkey]')
      if (other === null) return undefined
      since = performance.now()
      form.dataset.passkey = other.dataset.passkey
      form.elements.csrf.value = other.elements.csrf.value
    }
    return JSON.parse(form.dataset.passkey)
  }

  function send(answer) {
    form.elements.passkey.value = JSON.stringify(answer)
    form.submit()
  }

  async function press() {
    say(undefined)
    try {
      const optionsJSON = await freshOptions()
      if (optionsJSON === undefined) return location.reload()
      const ask =
        form.dataset.passkeyUse === 'create'
          ? webauthn.startRegistration
          : webauthn.startAuthentication
      // whatever the login field offers ends by this
      send(await ask({ optionsJSON }))
    } catch (error) {
      // NotAllowedError: the person said no, or took too long; AbortError: pressed twice
      if (error.name === 'InvalidStateError') say('known')
      else if (error.name !== 'NotAllowedError' && error.name !== 'AbortError') say('failed')
      void offerInField()
    }
  }

  async function offerInField() {
    if (form.dataset.passkeyUse !== 'autofill') return
    if (!(await webauthn.browserSupportsWebAuthnAutofill())) return
    do {
      renewing = false
      let timer
      try {
        const optionsJSON = await freshOptions()
        if (optionsJSON === undefined) return
        timer = setTimeout(() => {
          renewing = true
          webauthn.WebAuthnAbortService.cancelCeremony()
        }, renewMillis)
        send(await webauthn.startAuthentication({ optionsJSON, useBrowserAutofill: true }))
      } catch {
        // the button was pressed, or the challenge grows old
      } finally {
        clearTimeout(timer)
      }
    } while (renewing)
  }

  function signal() {
    for (const one of document.querySelectorAll('[data-passkey-signal]')) {
      const { passkeySignal: method, passkeySignalOptions: options } = one.dataset
      // a courtesy to the person's password manager: nothing depends on it
      globalThis.PublicKeyCredential?.[method]?.(JSON.parse(options)).catch(() => {})
    }
  }

  signal()
  if (form !== null) {
    if (webauthn.browserSupportsWebAuthn()) {
      form.elements.passkey.value = ''
      form.hidden = false
      form.addEventListener('submit', event => {
        event.preventDefault()
        void press()
      })
      void offerInField()
    } else {
      for (const sentence of document.querySelectorAll('[data-passkey-unsupported]')) {
        sentence.hidden = false
      }
    }
  }
}
