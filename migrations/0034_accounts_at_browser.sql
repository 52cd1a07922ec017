-- Several accounts at one browser: whose sessions belong together. `browser_id` is the digest of a cookie's value, which the browser gets with its
-- second account and anew whenever one signs in or is chosen. One of them is in use (its `id` is the session cookie's digest); the ids of the
-- others are digests of values that nobody has.
ALTER TABLE sessions ADD COLUMN browser_id bytea;
CREATE INDEX sessions_browser ON sessions (browser_id) WHERE browser_id IS NOT NULL;
