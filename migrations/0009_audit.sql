-- Security events, in the same transaction as what they tell of. Appended only.
CREATE TABLE audit_events (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         timestamptz NOT NULL DEFAULT clock_time(),
  type       text NOT NULL,
  outcome    text NOT NULL CHECK (outcome IN ('success', 'refused')),
  account_id uuid,
  client_id  text,
  address    text,
  request_id text,
  data       jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_events_at ON audit_events (at);
CREATE INDEX audit_events_account ON audit_events (account_id, at) WHERE account_id IS NOT NULL;

-- One leader for background work: a lease row, not a session lock, so that poolers do no harm.
CREATE TABLE leases (
  name       text PRIMARY KEY,
  holder     text NOT NULL,
  expires_at timestamptz NOT NULL
);
