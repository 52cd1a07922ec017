"""Verifies our access tokens (RFC 9068 section 4) with PyJWT; issuer and audience are all it is told. Needs `pyjwt[crypto]`, or Debian's
python3-jwt and python3-cryptography. Refuses ID tokens, tokens for other APIs and for the issuer, and tokens that are bound to a key,
whose proof it does not check. Starts while the issuer is down, and raises Unavailable until it is back.
"""

import json
import threading
import time
import urllib.request

import jwt

KEPT_SECONDS = 300  # as long as the server says in Cache-Control, unless it is configured otherwise
AGAIN_SECONDS = 30  # at most so often a token with an unknown kid makes us ask


class Unavailable(Exception):
    """The keys could not be had, which says nothing about the token."""


class Refused(Exception):
    """RFC 6750 section 3.1: the status, and what stands in WWW-Authenticate."""

    def __init__(self, status, challenge):
        super().__init__(challenge)
        self.status = status
        self.challenge = challenge


class Verifier:
    def __init__(self, issuer, audience):
        self.issuer = issuer
        self.audience = audience
        self._keys = {}
        self._asked = None
        self._lock = threading.Lock()

    def claims(self, authorization, scope):
        """The claims of a request's token, by its Authorization header. Raises Refused or Unavailable."""
        scheme, _, token = (authorization or "").partition(" ")
        # RFC 9110 section 11.1: the scheme is case-insensitive; RFC 6750 section 3.1: without a token there is no error code
        if scheme.lower() != "bearer" or not token.strip():
            raise self._refused(401)
        try:
            claims = self._verify(token.strip())
        except jwt.PyJWTError as error:
            raise self._refused(401, "invalid_token") from error
        if scope not in str(claims.get("scope", "")).split(" "):
            raise self._refused(403, "insufficient_scope", scope)
        return claims

    def _verify(self, token):
        header = jwt.get_unverified_header(token)
        # an ID token of the same issuer must not open an API, and PyJWT does not look at typ
        if header.get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        claims = jwt.decode(
            token,
            self._key(header.get("kid")),
            # from our own list, never from the token's header
            algorithms=["ES256"],
            audience=self.audience,
            issuer=self.issuer,
            leeway=5,
            options={"require": ["exp", "iss", "aud", "sub", "client_id", "iat", "jti"]},
        )
        # RFC 9449 section 7.2: a bound token without the proof of its key is no bearer token
        if "cnf" in claims:
            raise jwt.InvalidTokenError("not a bearer token")
        # one audience: what several APIs take, each of them could use at the others
        if claims["aud"] != self.audience:
            raise jwt.InvalidAudienceError("for other APIs, too")
        return claims

    def _key(self, kid):
        with self._lock:
            age = None if self._asked is None else time.monotonic() - self._asked
            if age is None or age > KEPT_SECONDS or (kid not in self._keys and age > AGAIN_SECONDS):
                self._ask()
            if kid not in self._keys:
                raise jwt.InvalidTokenError("signed with a key that is not the issuer's")
            return self._keys[kid]

    def _ask(self):
        try:
            metadata = _get(f"{self.issuer}/.well-known/oauth-authorization-server")
            # RFC 8414 section 3.3
            if metadata["issuer"] != self.issuer:
                raise ValueError(f"{self.issuer} calls itself {metadata['issuer']}")
            keys = jwt.PyJWKSet.from_dict(_get(metadata["jwks_uri"])).keys
        except (OSError, ValueError, KeyError, jwt.PyJWTError) as error:
            # with the keys of before it serves on
            if not self._keys:
                raise Unavailable(str(error)) from error
        else:
            self._keys = {key.key_id: key.key for key in keys}
        self._asked = time.monotonic()

    def _refused(self, status, error=None, scope=None):
        parts = [f'Bearer realm="{self.audience}"']
        if error:
            parts.append(f'error="{error}"')
        if scope:
            parts.append(f'scope="{scope}"')
        return Refused(status, ", ".join(parts))


def _get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)
