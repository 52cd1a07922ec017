-- Requests of clients that wait for a person's answer (OpenID Connect CIBA Core §7). The request itself is an artifact; a row here says whose
-- it is, for the page, and counts against how often one person may be asked: so it stays a while after it was declined. No reference to
-- accounts and clients: whoever lists rows looks whether both still live, and rows leave by themselves.
CREATE TABLE backchannel_requests (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id uuid NOT NULL,
  client_id  text NOT NULL,
  -- where the artifact is
  bucket     integer NOT NULL,
  artifact   bytea NOT NULL,
  -- of whoever sent the request
  address    text,
  created_at timestamptz NOT NULL DEFAULT clock_time(),
  expires_at timestamptz NOT NULL,
  -- until then it counts, unless it was approved
  kept_until timestamptz NOT NULL,
  decided_at timestamptz
);
CREATE INDEX backchannel_requests_account ON backchannel_requests (account_id);
CREATE INDEX backchannel_requests_kept_until ON backchannel_requests (kept_until);

-- Pings that clients are owed (CIBA Core §10.2). What is sent, the request's id and the client's own token, would open something: it is sealed.
CREATE TABLE ping_notices (
  id         uuid PRIMARY KEY,
  client_id  text NOT NULL,
  account_id uuid NOT NULL,
  sealed     bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  attempts   integer NOT NULL DEFAULT 0,
  due_at     timestamptz NOT NULL DEFAULT clock_time(),
  created_at timestamptz NOT NULL DEFAULT clock_time()
);
CREATE INDEX ping_notices_due_at ON ping_notices (due_at);
CREATE TRIGGER ping_notices_changed AFTER INSERT ON ping_notices
  FOR EACH ROW EXECUTE FUNCTION notify_change('client_id');
