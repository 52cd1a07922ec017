-- Where somebody came from who has begun to sign in: told in the audit trail when the sign-in is over.
ALTER TABLE pending_sign_ins ADD COLUMN upstream text;
