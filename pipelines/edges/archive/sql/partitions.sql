-- The months of table $1, with how many rows PostgreSQL believes them to have, and their size in bytes.
SELECT child.relname AS name, greatest(child.reltuples, 0)::bigint AS rows, pg_total_relation_size(child.oid) AS size
  FROM pg_inherits
  JOIN pg_class AS child ON child.oid = inhrelid
 WHERE inhparent = to_regclass($1)
 ORDER BY child.relname
