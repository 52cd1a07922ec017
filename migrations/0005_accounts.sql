-- People. `id` is the subject: random, never reused, never an e-mail address.
CREATE TABLE accounts (
  id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- what the person types, folded by accounts/login-name.ts (one form per account: aliases share one attempt counter)
  login             text NOT NULL UNIQUE,
  name              text,
  email             text,
  email_verified    boolean NOT NULL DEFAULT false,
  locale            text,
  -- further claims of OpenID Connect Core §5.1, wire names
  claims            jsonb NOT NULL DEFAULT '{}',
  -- PHC string
  password          text,
  seeded            boolean NOT NULL DEFAULT false,
  disabled_at       timestamptz,
  -- grants and sessions from before this are refused (password reset, sign out everywhere)
  valid_after       timestamptz,
  created_at        timestamptz NOT NULL DEFAULT clock_time(),
  updated_at        timestamptz NOT NULL DEFAULT clock_time()
);

-- Attempt counters, claimed by their own statement before the check that they guard. `key` is a digest of what is counted.
CREATE TABLE attempts (
  kind       text NOT NULL,
  key        bytea NOT NULL,
  count      integer NOT NULL,
  window_end timestamptz NOT NULL,
  PRIMARY KEY (kind, key)
);
CREATE INDEX attempts_window_end ON attempts (window_end);
