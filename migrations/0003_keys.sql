-- Signing keys. Only the sealed private JWK is stored: the public part is derived from it, so that a swapped public key cannot exist.
CREATE TABLE signing_keys (
  kid          text PRIMARY KEY,
  purpose      text NOT NULL CHECK (purpose IN ('access_token', 'identity', 'status_list')),
  alg          text NOT NULL,
  state        text NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'retired')),
  sealed       bytea NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_time(),
  activated_at timestamptz,
  retiring_at  timestamptz,
  retired_at   timestamptz
);
-- One key signs at a time, per purpose and algorithm.
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (purpose, alg) WHERE state = 'active';

-- Symmetric secrets of the server (cookie, rotation, code, pairwise, nonce keys), sealed, versioned.
CREATE TABLE server_secrets (
  purpose    text NOT NULL,
  version    integer NOT NULL CHECK (version > 0),
  state      text NOT NULL CHECK (state IN ('pending', 'active', 'retiring')),
  sealed     bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_time(),
  PRIMARY KEY (purpose, version)
);
