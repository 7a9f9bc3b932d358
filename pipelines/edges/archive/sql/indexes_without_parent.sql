SELECT indexrelid::regclass::text AS name
  FROM pg_index
 WHERE indrelid = to_regclass($1) AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
