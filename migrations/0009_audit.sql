-- Security events, in the same transaction as what they tell of. Appended only; a partition of 30 days leaves when its retention is
-- over. A sequence, not an identity: partitions could not share one before PostgreSQL 17.
CREATE SEQUENCE audit_events_id;
CREATE TABLE audit_events (
  id         bigint NOT NULL DEFAULT nextval('audit_events_id'),
  at         timestamptz NOT NULL DEFAULT clock_time(),
  type       text NOT NULL,
  outcome    text NOT NULL CHECK (outcome IN ('success', 'refused')),
  account_id uuid,
  client_id  text,
  address    text,
  request_id text,
  data       jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX audit_events_account ON audit_events (account_id, at) WHERE account_id IS NOT NULL;
CREATE INDEX audit_events_client ON audit_events (client_id, at) WHERE client_id IS NOT NULL;

-- One leader for background work: a lease row, not a session lock, so that poolers do no harm.
CREATE TABLE leases (
  name       text PRIMARY KEY,
  holder     text NOT NULL,
  expires_at timestamptz NOT NULL
);
