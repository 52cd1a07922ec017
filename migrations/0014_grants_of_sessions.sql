-- An authorization reads its session, and writes its grant later: one that was signed out, disabled or reset in between must not leave a grant
-- that outlives it. At the end of the transaction, where the session has been saved too; the lock makes whoever ends the session wait, and
-- then find the grant.
CREATE FUNCTION refuse_grant_of_ended_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM sessions
  WHERE uid = NEW.session_uid AND account_id = NEW.account_id AND expires_at > clock_time() FOR SHARE;
  IF NOT FOUND THEN
    PERFORM require_match(0, 'session_ended');
  END IF;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER grants_of_live_sessions AFTER INSERT ON grants DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.session_uid IS NOT NULL) EXECUTE FUNCTION refuse_grant_of_ended_session();
