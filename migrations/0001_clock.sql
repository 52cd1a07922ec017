-- The one clock for everything that is compared with a stored time (HOUSE: never a process clock). A function of our own, so that
-- tests can turn it; STABLE, so that one statement sees one time.
CREATE FUNCTION clock_time() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()';

-- A conditional write must raise when it matches nothing: in a pipelined transaction a lost UPDATE raises nothing by itself, and the
-- statements behind it would commit. The SQLSTATE carries the meaning to the caller, `what` names the write.
CREATE FUNCTION require_match(matched bigint, what text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  IF matched = 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'MM001', MESSAGE = what;
  END IF;
  RETURN matched;
END
$$;
