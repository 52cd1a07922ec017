-- Facts about this installation that every process must agree on (issuer, mode, seed), one row each.
CREATE TABLE settings (
  name       text PRIMARY KEY,
  value      jsonb NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT clock_time()
);
