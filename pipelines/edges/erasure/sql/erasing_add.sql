-- The orders, of which some may be there from a run that was ended. Returns a row for each that was not.
INSERT INTO erasing SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING RETURNING order_no
