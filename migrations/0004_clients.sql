-- Registered clients (RFC 7591). `metadata` holds the wire members that our policy let through, never a secret.
CREATE TABLE clients (
  client_id         text PRIMARY KEY,
  type              text NOT NULL CHECK (type IN ('web', 'spa', 'native', 'machine')),
  owner             text NOT NULL CHECK (owner IN ('config', 'cli', 'registration')),
  metadata          jsonb NOT NULL,
  revision          bigint NOT NULL DEFAULT 1,
  seeded            boolean NOT NULL DEFAULT false,
  disabled_at       timestamptz,
  -- machine tokens issued before this are refused
  tokens_not_before timestamptz,
  created_at        timestamptz NOT NULL DEFAULT clock_time(),
  updated_at        timestamptz NOT NULL DEFAULT clock_time()
);

-- Up to two live secrets a client: ours are 256 random bits, so a plain SHA-256 is enough.
CREATE TABLE client_secrets (
  client_id    text NOT NULL REFERENCES clients ON DELETE CASCADE,
  digest       bytea NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_time(),
  expires_at   timestamptz,
  last_used_at timestamptz,
  PRIMARY KEY (client_id, digest)
);

-- The change feed: every process hears of a change to what it caches. The payload is `table:key`.
CREATE FUNCTION notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed jsonb := to_jsonb(coalesce(NEW, OLD));
BEGIN
  PERFORM pg_notify('mintmark_changes', TG_TABLE_NAME || ':' || coalesce(changed ->> TG_ARGV[0], ''));
  RETURN NULL;
END
$$;
CREATE TRIGGER clients_changed AFTER INSERT OR UPDATE OR DELETE ON clients
  FOR EACH ROW EXECUTE FUNCTION notify_change('client_id');
-- not on last_used_at: noting a use must not empty every process's cache
CREATE TRIGGER client_secrets_changed AFTER INSERT OR DELETE OR UPDATE OF digest, expires_at ON client_secrets
  FOR EACH ROW EXECUTE FUNCTION notify_change('client_id');
CREATE TRIGGER signing_keys_changed AFTER INSERT OR UPDATE OR DELETE ON signing_keys
  FOR EACH ROW EXECUTE FUNCTION notify_change('kid');
CREATE TRIGGER server_secrets_changed AFTER INSERT OR UPDATE OR DELETE ON server_secrets
  FOR EACH ROW EXECUTE FUNCTION notify_change('purpose');
