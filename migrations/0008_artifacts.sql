-- Short-lived rows of the protocol: authorization codes, device codes, PAR ids, interactions, registration tokens.
-- `id` is the digest of kind and value: a value of one kind is never found as another, and the table opens nothing.
CREATE TABLE artifacts (
  id          bytea PRIMARY KEY,
  kind        text NOT NULL,
  grant_id    text,
  client_id   text,
  -- HMAC of a device flow user code under a sealed key: it has far fewer than 128 bits
  user_code   bytea UNIQUE,
  payload     jsonb NOT NULL,
  -- the members that would open something (session cookie, device code, return address), AES-256-GCM
  sealed      bytea,
  created_at  timestamptz NOT NULL DEFAULT clock_time(),
  expires_at  timestamptz,
  consumed_at timestamptz,
  -- RFC 8628 §3.5: when the device asked last, and its interval in seconds
  polled_at   timestamptz,
  interval    integer
);
CREATE INDEX artifacts_grant ON artifacts (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX artifacts_expires_at ON artifacts (expires_at);

-- Single-use identifiers of client assertions and DPoP proofs: the insert is the check.
CREATE TABLE replay_records (
  id         bytea PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
CREATE INDEX replay_records_expires_at ON replay_records (expires_at);
