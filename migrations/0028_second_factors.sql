-- Second factors of people: a TOTP seed (RFC 6238) and recovery codes. Seeds and the keys of recovery codes are sealed; a code itself is
-- nowhere, only its HMAC.
CREATE TABLE totp_factors (
  account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
  sealed     bytea NOT NULL,
  -- time step of the last code that was taken: it and all before it are taken no more
  last_step  bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_time()
);

-- one set an account; making new codes gives it a new key, so that those of before are dead at once
CREATE TABLE recovery_code_sets (
  account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
  sealed     bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_time()
);

CREATE TABLE recovery_codes (
  account_id uuid NOT NULL REFERENCES recovery_code_sets ON DELETE CASCADE,
  mac        bytea NOT NULL,
  PRIMARY KEY (account_id, mac)
);
