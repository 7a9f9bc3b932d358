-- Schemas of all instances of pipeline views, the live one and those being built.
SELECT n.nspname
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relname = 'timeline' AND c.relkind = 'p' AND n.nspname ~ '^views_v[0-9]+$'
 ORDER BY n.nspname
