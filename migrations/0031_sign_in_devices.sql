-- Browsers that an account has been signed in at: while strangers use up the account's attempts, its owner has some of their own. `id` is the
-- digest of a cookie that says nothing about the account and opens nothing; one browser may know several accounts.
CREATE TABLE sign_in_devices (
  id         bytea NOT NULL,
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  -- of accounts/device-label.ts
  label      text NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT clock_time(),
  -- one from before a password reset or a sign-out everywhere (accounts.valid_after) is known no more
  last_seen  timestamptz NOT NULL DEFAULT clock_time(),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (id, account_id)
);
CREATE INDEX sign_in_devices_account ON sign_in_devices (account_id, last_seen);
CREATE INDEX sign_in_devices_expires_at ON sign_in_devices (expires_at);

-- The first of all: nobody has to be told that it came from a new device.
ALTER TABLE accounts ADD COLUMN first_sign_in_at timestamptz;

-- What kinds of imported hashes there are, and how many of each, until their owners have signed in once (accounts/decoys.ts).
CREATE INDEX accounts_imported_hashes
  ON accounts ((substring(password from '^\$(?:2[aby]\$\d\d|[a-z0-9-]+\$[a-z]+=[a-z0-9=,]+)\$')))
  WHERE password NOT LIKE '$argon2id$%';
