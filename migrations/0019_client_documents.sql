-- Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document): the client_id is an https URL, and what stands there is the
-- client. The client itself is a row of `clients`, so that consents, grants and the change feed know it; here is what only such a client has.
ALTER TABLE clients DROP CONSTRAINT clients_owner_check;
ALTER TABLE clients ADD CONSTRAINT clients_owner_check CHECK (owner IN ('config', 'cli', 'registration', 'document'));

CREATE TABLE client_documents (
  client_id    text PRIMARY KEY REFERENCES clients ON DELETE CASCADE,
  host         text NOT NULL,
  -- of redirect URIs, keys and authentication: what a grant was given to
  digest       bytea NOT NULL,
  fetched_at   timestamptz NOT NULL DEFAULT clock_time(),
  -- not asked for again until then
  fresh_until  timestamptz NOT NULL,
  -- while its host is down, believed until then
  usable_until timestamptz NOT NULL
);
CREATE INDEX client_documents_host ON client_documents (host);
CREATE INDEX client_documents_fetched_at ON client_documents (fetched_at);

-- Every attempt to fetch one, for a minute: strangers name addresses, and we send requests there. One attempt a document and minute, and so
-- many of documents that nobody has consented to, by host, by who asks, and in all.
CREATE TABLE document_fetches (
  client_id  text PRIMARY KEY,
  host       text NOT NULL,
  -- the network address of who asked for the client
  source     text NOT NULL,
  -- somebody has consented to the client: not counted
  used       boolean NOT NULL,
  began_at   timestamptz NOT NULL DEFAULT clock_time(),
  -- null: under way
  outcome    text CHECK (outcome IN ('stored', 'failed')),
  expires_at timestamptz NOT NULL DEFAULT clock_time() + interval '1 minute'
);
CREATE INDEX document_fetches_expires_at ON document_fetches (expires_at);

-- What a grant was given to; another digest at its client, and the grant counts no more (store/grants.ts).
ALTER TABLE grants ADD COLUMN document_digest bytea;

-- Whether the caller is to fetch the document now. One at a time, over all processes, so that no cap is overstepped; nothing is written unless
-- the answer is `claimed`.
CREATE FUNCTION claim_document_fetch(client text, host_ text, source_ text, per_host integer, per_source integer, total integer)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  known   record;
  earlier document_fetches;
  counted record;
BEGIN
  SELECT c.disabled_at IS NOT NULL AS disabled, d.fresh_until > clock_time() AS fresh,
    EXISTS (SELECT FROM consents o WHERE o.client_id = c.client_id) AS used INTO known
  FROM clients c JOIN client_documents d USING (client_id) WHERE c.client_id = client;
  -- all are null where there is no such client
  IF known.disabled THEN RETURN 'disabled'; END IF;
  IF known.fresh THEN RETURN 'fresh'; END IF;

  PERFORM pg_advisory_xact_lock(7591019);
  SELECT * INTO earlier FROM document_fetches f WHERE f.client_id = client AND expires_at > clock_time();
  IF FOUND THEN
    -- whoever has it may have died: a fetch takes three seconds at most
    IF earlier.outcome IS NULL AND earlier.began_at > clock_time() - interval '5 s' THEN RETURN 'pending'; END IF;
    RETURN coalesce(earlier.outcome, 'failed');
  END IF;
  IF known.used IS NOT TRUE THEN
    SELECT count(*) FILTER (WHERE host = host_) AS by_host, count(*) FILTER (WHERE source = source_) AS by_source, count(*) AS of_all
    INTO counted FROM document_fetches WHERE NOT used AND expires_at > clock_time();
    IF counted.by_host >= per_host OR counted.by_source >= per_source OR counted.of_all >= total THEN RETURN 'limited'; END IF;
  END IF;
  INSERT INTO document_fetches (client_id, host, source, used)
  VALUES (client, host_, source_, known.used IS TRUE)
  ON CONFLICT (client_id) DO UPDATE SET host = excluded.host, source = excluded.source, used = excluded.used,
    began_at = clock_time(), outcome = NULL, expires_at = excluded.expires_at;
  RETURN 'claimed';
END
$$;
