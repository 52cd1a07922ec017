-- Signing in with another provider. A person is known there by issuer and subject alone (OpenID Connect Core §5.7): addresses and names change
-- hands. What goes with an account when it goes, goes.
CREATE TABLE linked_identities (
  issuer     text NOT NULL,
  subject    text NOT NULL,
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  -- the id under which the provider was configured
  upstream   text NOT NULL,
  -- how the person knows it: their address or name there, when it was used last
  label      text,
  linked_at  timestamptz NOT NULL DEFAULT clock_time(),
  used_at    timestamptz,
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX linked_identities_account ON linked_identities (account_id);

-- Requests that people are away on. `id` is the digest of `state`, `browser` that of the secret in a cookie; what leads back and opens the
-- answer (nonce, code verifier, whose sign-in it is) is sealed. A row is spent once.
CREATE TABLE upstream_requests (
  id         bytea PRIMARY KEY,
  browser    bytea NOT NULL,
  upstream   text NOT NULL,
  sealed     bytea NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX upstream_requests_expires_at ON upstream_requests (expires_at);

-- Identities that were proved at a browser and belong to no account yet, until the person says which; one a browser.
CREATE TABLE upstream_offers (
  id         bytea PRIMARY KEY,
  sealed     bytea NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX upstream_offers_expires_at ON upstream_offers (expires_at);
