-- Who a session belongs to, as its owner knows it, and when it was used last: for the page with sessions and devices. Names of a small table
-- only (accounts/device-label.ts), never the header that they were read from. Sessions from before have none.
ALTER TABLE sessions
  ADD COLUMN browser      text,
  ADD COLUMN system       text,
  -- of the sign-in, and of the request that used it last
  ADD COLUMN address      text,
  ADD COLUMN seen_address text,
  ADD COLUMN seen_at      timestamptz;

-- Accounts that their owner has deleted. Until then the row stays, and nothing of it lives: whoever signs in may keep it.
ALTER TABLE accounts ADD COLUMN delete_at timestamptz;
CREATE INDEX accounts_delete_at ON accounts (delete_at) WHERE delete_at IS NOT NULL;

-- What a person reads of the trail, without what apps do all the time: that would be most of it. The list stands in store/person-events.ts,
-- word by word.
CREATE INDEX audit_events_person ON audit_events (account_id, at, id)
  WHERE account_id IS NOT NULL AND type NOT IN ('code.issued', 'token.issued', 'refresh.rotated', 'refresh.leeway_answered');
