// Sign-in of an app that is a page and nothing else: code + PKCE by the browser's own means (RFC 9700 §2.1). Refuses an answer that it did
// not ask for (state, RFC 9207 `iss`) and an ID token for another sign-in (nonce). Tokens are in sessionStorage: gone with the tab, and
// readable by whatever script runs in the page. Where that is too much, keep them on a server.

const storage = {
  get: name => JSON.parse(sessionStorage.getItem(name)),
  set: (name, value) => sessionStorage.setItem(name, JSON.stringify(value)),
  take: name => {
    const value = storage.get(name)
    sessionStorage.removeItem(name)
    return value
  }
}

/** A client of `issuer` whose redirect URI is the page's own address. */
export async function createSignIn({ issuer, clientId, scope }) {
  const redirectUri = `${location.origin}/`
  const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
  // OpenID Connect Discovery §4.3
  if (metadata.issuer !== issuer) throw new Error(`${issuer} calls itself ${metadata.issuer}`)

  async function requestTokens(parameters) {
    const response = await fetch(metadata.token_endpoint, {
      method: 'POST',
      body: new URLSearchParams({ client_id: clientId, ...parameters })
    })
    const answer = await response.json()
    if (!response.ok) throw new OAuthError(answer)
    return answer
  }

  function keep({ access_token, expires_in, refresh_token, id_token }, before = {}) {
    const tokens = {
      access: access_token,
      expiresAt: Date.now() + expires_in * 1000,
      refresh: refresh_token ?? before.refresh,
      id: id_token ?? before.id
    }
    storage.set('tokens', tokens)
    return tokens
  }

  /** One that lives for half a minute yet; `now`: a new one in any case. Undefined: signed out meanwhile. */
  async function accessToken(anew = 'when it is due') {
    // one call at a time, those of a duplicated tab among them; two that meet nevertheless get the same successor
    return navigator.locks.request('tokens', async () => {
      const tokens = storage.get('tokens')
      if (tokens === null) return undefined
      if (anew !== 'now' && Date.now() < tokens.expiresAt - 30_000) return tokens.access
      try {
        const answer = await requestTokens({
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh
        })
        return keep(answer, tokens).access
      } catch (error) {
        if (error.code !== 'invalid_grant') throw error
        storage.take('tokens')
        return undefined
      }
    })
  }

  return {
    /** Leaves the page for the issuer's. */
    async begin() {
      const pending = { state: random(), nonce: random(), verifier: random() }
      storage.set('pending', pending)
      const url = new URL(metadata.authorization_endpoint)
      url.search = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope,
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await challengeOf(pending.verifier),
        code_challenge_method: 'S256'
      })
      location.assign(url)
    },

    /** Redeems the code in the page's address, if there is one, and takes it out of the history. */
    async finish() {
      const answer = new URLSearchParams(location.search)
      if (!answer.has('state')) return
      history.replaceState(undefined, '', redirectUri)
      const pending = storage.take('pending')
      if (pending === null || answer.get('state') !== pending.state) {
        throw new Error('That sign-in was not begun here.')
      }
      // RFC 9207 §2.4
      if (answer.get('iss') !== issuer) throw new Error('That answer is of another issuer.')
      if (answer.has('error')) throw new OAuthError(Object.fromEntries(answer))
      const tokens = await requestTokens({
        grant_type: 'authorization_code',
        code: answer.get('code'),
        redirect_uri: redirectUri,
        code_verifier: pending.verifier
      })
      // OpenID Connect Core §3.1.3.7: it came from the token endpoint itself, so TLS stands for the signature
      const claims = claimsOf(tokens.id_token)
      const expected = claims.iss === issuer && claims.aud === clientId
      if (!expected || claims.nonce !== pending.nonce) throw new Error('That ID token is not ours.')
      keep(tokens)
    },

    accessToken,

    /** OpenID Connect Core §5.3. Undefined: signed out meanwhile, here or at the issuer. */
    async person() {
      const ask = async token => {
        const headers = { authorization: `Bearer ${token}` }
        return fetch(metadata.userinfo_endpoint, { headers })
      }
      const token = await accessToken()
      if (token === undefined) return undefined
      const answer = await ask(token).catch(() => undefined)
      if (answer?.ok) return answer.json()
      // the refusal of a token that has ended cannot be read from another origin, but that of the refresh token can
      const next = await accessToken('now')
      return next === undefined ? undefined : (await ask(next)).json()
    },

    /** Leaves the page for the issuer's sign-out page (RP-Initiated Logout §2), and comes back. */
    end() {
      const { id } = storage.take('tokens')
      const url = new URL(metadata.end_session_endpoint)
      url.search = new URLSearchParams({
        id_token_hint: id,
        client_id: clientId,
        post_logout_redirect_uri: redirectUri
      })
      location.assign(url)
    }
  }
}

class OAuthError extends Error {
  constructor({ error, error_description }) {
    super(error_description ?? error)
    this.code = error
  }
}

/** 256 random bits. */
function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)))
}

/** RFC 7636 §4.2 */
async function challengeOf(verifier) {
  return base64url(
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)))
  )
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

function claimsOf(jwt) {
  const part = jwt.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), c => c.charCodeAt(0))))
}
