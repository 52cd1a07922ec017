-- Rows that open nothing: written where there is no link to be made, so that what an answer takes tells nobody who has an account.
ALTER TABLE mail_links
  DROP CONSTRAINT mail_links_purpose_check,
  DROP CONSTRAINT mail_links_check,
  DROP CONSTRAINT mail_links_check1,
  ADD CONSTRAINT mail_links_purpose CHECK (purpose IN ('sign_up', 'invitation', 'reset', 'email', 'none')),
  ADD CONSTRAINT mail_links_of CHECK ((account_id IS NULL) = (purpose IN ('sign_up', 'invitation', 'none'))),
  ADD CONSTRAINT mail_links_called CHECK ((called IS NULL) = (purpose = 'reset'));
