-- The indexes that closed_orders has and archived_orders has not, as they are defined.
SELECT pg_get_indexdef(wanted.indexrelid) AS definition
  FROM pg_index AS wanted
 WHERE wanted.indrelid = to_regclass('closed_orders')
   AND NOT EXISTS (
       SELECT FROM pg_index AS has
        WHERE has.indrelid = to_regclass('archived_orders')
          AND split_part(pg_get_indexdef(has.indexrelid), ' USING ', 2)
            = split_part(pg_get_indexdef(wanted.indexrelid), ' USING ', 2))
