-- Keys that clients encrypt their requests to (RFC 9101 §6.1): one more purpose.
ALTER TABLE signing_keys DROP CONSTRAINT signing_keys_purpose_check;
ALTER TABLE signing_keys ADD CONSTRAINT signing_keys_purpose_check
  CHECK (purpose IN ('access_token', 'identity', 'status_list', 'encryption'));
