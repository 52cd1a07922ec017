-- Token Status Lists (draft-ietf-oauth-status-list): a bit for each grant and machine client, so that an API learns of revocation without
-- a question per request. Lists are filled at random and opened again when they have emptied.
CREATE TABLE status_lists (
  id        integer PRIMARY KEY,
  size      integer NOT NULL CHECK (size > 0 AND size % 8 = 0),
  -- new entries go into the list that was opened last
  opened_at timestamptz NOT NULL,
  -- until then every bit is on: a restored backup does not know whose they were (store/restore.ts)
  dead_until timestamptz
);

-- One bit. Without foreign keys: it outlives its grant or client, since tokens that were issued under it do.
CREATE TABLE status_entries (
  list      integer NOT NULL,
  idx       integer NOT NULL,
  grant_id  text,
  client_id text,
  -- the bit is on since then
  ended_at  timestamptz,
  -- the last token of it has expired by then
  free_at   timestamptz NOT NULL,
  PRIMARY KEY (list, idx),
  CHECK (num_nonnulls(grant_id, client_id) = 1)
);
CREATE UNIQUE INDEX status_entries_grant ON status_entries (grant_id) WHERE grant_id IS NOT NULL;
-- tokens that a client gets after all of its tokens were revoked need another bit
CREATE UNIQUE INDEX status_entries_client ON status_entries (client_id) WHERE client_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX status_entries_ended ON status_entries (list, idx) WHERE ended_at IS NOT NULL;
CREATE INDEX status_entries_free_at ON status_entries (free_at);

ALTER TABLE grants ADD COLUMN status_list integer, ADD COLUMN status_idx integer;

-- How long a token may be good after the last one was issued: an hour at most (config/schema.ts), and every clock's tolerance.
CREATE FUNCTION status_keep() RETURNS interval LANGUAGE sql IMMUTABLE AS $$ SELECT interval '2 hours' $$;

-- The list and index of a grant or client, taken now unless it has them. Of two processes that pick one index, the primary key lets one
-- have it; the other picks again.
CREATE FUNCTION take_status_entry(for_grant text, for_client text, list_size integer, good_until timestamptz)
RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE
  taken integer[];
  current_list status_lists;
  chance bytea;
BEGIN
  LOOP
    SELECT * INTO current_list FROM status_lists WHERE size = list_size ORDER BY opened_at DESC, id DESC LIMIT 1;
    FOR attempt IN 1..8 LOOP
      SELECT ARRAY[list, idx] INTO taken FROM status_entries
      WHERE grant_id = for_grant OR (client_id = for_client AND ended_at IS NULL);
      IF FOUND THEN RETURN taken; END IF;
      EXIT WHEN current_list.id IS NULL;
      -- 24 bits that nobody can foretell: neighbours in a list must not tell who came after whom
      chance := uuid_send(gen_random_uuid());
      INSERT INTO status_entries (list, idx, grant_id, client_id, free_at)
      VALUES (current_list.id,
        ((get_byte(chance, 0) << 16) | (get_byte(chance, 1) << 8) | get_byte(chance, 2)) % current_list.size,
        for_grant, for_client, good_until)
      ON CONFLICT DO NOTHING RETURNING ARRAY[list, idx] INTO taken;
      IF FOUND THEN RETURN taken; END IF;
    END LOOP;

    -- Taken eight times in a row: the list is rather full. One that has emptied meanwhile is opened again, else a new one.
    PERFORM pg_advisory_xact_lock(7591014);
    CONTINUE WHEN EXISTS (SELECT FROM status_lists
      WHERE size = list_size AND opened_at > coalesce(current_list.opened_at, '-infinity'));
    UPDATE status_lists SET opened_at = greatest(clock_time(), current_list.opened_at + interval '1 microsecond')
    WHERE id = (SELECT l.id FROM status_lists l
      WHERE l.size = list_size AND l.id <> current_list.id AND (l.dead_until IS NULL OR l.dead_until <= clock_time())
        AND (SELECT count(*) FROM status_entries e WHERE e.list = l.id) * 4 <= l.size
      ORDER BY l.id LIMIT 1);
    CONTINUE WHEN FOUND;
    INSERT INTO status_lists (id, size, opened_at)
    VALUES ((SELECT coalesce(max(id), 0) + 1 FROM status_lists), list_size,
      greatest(clock_time(), current_list.opened_at + interval '1 microsecond'));
  END LOOP;
END
$$;

-- For a grant that was made before its resource asked for a list. Locks in the order in which an account is ended; whoever ends something
-- comes before us, and we find it ended, or after us, and finds the entry.
CREATE FUNCTION assign_grant_status(for_grant text, list_size integer) RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE
  found_grant grants;
  taken integer[];
