-- Grants that clients manage by `grant_id` (Grant Management for OAuth 2.0): what a person allowed a client in one context, over any number
-- of authorizations. Tokens hang on rows of `grants`, one an authorization, as ever; a managed grant is what the last of them holds.
CREATE TABLE managed_grants (
  -- random; it travels through browsers and is no secret: who may use it is decided by client and account
  id         text PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  client_id  text NOT NULL REFERENCES clients ON DELETE CASCADE,
  -- how many authorizations of it ended with tokens; 0: the code of the first one has not been redeemed
  revision   integer NOT NULL DEFAULT 0,
  -- as in `grants.payload`: openid, resources, rar, userinfo
  granted    jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT clock_time(),
  updated_at timestamptz NOT NULL DEFAULT clock_time(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX managed_grants_account ON managed_grants (account_id);
CREATE INDEX managed_grants_client ON managed_grants (client_id);
CREATE INDEX managed_grants_expires_at ON managed_grants (expires_at);

-- `managed_base`: the revision that the person saw, and that this authorization changes
ALTER TABLE grants ADD COLUMN managed_id text, ADD COLUMN managed_base integer;
CREATE INDEX grants_managed ON grants (managed_id) WHERE managed_id IS NOT NULL;
