-- Bits of status lists are locked after the grants that they belong to, and in the order of these, whoever ends them (store/ending.ts): an
-- account or a client turns them on at the end of its transaction, when its grants have been ended, and no longer before.
DROP TRIGGER accounts_ended_status ON accounts;
CREATE CONSTRAINT TRIGGER accounts_ended_status AFTER UPDATE OF disabled_at, valid_after ON accounts DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW
  WHEN ((OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL) OR NEW.valid_after IS DISTINCT FROM OLD.valid_after)
  EXECUTE FUNCTION end_account_status();
DROP TRIGGER clients_ended_status ON clients;
CREATE CONSTRAINT TRIGGER clients_ended_status AFTER UPDATE OF disabled_at, tokens_not_before ON clients DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW
  WHEN ((OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL) OR NEW.tokens_not_before IS DISTINCT FROM OLD.tokens_not_before)
  EXECUTE FUNCTION end_client_status();

CREATE OR REPLACE FUNCTION end_account_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM status_entries e JOIN grants g ON e.grant_id = g.id
  WHERE g.account_id = NEW.id AND e.ended_at IS NULL AND (NEW.disabled_at IS NOT NULL OR g.created_at <= NEW.valid_after)
  ORDER BY e.grant_id COLLATE "C" FOR NO KEY UPDATE OF e;
  UPDATE status_entries e SET ended_at = clock_time(), free_at = least(e.free_at, clock_time() + status_keep())
  FROM grants g
  WHERE g.account_id = NEW.id AND e.grant_id = g.id AND e.ended_at IS NULL
    AND (NEW.disabled_at IS NOT NULL OR g.created_at <= NEW.valid_after);
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION end_session_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM status_entries e JOIN grants g ON e.grant_id = g.id
  WHERE g.session_uid = OLD.uid AND NOT g.offline AND e.ended_at IS NULL
    AND NOT EXISTS (SELECT FROM sessions s
      WHERE s.uid = g.session_uid AND s.account_id = g.account_id AND s.expires_at > clock_time())
  ORDER BY e.grant_id COLLATE "C" FOR NO KEY UPDATE OF e;
  UPDATE status_entries e SET ended_at = clock_time(), free_at = least(e.free_at, clock_time() + status_keep())
  FROM grants g
  WHERE g.session_uid = OLD.uid AND NOT g.offline AND e.grant_id = g.id AND e.ended_at IS NULL
    AND NOT EXISTS (SELECT FROM sessions s
      WHERE s.uid = g.session_uid AND s.account_id = g.account_id AND s.expires_at > clock_time());
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION end_client_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM status_entries e
  WHERE e.ended_at IS NULL AND (e.client_id = OLD.client_id
    OR e.grant_id IN (SELECT g.id FROM grants g WHERE g.client_id = OLD.client_id))
  ORDER BY e.grant_id COLLATE "C" FOR NO KEY UPDATE;
  UPDATE status_entries e SET ended_at = clock_time(), free_at = least(e.free_at, clock_time() + status_keep())
  WHERE e.ended_at IS NULL AND (e.client_id = OLD.client_id
    OR e.grant_id IN (SELECT g.id FROM grants g WHERE g.client_id = OLD.client_id));
  RETURN NULL;
END
$$;
