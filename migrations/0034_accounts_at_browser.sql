-- Several accounts at one browser: whose sessions belong together. `browser_key` is the digest of a cookie's value, which the browser gets with its
-- second account and anew whenever one signs in or is chosen. One of them is in use (its `id` is the session cookie's digest); the ids of the
-- others are digests of values that nobody has.
ALTER TABLE sessions ADD COLUMN browser_key bytea;
CREATE INDEX sessions_browser_key ON sessions (browser_key) WHERE browser_key IS NOT NULL;
