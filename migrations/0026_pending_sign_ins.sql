-- Sign-ins that have begun and are not over: who has proved what so far. `id` is the digest of what names the sign-in at its browser (an
-- interaction, or the cookie of the sign-in page), so a copy of the database carries none on.
CREATE TABLE pending_sign_ins (
  id         bytea PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  -- RFC 8176
  amr        text[] NOT NULL,
  -- of the first proof: a password that was changed since counts no more
  started_at timestamptz NOT NULL DEFAULT clock_time(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX pending_sign_ins_account ON pending_sign_ins (account_id);
CREATE INDEX pending_sign_ins_expires_at ON pending_sign_ins (expires_at);
