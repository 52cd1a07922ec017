-- What changed, for processes that cannot LISTEN: behind a pooler in transaction mode they read it instead (store/change-feed.ts). The
-- number of the writing transaction is kept, since ids are given out before a commit: whoever asks for all from the oldest transaction
-- that ran at the last look misses none. Rows are swept after minutes.
CREATE TABLE changes (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xid     xid8 NOT NULL DEFAULT pg_current_xact_id(),
  watched text NOT NULL,
  key     text NOT NULL,
  at      timestamptz NOT NULL DEFAULT clock_time()
);
CREATE INDEX changes_xid ON changes (xid);
CREATE INDEX changes_at ON changes (at);

CREATE OR REPLACE FUNCTION notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed text := coalesce(to_jsonb(coalesce(NEW, OLD)) ->> TG_ARGV[0], '');
BEGIN
  INSERT INTO changes (watched, key) VALUES (TG_TABLE_NAME, changed);
  PERFORM pg_notify('mintmark_changes', TG_TABLE_NAME || ':' || changed);
  RETURN NULL;
END
$$;
