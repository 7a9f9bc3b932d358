-- Those of the schemas $1 that have ever been migrated.
SELECT table_schema AS schema
  FROM information_schema.tables
 WHERE table_schema = ANY($1::text[]) AND table_name = 'alembic_version'
