-- client_secret_jwt needs the secret itself (HMAC): sealed beside the digest, for clients that registered that method and for no others.
ALTER TABLE client_secrets ADD COLUMN sealed bytea;
