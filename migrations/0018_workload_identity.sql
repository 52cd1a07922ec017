-- Clients that tokens of other issuers may stand for are few among many: an assertion that names no client is matched with all of them.
CREATE INDEX clients_with_workload_identity ON clients (client_id) WHERE metadata -> 'workload_identity' IS NOT NULL;
