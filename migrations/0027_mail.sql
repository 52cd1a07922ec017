-- Mail, and what depends on it: addresses that sign in, mails that are owed, links that are good once.

-- The verified address, folded as logins are (accounts/login-name.ts): one account an address. Empty while nobody has proved the mailbox.
ALTER TABLE accounts ADD COLUMN verified_email text;

-- What an account is called at sign-in: its login, and its verified address. One account a name, whichever of the two it is, so that nobody
-- signs in by, or is found by, a name that somebody else has proved.
CREATE TABLE account_names (
  called     text PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE
);
CREATE INDEX account_names_account ON account_names (account_id);

CREATE FUNCTION keep_account_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM account_names
   WHERE account_id = NEW.id AND called <> NEW.login AND called IS DISTINCT FROM NEW.verified_email;
  -- in order: two that take each other's names wait for one another, and not in a circle
  INSERT INTO account_names
  SELECT DISTINCT n, NEW.id FROM unnest(ARRAY[NEW.login, NEW.verified_email]) n
   WHERE n IS NOT NULL AND NOT EXISTS (SELECT FROM account_names k WHERE k.called = n AND k.account_id = NEW.id)
   ORDER BY n;
  RETURN NULL;
END
$$;

INSERT INTO account_names SELECT login, id FROM accounts;
-- The exact folding is not SQL's: only addresses that it would leave as lower() does, of one account each.
UPDATE accounts a SET verified_email = lower(a.email)
 WHERE a.email_verified AND a.email ~ '^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+$'
   AND NOT EXISTS (SELECT FROM accounts o WHERE o.id <> a.id
     AND (o.login = lower(a.email) OR (o.email_verified AND lower(o.email) = lower(a.email))));
INSERT INTO account_names SELECT verified_email, id FROM accounts WHERE verified_email IS NOT NULL AND verified_email <> login;

CREATE TRIGGER accounts_named AFTER INSERT OR UPDATE OF login, verified_email ON accounts
  FOR EACH ROW EXECUTE FUNCTION keep_account_names();

-- Mails that people are owed: queued in the transaction of what they tell of, sent by whichever process comes first, deleted once sent or given
-- up. A link in one would open something: it is sealed. No reference to accounts: who deletes theirs is told so all the same.
CREATE TABLE mails (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind       text NOT NULL,
  account_id uuid,
  recipient  text NOT NULL,
  -- BCP 47
  locale     text,
  -- of the event that it tells of, as the audit trail has it
  data       jsonb NOT NULL DEFAULT '{}',
  sealed     bytea,
  -- after it, nobody would want it any more
  expires_at timestamptz NOT NULL,
  attempts   integer NOT NULL DEFAULT 0,
  -- when the next attempt may be made; moved ahead before each, so that no two processes make the same one
  due_at     timestamptz NOT NULL DEFAULT clock_time(),
  created_at timestamptz NOT NULL DEFAULT clock_time()
);
CREATE INDEX mails_due_at ON mails (due_at);
CREATE INDEX mails_expires_at ON mails (expires_at);
CREATE TRIGGER mails_changed AFTER INSERT ON mails
  FOR EACH ROW EXECUTE FUNCTION notify_change('id');

-- Links that were sent by mail and are good once. `id` is the digest of what stands in the link, so a copy of the database opens none. A newer
-- link for the same purpose takes the place of the older one.
CREATE TABLE mail_links (
  id         bytea PRIMARY KEY,
  purpose    text NOT NULL CHECK (purpose IN ('sign_up', 'invitation', 'reset', 'email')),
  -- of whom; nobody's yet where an account is to be made
  account_id uuid REFERENCES accounts ON DELETE CASCADE,
  -- the address that it proves: as it is written, and folded
  email      text,
  called     text,
  -- the account's address when it was sent: once that is another one, the link does nothing
  email_before text,
  created_at timestamptz NOT NULL DEFAULT clock_time(),
  expires_at timestamptz NOT NULL,
  CHECK ((account_id IS NULL) = (purpose IN ('sign_up', 'invitation'))),
  CHECK ((called IS NULL) = (purpose = 'reset'))
);
CREATE UNIQUE INDEX mail_links_of_account ON mail_links (account_id, purpose) WHERE account_id IS NOT NULL;
CREATE UNIQUE INDEX mail_links_of_address ON mail_links (called, purpose) WHERE account_id IS NULL;
CREATE INDEX mail_links_expires_at ON mail_links (expires_at);

-- Development without SMTP: what would have been sent, for a page of its own. Sealed, since links stand in it.
CREATE TABLE outbox_mails (
  id         uuid PRIMARY KEY,
  sealed     bytea NOT NULL,
  sent_at    timestamptz NOT NULL DEFAULT clock_time(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX outbox_mails_expires_at ON outbox_mails (expires_at);
