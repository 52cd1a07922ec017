-- Sign-in sessions. `id` is the digest of the cookie's value, `uid` the stable handle that rows refer to.
CREATE TABLE sessions (
  id         bytea PRIMARY KEY,
  uid        text NOT NULL,
  account_id uuid REFERENCES accounts ON DELETE CASCADE,
  payload    jsonb NOT NULL,
  -- the members that would open something (page CSRF secret), AES-256-GCM
  sealed     bytea,
  created_at timestamptz NOT NULL DEFAULT clock_time(),
  expires_at timestamptz NOT NULL
);
-- not unique: the engine saves the new identifier before it drops the old one
CREATE INDEX sessions_uid ON sessions (uid);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- The clients that a session has signed in to. First writer wins, so parallel tabs lose nothing.
CREATE TABLE session_clients (
  session_uid text NOT NULL,
  client_id   text NOT NULL,
  sid         text NOT NULL,
  grant_id    text,
  expires_at  timestamptz NOT NULL,
  PRIMARY KEY (session_uid, client_id)
);
CREATE INDEX session_clients_expires_at ON session_clients (expires_at);
