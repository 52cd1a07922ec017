-- Keys change on a schedule. Times are this database's, so each step is one condition that two processes cannot both meet.
ALTER TABLE signing_keys
  -- leaked: nothing that it signed is accepted again
  ADD COLUMN burnt_at timestamptz,
  -- the longest life of a token that it may have signed, in seconds: only ever raised, so a lifetime that was shortened still counts
  ADD COLUMN token_seconds integer NOT NULL DEFAULT 0,
  -- when a process last said that its configuration signs with this purpose and algorithm
  ADD COLUMN wanted_at timestamptz,
  -- A burnt key cannot come back, and neither can its private part. It is `retired` to whatever reads the table, older versions too.
  ADD CONSTRAINT signing_keys_burnt_stays_burnt CHECK (burnt_at IS NULL OR (state = 'retired' AND length(sealed) = 0));
-- One successor is made ahead, per purpose and algorithm.
CREATE UNIQUE INDEX signing_keys_one_pending ON signing_keys (purpose, alg) WHERE state = 'pending';

ALTER TABLE server_secrets
  ADD COLUMN activated_at timestamptz,
  ADD COLUMN retiring_at  timestamptz,
  -- the longest life of a value that was made with it, in seconds; only ever raised
  ADD COLUMN value_seconds integer NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX server_secrets_one_active ON server_secrets (purpose) WHERE state = 'active';
CREATE UNIQUE INDEX server_secrets_one_pending ON server_secrets (purpose) WHERE state = 'pending';

-- Every process reads the keys again when one of them changes; noting that a key is wanted changes none.
DROP TRIGGER signing_keys_changed ON signing_keys;
CREATE TRIGGER signing_keys_changed AFTER INSERT OR DELETE OR UPDATE OF kid, purpose, alg, state, sealed ON signing_keys
  FOR EACH ROW EXECUTE FUNCTION notify_change('kid');
DROP TRIGGER server_secrets_changed ON server_secrets;
CREATE TRIGGER server_secrets_changed AFTER INSERT OR DELETE OR UPDATE OF purpose, version, state, sealed ON server_secrets
  FOR EACH ROW EXECUTE FUNCTION notify_change('purpose');
