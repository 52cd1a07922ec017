-- What a person consented to, per client: new grants copy it.
CREATE TABLE consents (
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  client_id  text NOT NULL REFERENCES clients ON DELETE CASCADE,
  -- { openid: { scope, claims }, resources: { [resource]: scope } }
  granted    jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_time(),
  updated_at timestamptz NOT NULL DEFAULT clock_time(),
  expires_at timestamptz,
  PRIMARY KEY (account_id, client_id)
);

-- One authorization each: the engine's Grant. Tokens live and die with it.
CREATE TABLE grants (
  id          text PRIMARY KEY,
  -- random handle that access tokens carry as `gid`; no endpoint accepts it
  handle      text NOT NULL UNIQUE,
  account_id  uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  client_id   text NOT NULL REFERENCES clients ON DELETE CASCADE,
  session_uid text,
  -- a grant without offline_access lives while its session lives
  offline     boolean NOT NULL DEFAULT false,
  payload     jsonb NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT clock_time(),
  expires_at  timestamptz NOT NULL,
  revoked_at  timestamptz
);
CREATE INDEX grants_account ON grants (account_id);
CREATE INDEX grants_session ON grants (session_uid) WHERE session_uid IS NOT NULL;
CREATE INDEX grants_expires_at ON grants (expires_at);

-- Refresh tokens: one row per family, not per token. Nothing in the row alone opens anything. Partitions of a week are made ahead and
-- dropped by the server (store/partitions.ts); there is no DEFAULT one, which would make both of these wait for traffic.
CREATE TABLE refresh_families (
  -- day number of the absolute expiry; never changes, and stands in the token
  bucket                integer NOT NULL,
  id                    uuid NOT NULL,
  grant_id              text NOT NULL,
  account_id            uuid NOT NULL,
  client_id             text NOT NULL,
  session_uid           text,
  generation            integer NOT NULL DEFAULT 1,
  current_hash          bytea NOT NULL,
  successor_salt        bytea NOT NULL,
  successor_key_version integer NOT NULL,
  previous_hash         bytea,
  previous_salt         bytea,
  previous_key_version  integer,
  rotated_at            timestamptz,
  previous_rotated_at   timestamptz,
  -- answers inside the leeway since the last rotation
  leeway_answers        integer NOT NULL DEFAULT 0,
  created_at            timestamptz NOT NULL DEFAULT clock_time(),
  expires_at            timestamptz NOT NULL,
  idle_expires_at       timestamptz NOT NULL,
  revoked_at            timestamptz,
  jkt                   text,
  certificate           text,
  payload               jsonb NOT NULL,
  PRIMARY KEY (bucket, id)
) PARTITION BY RANGE (bucket);
CREATE INDEX refresh_families_grant ON refresh_families (grant_id);

-- Single access tokens that were revoked before they expired; kept until `exp` plus the clock tolerance.
CREATE TABLE denied_tokens (
  jti        text PRIMARY KEY,
  denied_at  timestamptz NOT NULL DEFAULT clock_time(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX denied_tokens_expires_at ON denied_tokens (expires_at);

CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX refresh_families_account ON refresh_families (account_id);
CREATE INDEX refresh_families_client ON refresh_families (client_id);
