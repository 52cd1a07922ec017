-- Short-lived rows of the protocol: authorization codes, device codes, PAR ids, interactions, registration tokens.
-- `id` is the digest of kind and value: a value of one kind is never found as another, and the table opens nothing.
-- Partitions of an hour (store/partitions.ts); rows that are not short-lived have bucket 0 and a partition that stays.
CREATE TABLE artifacts (
  -- hour, counted from 1970, after which nobody needs the row; stands in the value where the value is ours to make
  bucket      integer NOT NULL,
  id          bytea NOT NULL,
  kind        text NOT NULL,
  grant_id    text,
  client_id   text,
  payload     jsonb NOT NULL,
  -- the members that would open something (session cookie, device code, return address), AES-256-GCM
  sealed      bytea,
  created_at  timestamptz NOT NULL DEFAULT clock_time(),
  expires_at  timestamptz,
  consumed_at timestamptz,
  -- RFC 8628 §3.5: when the device asked last, and its interval in seconds
  polled_at   timestamptz,
  interval    integer,
  -- the id first: an interaction is looked for in more than one bucket
  PRIMARY KEY (id, bucket)
) PARTITION BY RANGE (bucket);
CREATE TABLE artifacts_lasting PARTITION OF artifacts FOR VALUES FROM (0) TO (1);
-- a registration token goes with its client
ALTER TABLE artifacts_lasting ADD FOREIGN KEY (client_id) REFERENCES clients ON DELETE CASCADE;
CREATE INDEX artifacts_lasting_client ON artifacts_lasting (client_id) WHERE client_id IS NOT NULL;

-- User codes of the device flow, unique over all partitions of artifacts: HMACs under a sealed key, since they have far fewer than 128 bits.
CREATE TABLE user_codes (
  user_code  bytea PRIMARY KEY,
  bucket     integer NOT NULL,
  id         bytea NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX user_codes_expires_at ON user_codes (expires_at);

-- Single-use identifiers of client assertions and DPoP proofs: the insert is the check.
CREATE TABLE replay_records (
  id         bytea PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
CREATE INDEX replay_records_expires_at ON replay_records (expires_at);
