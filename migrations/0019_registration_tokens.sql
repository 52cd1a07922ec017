-- Initial access tokens (RFC 7591 §3): who has one may register so many clients, of such kinds, while it lives. What it allows goes with each
-- client, since a client's own updates are judged by it long after the token has left.
CREATE TABLE registration_tokens (
  -- public: what an operator calls it by
  id           text PRIMARY KEY,
  digest       bytea NOT NULL UNIQUE,
  note         text,
  -- registrations at most, and how many there were
  uses         integer NOT NULL CHECK (uses > 0),
  used         integer NOT NULL DEFAULT 0 CHECK (used <= uses),
  -- clients of it that may be there at once
  clients_most integer CHECK (clients_most > 0),
  -- { types, scopes, redirectHosts }
  policy       jsonb NOT NULL DEFAULT '{}',
  created_at   timestamptz NOT NULL DEFAULT clock_time(),
  expires_at   timestamptz NOT NULL,
  revoked_at   timestamptz
);
CREATE INDEX registration_tokens_expires_at ON registration_tokens (expires_at);

ALTER TABLE clients ADD COLUMN registration_token text, ADD COLUMN registration_policy jsonb,
  -- RFC 7591 §2.3, as it came: its claims hold at every update
  ADD COLUMN software_statement text;
CREATE INDEX clients_registration_token ON clients (registration_token) WHERE registration_token IS NOT NULL;
