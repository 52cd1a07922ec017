-- How many rows strangers may have made, by kind and time: processes take from it ahead, so that a request costs no statement.
CREATE TABLE row_allowances (
  kind  text NOT NULL,
  -- number of the stretch of time, of a length that the kind decides
  slot  bigint NOT NULL,
  taken integer NOT NULL,
  PRIMARY KEY (kind, slot)
);

-- Takes up to `wanted` rows out of what is left of `cap` for the time that a row of the kind stays, and answers how many it got: over all
-- processes, never more than `cap`. One caller a kind at a time.
CREATE FUNCTION take_rows(kind_ text, wanted integer, cap integer, slot_seconds integer, slots integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  now_slot bigint := floor(extract(epoch FROM clock_time()) / slot_seconds);
  granted  integer;
BEGIN
  PERFORM pg_advisory_xact_lock(7591012, hashtext(kind_));
  DELETE FROM row_allowances WHERE kind = kind_ AND slot <= now_slot - slots;
  SELECT greatest(0, least(wanted, cap - coalesce(sum(taken), 0))) INTO granted FROM row_allowances WHERE kind = kind_;
  IF granted > 0 THEN
    INSERT INTO row_allowances AS a VALUES (kind_, now_slot, granted)
    ON CONFLICT (kind, slot) DO UPDATE SET taken = a.taken + excluded.taken;
  END IF;
  RETURN granted;
END
$$;

-- How many clients registered themselves is asked now and then, and must not read the others.
CREATE INDEX clients_registered ON clients (created_at) WHERE owner = 'registration';
