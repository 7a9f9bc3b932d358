SELECT count(*) FROM pending WHERE id = ANY ($1::text[])
