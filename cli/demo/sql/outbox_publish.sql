SELECT publish($1, $2, $3::text::jsonb, $4, $5, $6)
