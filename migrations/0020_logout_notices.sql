-- Logout tokens that relying parties are owed (OpenID Connect Back-Channel Logout 1.0 §2.5): queued in the transaction that ends the session,
-- delivered by whichever process comes first, and again for a while where that fails. Nothing in a row opens anything. No reference to
-- accounts: who deletes an account is signed out everywhere all the same.
CREATE TABLE logout_notices (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  client_id  text NOT NULL,
  account_id uuid NOT NULL,
  sid        text NOT NULL,
  attempts   integer NOT NULL DEFAULT 0,
  -- when the next attempt may be made; moved ahead before each, so that no two processes make the same one
  due_at     timestamptz NOT NULL DEFAULT clock_time(),
  created_at timestamptz NOT NULL DEFAULT clock_time()
);
CREATE INDEX logout_notices_due_at ON logout_notices (due_at);
CREATE TRIGGER logout_notices_changed AFTER INSERT ON logout_notices
  FOR EACH ROW EXECUTE FUNCTION notify_change('client_id');
