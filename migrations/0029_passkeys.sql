-- Passkeys (Web Authentication Level 3): public keys, which open nothing by themselves.

-- What an authenticator knows an account by (§5.4.3 `user.id`): random, so that it tells nothing of the account.
CREATE TABLE passkey_users (
  account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
  handle     bytea NOT NULL UNIQUE
);

CREATE TABLE passkeys (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id    uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  credential_id bytea NOT NULL UNIQUE,
  -- COSE_Key (RFC 9052 §7)
  public_key    bytea NOT NULL,
  -- signature counter as it was seen last; 0: the authenticator has none
  counter       bigint NOT NULL,
  -- how the authenticator can be reached
  transports    text[] NOT NULL,
  -- which kind of authenticator made it
  aaguid        uuid NOT NULL,
  -- backup eligibility, which never changes, and whether it is backed up now (§6.1.3)
  synced        boolean NOT NULL,
  backed_up     boolean NOT NULL,
  name          text NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT clock_time(),
  last_used_at  timestamptz
);
CREATE INDEX passkeys_account ON passkeys (account_id);