BEGIN
  SELECT * INTO found_grant FROM grants WHERE id = for_grant;
  PERFORM FROM accounts WHERE id = found_grant.account_id AND disabled_at IS NULL FOR SHARE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF found_grant.session_uid IS NOT NULL AND NOT found_grant.offline THEN
    PERFORM FROM sessions WHERE uid = found_grant.session_uid AND account_id = found_grant.account_id FOR SHARE;
    IF NOT FOUND THEN RETURN NULL; END IF;
  END IF;
  SELECT * INTO found_grant FROM grants
  WHERE id = for_grant AND revoked_at IS NULL AND expires_at > clock_time() FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  taken := take_status_entry(for_grant, NULL, list_size, found_grant.expires_at + status_keep());
  UPDATE grants SET status_list = taken[1], status_idx = taken[2] WHERE id = for_grant AND status_list IS NULL;
  RETURN taken;
END
$$;

CREATE FUNCTION assign_client_status(for_client text, list_size integer) RETURNS integer[] LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM clients WHERE client_id = for_client AND disabled_at IS NULL FOR SHARE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  RETURN take_status_entry(NULL, for_client, list_size, 'infinity');
END
$$;

-- Whatever ends a grant or a client's tokens turns their bits on, in the same transaction, whoever does it. The conditions are those of
-- store/grants.ts (joinLiveGrant, accessTokenState).
CREATE FUNCTION end_grant_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE status_entries SET ended_at = clock_time(), free_at = least(free_at, clock_time() + status_keep())
  WHERE grant_id = OLD.id AND ended_at IS NULL;
  RETURN NULL;
END
$$;
CREATE TRIGGER grants_revoked_status AFTER UPDATE OF revoked_at ON grants FOR EACH ROW
  WHEN (OLD.status_list IS NOT NULL AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
  EXECUTE FUNCTION end_grant_status();
CREATE TRIGGER grants_deleted_status AFTER DELETE ON grants FOR EACH ROW
  WHEN (OLD.status_list IS NOT NULL) EXECUTE FUNCTION end_grant_status();

CREATE FUNCTION end_account_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE status_entries e SET ended_at = clock_time(), free_at = least(e.free_at, clock_time() + status_keep())
  FROM grants g
  WHERE g.account_id = NEW.id AND e.grant_id = g.id AND e.ended_at IS NULL
    AND (NEW.disabled_at IS NOT NULL OR g.created_at <= NEW.valid_after);
  RETURN NULL;
END
$$;
CREATE TRIGGER accounts_ended_status AFTER UPDATE OF disabled_at, valid_after ON accounts FOR EACH ROW
  WHEN ((OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL) OR NEW.valid_after IS DISTINCT FROM OLD.valid_after)
  EXECUTE FUNCTION end_account_status();

CREATE FUNCTION end_session_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE status_entries e SET ended_at = clock_time(), free_at = least(e.free_at, clock_time() + status_keep())
  FROM grants g
  WHERE g.session_uid = OLD.uid AND NOT g.offline AND e.grant_id = g.id AND e.ended_at IS NULL
    AND NOT EXISTS (SELECT FROM sessions s
      WHERE s.uid = g.session_uid AND s.account_id = g.account_id AND s.expires_at > clock_time());
  RETURN NULL;
END
$$;
-- At the end of the transaction: a session that gets another id has two rows for a moment, or none. Not for a restore, which ends all
-- sessions and all lists at once (store/restore.ts).
CREATE CONSTRAINT TRIGGER sessions_ended_status AFTER DELETE ON sessions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.account_id IS NOT NULL AND current_setting('mintmark.restoring', true) IS DISTINCT FROM 'on')
  EXECUTE FUNCTION end_session_status();
CREATE CONSTRAINT TRIGGER sessions_changed_status AFTER UPDATE OF account_id ON sessions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.account_id IS NOT NULL AND NEW.account_id IS DISTINCT FROM OLD.account_id) EXECUTE FUNCTION end_session_status();

CREATE FUNCTION end_client_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE status_entries e SET ended_at = clock_time(), free_at = least(e.free_at, clock_time() + status_keep())
  WHERE e.ended_at IS NULL AND (e.client_id = OLD.client_id
    OR e.grant_id IN (SELECT g.id FROM grants g WHERE g.client_id = OLD.client_id));
  RETURN NULL;
END
$$;
CREATE TRIGGER clients_ended_status AFTER UPDATE OF disabled_at, tokens_not_before ON clients FOR EACH ROW
  WHEN ((OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL) OR NEW.tokens_not_before IS DISTINCT FROM OLD.tokens_not_before)
  EXECUTE FUNCTION end_client_status();
CREATE TRIGGER clients_deleted_status AFTER DELETE ON clients FOR EACH ROW EXECUTE FUNCTION end_client_status();
