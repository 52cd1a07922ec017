-- Who redeems the tokens of a family: a leeway answer to a second address is told, three generations in a row are a thief's.
ALTER TABLE refresh_families
  -- address of whoever got the current token first
  ADD COLUMN redeemed_by                text,
  -- the last generation that was also answered, inside the leeway, to another address
  ADD COLUMN second_address_generation  integer,
  -- how many generations in a row that happened
  ADD COLUMN second_address_streak      integer NOT NULL DEFAULT 0;
